// The named tables of a ledger (docs/ledger-format.md).
// Knows their names, and how many pages they take.
#pragma once

#include "storage/lmdb.hpp"

#include <cstdint>

namespace weir::storage {

struct ledger_tables {
  MDB_dbi meta = 0;    ///< facts about the whole
  MDB_dbi records = 0; ///< time and id → an attempt that has ended
  MDB_dbi by_id = 0;   ///< id → its time, and what it was before
  MDB_dbi intents = 0; ///< id → an attempt that has not ended
  MDB_dbi series = 0;  ///< number → provider, model and tags that rows share
  MDB_dbi rollups = 0; ///< span of time, series, status and error class → sums

  /// Opens all that there are; `flags` may be `MDB_CREATE`.
  lmdb::status open(lmdb::transaction& txn, unsigned flags);

  /// The pages in use, as the transaction sees them: all tables, the list of free pages, the two heads.
  lmdb::status used_pages(lmdb::transaction& txn, std::uint64_t& pages) const;
};

} // namespace weir::storage
