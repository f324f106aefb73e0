// Keys of the ledger's tables as bytes.
// Knows bytes only, no LMDB.
#include "storage/keys.hpp"

#include "storage/record_layout.hpp"

#include <algorithm>

namespace weir::storage {

namespace {

constexpr std::uint64_t bias = 1ULL << 63U;
constexpr std::size_t time_bytes = 8;
constexpr std::size_t hash_bytes = 8;

void store_time(std::uint8_t* at, timestamp time) noexcept {
  const auto biased = static_cast<std::uint64_t>(time.time_since_epoch().count()) ^ bias;
  for (std::size_t byte = 0; byte != time_bytes; ++byte)
    at[byte] = static_cast<std::uint8_t>(biased >> (8 * (time_bytes - 1 - byte)));
}

timestamp load_time(const std::uint8_t* at) noexcept {
  std::uint64_t biased = 0;
  for (std::size_t byte = 0; byte != time_bytes; ++byte)
    biased = (biased << 8U) | at[byte];
  return timestamp{std::chrono::microseconds{static_cast<std::int64_t>(biased ^ bias)}};
}

} // namespace

row_key make_row_key(timestamp time, const id128& id) noexcept {
  row_key key{};
  store_time(key.data(), time);
  std::ranges::copy(id.bytes, key.begin() + time_bytes);
  return key;
}

row_key first_key_of(timestamp time) noexcept {
  return make_row_key(time, id128{});
}

timestamp time_of(const row_key& key) noexcept {
  return load_time(key.data());
}

attempt_id id_of(const row_key& key) noexcept {
  attempt_id id;
  std::copy(key.begin() + time_bytes, key.end(), id.bytes.begin());
  return id;
}

std::string describe(const row_key& key) {
  return "time " + std::to_string(time_of(key).time_since_epoch().count()) + " us, id " +
         to_string(id_of(key));
}

std::uint64_t content_hash(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes)
    hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

id_entry::id_entry(timestamp time, std::uint64_t hash) noexcept : size_(time_bytes + hash_bytes) {
  store_time(bytes_.data(), time);
  layout::store(bytes_.data() + time_bytes, hash);
}

std::optional<id_entry> id_entry::parse(std::span<const std::uint8_t> bytes) noexcept {
  id_entry entry;
  if (bytes.size() <= time_bytes || bytes.size() > entry.bytes_.size() ||
      (bytes.size() - time_bytes) % hash_bytes != 0)
    return std::nullopt;
  std::ranges::copy(bytes, entry.bytes_.begin());
  entry.size_ = bytes.size();
  return entry;
}

timestamp id_entry::time() const noexcept {
  return load_time(bytes_.data());
}

bool id_entry::has_been(std::uint64_t hash) const noexcept {
  for (std::size_t at = time_bytes; at != size_; at += hash_bytes)
    if (layout::load<std::uint64_t>(bytes_.data() + at) == hash)
      return true;
  return false;
}

bool id_entry::add(std::uint64_t hash) noexcept {
  if (size_ == bytes_.size())
    return false;
  layout::store(bytes_.data() + size_, hash);
  size_ += hash_bytes;
  return true;
}

} // namespace weir::storage
