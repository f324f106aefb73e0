// What books cost a call: weir without them, relaxed and strict, and the least programs that do as much.
// Knows no command line.
#pragma once

#include "bench/scenarios.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace weir::bench {

/// All of one concurrency, round by round: the floor, the floor with an intent and a settlement in LMDB, the
/// same in SQLite, then weir without books, relaxed, strict.
struct durability_comparison {
  std::uint32_t concurrency = 1;
  std::vector<measurement> runs;
  std::string objection; ///< why there is nothing to compare; empty: there is
};

/// Names of the runs of a round, in their order.
const std::vector<std::string>& durability_runs();

/// Errors: those of the runs.
result<durability_comparison> compare_durability(call_options call, std::uint32_t rounds);

std::string to_table(const durability_comparison& seen);
/// One JSON object, without a line end.
std::string to_json(const durability_comparison& seen);

} // namespace weir::bench
