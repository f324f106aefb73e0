// The scenarios and their options. Each runs in this process against an upstream in another one.
// Knows no command line.
#pragma once

#include "bench/measurement.hpp"

#include <weir/error.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace weir::bench {

/// Told now and then how many calls are done, for a progress line.
using progress = std::function<void(std::uint64_t calls)>;

struct call_options {
  std::string upstream; ///< base URL, such as `http://127.0.0.1:8080/v1`
  std::uint32_t concurrency = 64;
  std::chrono::milliseconds duration{5000};
  std::chrono::milliseconds warm_up{1000};
  std::uint64_t calls = 0; ///< end after so many instead of after `duration`, without warm-up; 0: by time
  std::chrono::milliseconds gap{0}; ///< pause of each agent between two calls
  std::string config_file;          ///< of `chat`: use this configuration instead of one made for `upstream`
  std::string model = "mock-model";
  progress tell;
};

/// Agent actors that call the manager: the whole way, ledger included.
result<measurement> run_chat(const call_options& options);

/// The same calls by a minimal Beast client without actors, policy and books: the physical floor.
result<measurement> run_floor(const call_options& options);

/// CPU of an embedded runtime that has nothing to do; `cpu` over `duration` with `calls` 0.
result<measurement> run_idle(const call_options& options);

struct ledger_options {
  std::uint64_t records = 200'000;
  std::uint32_t batch = 100;
};

/// Appends records to a ledger in a temporary folder: `calls` counts records, latencies are those of commits.
result<measurement> run_ledger(const ledger_options& options);

} // namespace weir::bench
