// Reading and writing the table `meta`.
// Knows no record.
#include "storage/ledger_meta.hpp"

#include "storage/bytes.hpp"
#include "storage/crc32c.hpp"

#include <array>
#include <limits>
#include <string_view>

namespace weir::storage {

namespace {

constexpr std::string_view schema_key = "schema_version";
constexpr std::string_view creator_key = "created_by";
constexpr std::string_view creator = "weir";
constexpr std::string_view rollup_tags_key = "rollup_tags";
constexpr std::string_view gone_until_key = "rows_gone_until";

lmdb::bytes_view to_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// A value with the checksum of key and value behind it.
lmdb::status read_sealed(lmdb::transaction& txn, MDB_dbi meta, std::string_view key, lmdb::bytes_view& body) {
  lmdb::bytes_view stored;
  const lmdb::status answer = txn.find(meta, to_bytes(key), stored);
  if (!answer.ok())
    return answer;
  if (stored.size() < 4)
    return {MDB_CORRUPTED, "meta"};
  body = stored.first(stored.size() - 4);
  if (layout::load<std::uint32_t>(stored.data() + body.size()) != crc32c(body, crc32c(to_bytes(key))))
    return {MDB_CORRUPTED, "meta"};
  return answer;
}

lmdb::status write_sealed(lmdb::transaction& txn, MDB_dbi meta, std::string_view key,
                          std::vector<std::uint8_t> body) {
  const std::uint32_t sum = crc32c(body, crc32c(to_bytes(key)));
  body.resize(body.size() + 4);
  layout::store(body.data() + body.size() - 4, sum);
  return txn.replace(meta, to_bytes(key), body);
}

} // namespace

lmdb::status read_schema(lmdb::transaction& txn, MDB_dbi meta, std::uint32_t& version) {
  lmdb::bytes_view stored;
  const lmdb::status answer = txn.find(meta, to_bytes(schema_key), stored);
  if (!answer.ok())
    return answer;
  if (stored.size() != sizeof version)
    return {MDB_CORRUPTED, "meta"};
  version = layout::load<std::uint32_t>(stored.data());
  return answer;
}

lmdb::status write_schema(lmdb::transaction& txn, MDB_dbi meta) {
  std::array<std::uint8_t, sizeof schema_version> version{};
  layout::store(version.data(), schema_version);
  lmdb::status answer = txn.replace(meta, to_bytes(schema_key), version);
  if (answer.ok())
    answer = txn.replace(meta, to_bytes(creator_key), to_bytes(creator));
  return answer;
}

lmdb::status read_rollup_tags(lmdb::transaction& txn, MDB_dbi meta, std::vector<std::string>& keys) {
  lmdb::bytes_view body;
  const lmdb::status answer = read_sealed(txn, meta, rollup_tags_key, body);
  if (!answer.ok())
    return answer;
  keys.clear();
  byte_reader in(body);
  while (!in.done())
    keys.emplace_back(in.text());
  return in.ok() ? answer : lmdb::status{MDB_CORRUPTED, "meta"};
}

lmdb::status write_rollup_tags(lmdb::transaction& txn, MDB_dbi meta, const std::vector<std::string>& keys) {
  std::size_t most = 0;
  for (const std::string& key : keys)
    most += max_varint_bytes + key.size();
  std::vector<std::uint8_t> body(most);
  byte_writer out(body.data());
  for (const std::string& key : keys)
    out.text(key);
  body.resize(static_cast<std::size_t>(out.position() - body.data()));
  return write_sealed(txn, meta, rollup_tags_key, std::move(body));
}

lmdb::status read_gone_until(lmdb::transaction& txn, MDB_dbi meta, std::optional<std::int64_t>& time) {
  time.reset();
  lmdb::bytes_view body;
  const lmdb::status answer = read_sealed(txn, meta, gone_until_key, body);
  if (answer.code == MDB_NOTFOUND)
    return {};
  if (answer.code == MDB_CORRUPTED || (answer.ok() && body.size() != 8))
    time = std::numeric_limits<std::int64_t>::max();
  else if (answer.ok())
    time = static_cast<std::int64_t>(layout::load<std::uint64_t>(body.data()));
  return answer.code == MDB_CORRUPTED ? lmdb::status{} : answer;
}

lmdb::status write_gone_until(lmdb::transaction& txn, MDB_dbi meta, std::int64_t time) {
  std::vector<std::uint8_t> body(8);
  layout::store(body.data(), static_cast<std::uint64_t>(time));
  return write_sealed(txn, meta, gone_until_key, std::move(body));
}

} // namespace weir::storage
