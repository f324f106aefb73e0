// A large ledger and what it answers, with the memory of each step; the same questions to SQLite.
// Knows no command line.
#pragma once

#include "bench/measurement.hpp"

#include <weir/error.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::bench {

struct question_options {
  std::uint64_t rows = 10'000'000;
  std::uint64_t sqlite_rows = 1'000'000; ///< 0: SQLite is not asked
  std::uint64_t exported = 1'000'000;    ///< rows, by the program `weir`; 0: none
  std::uint32_t tags = 1;                ///< of each row, up to 3
};

/// One step: how often it was done, how long it took, how much it handled, and what memory it left.
struct question_step {
  std::string store; ///< `weir` or `sqlite`
  std::string name;
  std::uint64_t times = 1;
  std::uint64_t rows = 0; ///< handled in all; 0: that says nothing here
  double duration_s = 0;  ///< of all together
  histogram latency;
  std::uint64_t peak_anonymous = 0; ///< bytes of the process that did it: its own memory …
  std::uint64_t peak_rss = 0;       ///< … and with the pages of files that it looked at

  double rows_per_s() const { return duration_s > 0 ? static_cast<double>(rows) / duration_s : 0; }
};

struct question_report {
  std::vector<question_step> steps;
  std::uint64_t rows = 0;
  std::uint64_t file_bytes = 0; ///< of the ledger: pages that were ever in use
  std::uint64_t used_bytes = 0; ///< those in use
  std::uint64_t rollups = 0;
  std::uint64_t sqlite_rows = 0;
  std::uint64_t sqlite_bytes = 0;
};

/// Fills a ledger in a temporary folder with rows of ninety days, and asks. Errors: `storage`, `config` (the
/// program `weir` is not beside this one).
result<question_report> ask_ledger(const question_options& options);

std::string to_table(const question_report& report);
/// One JSON object, without a line end.
std::string to_json(const question_report& report);

} // namespace weir::bench
