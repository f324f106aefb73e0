// The facts about the ledger as a whole that its tables must know.
// Knows the table `meta`; no record.
#pragma once

#include "storage/lmdb.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::storage {

/// The version of the tables and keys; a record has its own.
inline constexpr std::uint32_t schema_version = 2;

/// The version that is noted; `MDB_NOTFOUND` when there is none, `MDB_CORRUPTED` when it is no number.
lmdb::status read_schema(lmdb::transaction& txn, MDB_dbi meta, std::uint32_t& version);
lmdb::status write_schema(lmdb::transaction& txn, MDB_dbi meta);

/// The keys of tags that rollups are kept by.
lmdb::status read_rollup_tags(lmdb::transaction& txn, MDB_dbi meta, std::vector<std::string>& keys);
lmdb::status write_rollup_tags(lmdb::transaction& txn, MDB_dbi meta, const std::vector<std::string>& keys);

/// The time of the latest row that was ever cleaned away, in microseconds since 1970: of the hours that began
/// by then, rows may be missing. Nothing: none was. The last moment of all where the value is damaged.
lmdb::status read_gone_until(lmdb::transaction& txn, MDB_dbi meta, std::optional<std::int64_t>& time);
lmdb::status write_gone_until(lmdb::transaction& txn, MDB_dbi meta, std::int64_t time);

} // namespace weir::storage
