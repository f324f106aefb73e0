// Opening and measuring the tables.
// Knows no row.
#include "storage/ledger_tables.hpp"

namespace weir::storage {

lmdb::status ledger_tables::open(lmdb::transaction& txn, unsigned flags) {
  lmdb::status answer = txn.open_table("meta", flags, meta);
  if (answer.ok())
    answer = txn.open_table("records", flags, records);
  if (answer.ok())
    answer = txn.open_table("by_id", flags, by_id);
  if (answer.ok())
    answer = txn.open_table("intents", flags, intents);
  if (answer.ok())
    answer = txn.open_table("series", flags, series);
  if (answer.ok())
    answer = txn.open_table("rollups", flags, rollups);
  return answer;
}

lmdb::status ledger_tables::used_pages(lmdb::transaction& txn, std::uint64_t& pages) const {
  constexpr MDB_dbi free_list = 0;
  constexpr MDB_dbi names = 1;
  pages = 2;
  for (const MDB_dbi table : {free_list, names, meta, records, by_id, intents, series, rollups}) {
    std::uint64_t its = 0;
    if (const lmdb::status answer = txn.pages(table, its); !answer.ok())
      return answer;
    pages += its;
  }
  return {};
}

} // namespace weir::storage
