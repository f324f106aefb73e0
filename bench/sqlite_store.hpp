// Rows in SQLite, as a program would keep them that cares for its data.
// Knows neither weir's ledger nor LMDB.
#pragma once

#include "bench/row_store.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <string>

namespace weir::bench {

class sqlite_store final : public row_store {
public:
  /// Errors: `storage`.
  static result<std::unique_ptr<sqlite_store>> open(const std::filesystem::path& dir, bool rollups);
  ~sqlite_store() override;

  result<void> insert(std::span<const usage_record> batch) override;
  result<void> insert_and_settle(std::span<const usage_record> fresh,
                                 std::span<const usage_record> settled) override;

  /// Runs a statement to its end; gives the number of rows that it answered with. `from` is its parameter.
  result<std::uint64_t> ask(const std::string& statement, std::int64_t from = 0);

private:
  explicit sqlite_store(sqlite3* base) : base_(base) {}

  result<void> run(const char* statement);
  result<void> prepare(bool rollups);
  result<void> insert_one(const usage_record& record);
  result<void> settle_one(const usage_record& record);
  result<void> roll_up(std::span<const usage_record> ended);
  result<void> step(sqlite3_stmt* statement);
  failure complaint(const char* what) const;

  sqlite3* base_;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* settle_ = nullptr;
  sqlite3_stmt* roll_up_ = nullptr; ///< null: no rollups
};

} // namespace weir::bench
