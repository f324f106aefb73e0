// Two scenarios against each other: run by turns, so that both see the same machine, and told as ratios.
// Knows no scenario: which two is asked for.
#pragma once

#include "bench/command_line.hpp"
#include "bench/scenarios.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace weir::bench {

inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Why a run cannot be compared with another; empty when it can. Where calls fail, something else is
/// measured.
inline std::string objection(const measurement& run) {
  std::string why;
  if (run.errors != 0)
    why = fmt::format("{} call{} failed", run.errors, run.errors == 1 ? "" : "s");
  else if (run.calls == 0)
    why = "no call ended in the measured time";
  else if (run.cpu.count() == 0)
    why = "the CPU time was too short to be measured";
  return why.empty() ? why
                     : fmt::format("{} with {} in flight: {}; there is nothing to compare", run.scenario,
                                   run.concurrency, why);
}

/// What the one took against the floor, round for round. `Run` is a measurement.
template <class Run>
struct comparison {
  std::vector<double> throughput;
  std::vector<double> cpu;
  std::vector<double> added_p50;
  std::vector<Run> runs; ///< the floor's and the other's by turns
  std::string objection; ///< why there is nothing to compare; empty: there is
};

template <class Run>
using scenario_of = result<Run> (*)(const call_options&);

/// Which two, and how their comparison is told.
template <class Run>
struct contest {
  std::string name; ///< of the comparison
  scenario_of<Run> floor;
  scenario_of<Run> other;
  std::string (*to_words)(const comparison<Run>&);   ///< a part of a sentence
  std::string (*to_members)(const comparison<Run>&); ///< further members of its JSON, each with a comma first
};

/// Runs the two by turns. Ends at the first run that is of no use.
template <class Run>
result<comparison<Run>> compare(const contest<Run>& between, call_options& call, std::uint32_t rounds) {
  comparison<Run> seen;
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    call.title = fmt::format("round {} of {}: ", round, rounds);
    for (const scenario_of<Run> run : {between.floor, between.other}) {
      auto measured = run(call);
      if (!measured)
        return measured.error();
      seen.objection = objection(*measured);
      if (!seen.objection.empty())
        return seen;
      seen.runs.push_back(std::move(*measured));
    }
    const Run& floor = seen.runs[seen.runs.size() - 2];
    const Run& other = seen.runs.back();
    seen.throughput.push_back(other.per_second() / floor.per_second());
    seen.cpu.push_back(other.cpu_us_per_call() / floor.cpu_us_per_call());
    seen.added_p50.push_back(other.latency.quantile(0.5) - floor.latency.quantile(0.5));
  }
  return seen;
}

/// One JSON object, without a line end.
template <class Run>
std::string to_json(const contest<Run>& between, const comparison<Run>& seen, std::uint32_t concurrency) {
  std::string runs;
  for (const Run& each : seen.runs)
    runs += (runs.empty() ? "" : ",\n") + to_json(each);
  return fmt::format(R"({{"scenario":"{}","concurrency":{},"rounds":{},"throughput_ratio":{:.3f},)"
                     R"("cpu_ratio":{:.3f},"added_p50_us":{:.1f}{},"runs":[{}]}})",
                     between.name, concurrency, seen.throughput.size(), median(seen.throughput),
                     median(seen.cpu), median(seen.added_p50), between.to_members(seen), runs);
}

/// Compares at each concurrency, and prints. Gives the exit code.
template <class Run>
int run_contest(const contest<Run>& between, call_options call,
                const std::vector<std::uint32_t>& concurrencies, std::uint32_t rounds, bool json) {
  std::string lines;
  for (const std::uint32_t concurrency : concurrencies) {
    call.concurrency = concurrency;
    const auto seen = compare(between, call, rounds);
    if (!seen)
      return complain(seen.error());
    if (!seen->objection.empty()) {
      tell("weir-bench: " + seen->objection + "\n");
      return 1;
    }
    if (json) {
      lines += (lines.empty() ? "" : ",\n") + to_json(between, *seen, concurrency);
    } else {
      fmt::print("{}", to_table(seen->runs));
      lines += fmt::format("{} in flight: {} (medians of {} round{})\n", concurrency, between.to_words(*seen),
                           rounds, rounds == 1 ? "" : "s");
    }
  }
  fmt::print("{}", json ? "[" + lines + "]\n" : lines);
  return 0;
}

} // namespace weir::bench
