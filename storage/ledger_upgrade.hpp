// Bringing the tables up to date: from schema 1, and when rollups are to be kept by other tags.
// Knows rows and rollups; commits nothing.
#pragma once

#include "storage/ledger_tables.hpp"
#include "storage/series.hpp"

#include <string>
#include <vector>

namespace weir::storage {

/// Rewrites the rows of schema 1, parts the intents from them, and builds series and rollups. Rows that are
/// damaged stay as they are. `problem` names what must not be committed.
lmdb::status upgrade_from_1(lmdb::transaction& txn, const ledger_tables& tables,
                            const std::vector<std::string>& keys, std::string& problem);

/// Gives rows and rollups the series of these tags. Hours of which rows are gone keep what they had.
lmdb::status rebuild_rollups(lmdb::transaction& txn, const ledger_tables& tables,
                             const std::vector<std::string>& keys, std::string& problem);

} // namespace weir::storage
