// `overload`: several times as many calls as the provider can serve, and what becomes of them.
// Knows no other scenario.
#pragma once

#include "bench/measurement.hpp"

#include <weir/error.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace weir::bench {

struct overload_options {
  std::string upstream;           ///< base URL of a provider that takes `latency` for a call
  std::uint32_t concurrency = 32; ///< attempts that the provider is allowed to have in flight
  std::uint32_t factor = 5;       ///< how many times the peak is offered
  std::chrono::milliseconds latency{100};
  std::chrono::milliseconds duration{60'000};
  std::chrono::milliseconds warm_up{1000};
  std::string model = "mock-model";
};

/// What was measured: first with as many callers as there are places, each waiting for his answer (the peak);
/// then with calls that come at a fixed rate, whatever becomes of them.
struct overload_measurement {
  measurement peak;
  measurement overload;      ///< its calls are the answered ones; neither refusals nor failures
  std::uint64_t offered = 0; ///< calls begun
  std::uint64_t refused = 0; ///< as `overloaded`
  std::uint64_t failed = 0;  ///< in any other way
  histogram refusal_latency; ///< from the question to the refusal

  /// Answered calls a second, as a share of the peak.
  double goodput_ratio() const;
  /// p99 of the answered calls, in units of the peak's.
  double p99_ratio() const;
};

std::string to_json(const overload_measurement& seen);
/// A few lines for people.
std::string to_text(const overload_measurement& seen);

/// Runs both. Errors: `config`, `storage`.
result<overload_measurement> run_overload(const overload_options& options);

/// Adds the subcommand; it leaves the exit code in `code`.
void add_overload_command(CLI::App& program, int& code);

} // namespace weir::bench
