// One try to change the books, in a transaction that the caller commits unless there is a refusal.
// Knows the tables and what may follow what; no caller.
#pragma once

#include "storage/intents.hpp"
#include "storage/keys.hpp"
#include "storage/ledger.hpp"
#include "storage/ledger_tables.hpp"
#include "storage/rollup_changes.hpp"
#include "storage/series.hpp"

#include <optional>
#include <string>
#include <vector>

namespace weir::storage {

/// Books records, one after the other, and keeps rollups and index with them.
class booking {
public:
  booking(lmdb::transaction& txn, const ledger_tables& tables, series_writer& names, series_book& book);

  /// First of all; `records` are expected to be booked.
  lmdb::status begin(std::size_t records);
  lmdb::status add(const usage_record& record);
  /// Brings every open intent to an end that nobody reported. Damaged ones stay where they are.
  lmdb::status close_all(std::vector<usage_record>& closed);
  lmdb::status reprice(const usage_record& record, bool& changed);
  /// Puts the rollups in place; after this only the commit may follow, and before it this must be destroyed.
  lmdb::status finish();

  append_report report;
  std::optional<failure> refusal; ///< the batch must not be committed, and no repeat will help

private:
  lmdb::status refused(failure why);
  lmdb::status conflict(const attempt_id& id, const std::string& problem);
  lmdb::status damaged(const char* table, const std::string& where, const std::string& problem);

  lmdb::status add_intent(const usage_record& record);
  lmdb::status add_end(const usage_record& record);
  lmdb::status add_known(const usage_record& record, lmdb::bytes_view stored);
  lmdb::status advance(const usage_record& record, id_entry& entry, const row_key& key);
  lmdb::status insert_row(const usage_record& record, std::span<const std::uint8_t> extension,
                          id_entry entry);
  lmdb::status open_intent(const usage_record& record, bool& there);
  /// Reads a stored row and its series into `before_row_`, `before_names_` and `before_`.
  lmdb::status read_before(const char* table, const row_key& key, lmdb::bytes_view bytes);
  lmdb::status was_earlier(const usage_record& record, const id_entry& entry, bool& was);
  /// Into `bytes_` and `now_names_`.
  lmdb::status encode(const usage_record& record, std::span<const std::uint8_t> extension);

  lmdb::transaction& txn_;
  const ledger_tables tables_;
  series_writer& names_;
  series_reader reader_;
  rollup_changes changes_;
  lmdb::cursor records_;
  lmdb::cursor by_id_;
  std::optional<std::int64_t> gone_until_;
  bool no_intents_ = false; ///< the table was empty when this began, and nothing was added
  row_view before_row_;
  const series* before_names_ = nullptr;
  usage_record before_;
  const series* now_names_ = nullptr;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint8_t> extension_;
};

} // namespace weir::storage
