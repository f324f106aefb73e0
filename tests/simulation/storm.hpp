// The storm: a load that a provider bears, a dip of its capacity, and the question whether retries keep it
// down when the dip is over. Runs on the same machine as the histories. Knows no command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace weir::simulation {

/// Open loop; times are virtual. In overload the provider wastes work: of `n` requests in a second that are
/// more than its capacity `c`, it serves the share (c / n)², and refuses the connections of the others.
struct storm_options {
  bool budget = true;         ///< the retry budget with its default figures; false: none
  bool breaker = false;       ///< with circuit breakers, which hide what the budget does
  std::uint32_t offered = 80; ///< calls a second
  std::uint32_t capacity = 100;
  std::uint32_t dip_capacity = 20;
  std::chrono::seconds before{10}; ///< the dip
  std::chrono::seconds dip{10};
  std::chrono::seconds after{40};
};

struct storm_report {
  std::uint64_t seed = 0;
  std::uint64_t calls = 0;
  std::uint64_t posts = 0;
  std::uint32_t peak = 0;   ///< requests in any second since the dip began
  double amplification = 0; ///< the peak over what is offered
  /// From the dip's end until all calls succeed at once, with at most 1 % of any second that do not; nothing:
  /// they never do.
  std::optional<std::chrono::milliseconds> recovery;
};

storm_report run_storm(std::uint64_t seed, const storm_options& how);

} // namespace weir::simulation
