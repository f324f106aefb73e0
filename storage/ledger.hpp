// The ledger: usage records in LMDB, appended in transactions and scanned by time.
// Knows records and disks; no actors, no clocks, no threads of its own.
#pragma once

#include <weir/error.hpp>
#include <weir/usage.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace weir::storage {

struct ledger_options {
  std::filesystem::path dir;
  std::uint64_t map_bytes = 1ULL << 30U; ///< first size of the map, sparse; grows by doubling when it is full
  bool read_only = false;                ///< open an existing ledger for questions only; creates nothing
};

/// What an append did.
struct append_report {
  std::size_t appended = 0;      ///< new rows, and rows that went on to their end
  std::size_t already_there = 0; ///< same id, same content, now or in an earlier state: nothing to do
};

struct ledger_stats {
  std::uint64_t records = 0;
  std::uint64_t file_bytes = 0; ///< pages in use times page size
  std::uint64_t map_bytes = 0;
};

/// One open ledger folder. `append` from one thread at a time; `scan`, `summary`, `stats` from any thread,
/// beside it. All failures are `storage` and name the LMDB call, the table or the field in `place`; a full
/// disk says so. `retryable` is true when the same batch may go in later (a full or failing disk), and false
/// when it never will (a field beyond its limit, an id taken by another content, a damaged row).
class ledger {
public:
  /// Opens, and creates what is missing (folder 0700, files 0600). Never open one folder twice in a process.
  static result<std::unique_ptr<ledger>> open(const ledger_options& options);

  ledger(const ledger&) = delete;
  ledger& operator=(const ledger&) = delete;
  ~ledger();

  /// Writes a batch in one transaction: all of it is durable when this returns, or none of it is in the
  /// books. A record whose id is there already with the same content counts as done; with other content the
  /// whole batch is refused (`storage`, place `id_conflict`), unless it takes an `intent` to its end or gives
  /// an `unknown` its figures (`settled`), with call and time as they were.
  result<append_report> append(std::span<const usage_record> batch);

  /// Visits matching records in order of time until the visitor says false. Rows are read by the thousand and
  /// visited outside any transaction, so a visitor may take its time and use the ledger. A damaged row ends
  /// the visit with a failure that names its key.
  result<void> scan(const usage_filter& filter, const std::function<bool(const usage_record&)>& visit) const;

  /// One summary for each provider and model, ordered by provider, then model.
  result<std::vector<usage_summary>> summary(const usage_filter& filter) const;

  result<ledger_stats> stats() const;

private:
  struct environment;
  explicit ledger(std::unique_ptr<environment> env);

  std::unique_ptr<environment> env_;
  std::uint64_t appends_ = 0;
};

} // namespace weir::storage
