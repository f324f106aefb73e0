// What weir's ledger is compared with: the least that LMDB and SQLite can do for the same rows.
// Knows no scenario.
#pragma once

#include <weir/error.hpp>
#include <weir/usage.hpp>

#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace weir::bench {

/// Keeps rows in a folder. Each batch is one transaction, durable when the function returns.
class row_store {
public:
  row_store() = default;
  row_store(const row_store&) = delete;
  row_store& operator=(const row_store&) = delete;
  virtual ~row_store() = default;

  /// Writes new rows.
  virtual result<void> insert(std::span<const usage_record> batch) = 0;

  /// Writes new rows, and the final figures of rows that are there already: `settled` ones.
  virtual result<void> insert_and_settle(std::span<const usage_record> fresh,
                                         std::span<const usage_record> settled) = 0;
};

enum class store_kind {
  weir,   ///< the ledger: rows, index, rollups, a checksum each
  lmdb,   ///< default sync, a table for rows of as many bytes as ours, one for id -> time; encodes nothing
  sqlite, ///< WAL, synchronous=FULL, a table with the same columns, an index on time
  sqlite_rollups, ///< likewise, and the hour's sums by provider, model and outcome: summed up by batch,
                  ///< upserted
};

std::string to_string(store_kind kind);

/// Errors: `storage`.
result<std::unique_ptr<row_store>> open_store(store_kind kind, const std::filesystem::path& dir);

/// Whether a folder is in memory, where a commit costs nothing and its figures say nothing.
bool is_in_memory(const std::filesystem::path& dir);

} // namespace weir::bench
