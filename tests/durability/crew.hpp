// Processes that look at many states each; one that dies over a state is a finding, and another one goes on.
// Knows no state.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace weir::durability {

/// What was found, by kind; with the first few in full.
struct findings {
  std::uint64_t looked_at = 0;
  std::uint64_t failed = 0;
  std::map<std::string, std::uint64_t> kinds;
  std::vector<std::string> first;
};

/// What a worker says of one state: empty when it is as it should be. The text up to a colon is its kind.
using verdict = std::string;

/// A worker's part of the work: it goes through all states of its share in the same order each time, and
/// calls `judge` for each; what `judge` is given is only called when nobody has looked at that state yet.
using share_of_work =
    std::function<void(unsigned worker, const std::function<void(const std::function<verdict()>&)>& judge)>;

/// Runs `workers` processes.
findings run_crew(unsigned workers, const share_of_work& work);

/// Says for people what was found.
void tell(const std::string& what, const findings& found, std::chrono::nanoseconds time);

} // namespace weir::durability
