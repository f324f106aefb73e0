// What the bench's subcommands share: options, their checks, and how trouble is told.
// Knows no subcommand.
#pragma once

#include "bench/scenarios.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace weir::bench {

/// Writes to standard error.
void tell(const std::string& text);

/// Tells a failure, and gives the exit code for it.
int complain(const failure& error);

std::chrono::milliseconds to_time(double seconds);

/// A number of seconds; "nan", which no comparison refuses, is none.
CLI::Validator seconds_from(double least);

/// A count from 1.
CLI::Validator count_up_to(std::uint32_t most);

inline constexpr double least_duration_s = 0.001;
inline constexpr std::uint32_t most_in_flight = 10'000;

/// What every subcommand that calls an upstream can be told.
struct run_options {
  call_options call; ///< without its times, until `settle_times`
  double duration_s = 5;
  double warm_up_s = 1;
  std::int64_t gap_ms = 0;
  bool json = false;
};

/// Puts the times of the command line where the scenarios look for them.
void settle_times(run_options& options);

void add_duration(CLI::App& command, run_options& options);
void add_warm_up(CLI::App& command, run_options& options);
/// Upstream, model, and JSON or not.
void add_upstream(CLI::App& command, run_options& options);
void add_gap(CLI::App& command, run_options& options);
/// Concurrency and number of calls of one run.
void add_extent(CLI::App& command, run_options& options);
/// The tags of each row that a measurement of books makes.
void add_tags(CLI::App& command, std::uint32_t& tags);
/// Concurrencies and rounds of a comparison.
void add_rounds(CLI::App& command, std::vector<std::uint32_t>& concurrencies, std::uint32_t& rounds);

} // namespace weir::bench
