// Appends to weir's ledger against the same rows in a minimal LMDB program and in SQLite, by turns.
// Knows no command line.
#pragma once

#include "bench/measurement.hpp"

#include <weir/error.hpp>

#include <cstdint>
#include <vector>

namespace weir::bench {

struct append_options {
  std::uint64_t rows = 200'000; ///< a run
  std::uint32_t batch = 1000;   ///< rows a transaction
  std::uint32_t rounds = 5;
  std::uint32_t tags = 1; ///< of each row, up to 3
};

/// All runs, those of a round one after the other: weir, LMDB, SQLite, SQLite with rollups.
struct append_comparison {
  std::vector<measurement> runs;
  double to_lmdb = 0;           ///< weir's rows a second as a share of theirs: the median of the rounds
  double to_sqlite = 0;         ///< likewise
  double to_sqlite_rollups = 0; ///< likewise
};

/// Each run has a new folder of its own. Errors: `storage`.
result<append_comparison> compare_appends(const append_options& options);

} // namespace weir::bench
