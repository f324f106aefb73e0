// Keys of the ledger's tables as bytes.
// Knows bytes only, no LMDB.
#include "storage/keys.hpp"

#include "storage/bytes.hpp"

#include <algorithm>

namespace weir::storage {

namespace {

constexpr std::uint64_t bias = 1ULL << 63U;
constexpr std::size_t time_bytes = 8;

/// The first byte of an id's entry: how many earlier contents, and how wide the distance is.
constexpr std::size_t count_mask = 3;
constexpr std::size_t width_shift = 2;
constexpr std::array<std::size_t, 4> widths{0, 2, 4, 8};

/// The microseconds that the milliseconds in an id stand for. All in unsigned numbers, which wrap.
std::uint64_t count_of_id(const id128& id) noexcept {
  std::uint64_t ms = 0;
  for (std::size_t byte = 0; byte != 6; ++byte)
    ms = (ms << 8U) | id.bytes[byte];
  return ms * 1000;
}

timestamp from_count(std::uint64_t count) noexcept {
  return timestamp{std::chrono::microseconds{static_cast<std::int64_t>(count)}};
}

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

std::optional<id_entry> id_entry::parse(const id128& id, std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.size() == 16 || bytes.size() == 24 || bytes.size() == 32) { // schema 1; today's sizes are odd
    id_entry entry(id, load_time(bytes.data()));
    for (std::size_t at = time_bytes; at != bytes.size(); at += 8)
      entry.old_[entry.old_count_++] = layout::load<std::uint64_t>(bytes.data() + at);
    return entry;
  }
  if (bytes.empty() || (bytes[0] & ~(count_mask | 3U << width_shift)) != 0)
    return std::nullopt;
  const std::size_t count = bytes[0] & count_mask;
  const std::size_t width = widths[bytes[0] >> width_shift];
  if (count > max_earlier || bytes.size() != 1 + width + 4 * count)
    return std::nullopt;
  std::uint64_t word = 0;
  for (std::size_t byte = 0; byte != width; ++byte)
    word |= std::uint64_t{bytes[1 + byte]} << (8 * byte);
  if (width == 4)
    word = static_cast<std::uint64_t>(static_cast<std::int32_t>(word));
  id_entry entry(id, from_count(count_of_id(id) + word));
  for (; entry.earlier_count_ != count; ++entry.earlier_count_)
    entry.earlier_[entry.earlier_count_] =
        layout::load<std::uint32_t>(bytes.data() + 1 + width + 4 * entry.earlier_count_);
  return entry;
}

bool id_entry::has_been(std::uint32_t hash) const noexcept {
  const auto end = earlier_.begin() + static_cast<std::ptrdiff_t>(earlier_count_);
  return std::find(earlier_.begin(), end, hash) != end;
}

bool id_entry::add(std::uint32_t hash) noexcept {
  if (earlier_count_ == max_earlier)
    return false;
  earlier_[earlier_count_++] = hash;
  return true;
}

bool id_entry::has_been_v1(std::uint64_t hash) const noexcept {
  const auto end = old_.begin() + static_cast<std::ptrdiff_t>(old_count_);
  return std::find(old_.begin(), end, hash) != end;
}

std::span<const std::uint8_t> id_entry::bytes() noexcept {
  byte_writer out(bytes_.data());
  if (is_old()) {
    store_time(bytes_.data(), time_);
    out = byte_writer(bytes_.data() + time_bytes);
    for (std::size_t at = 0; at != old_count_; ++at)
      out.word(old_[at]);
    return {bytes_.data(), out.position()};
  }
  const std::uint64_t word = static_cast<std::uint64_t>(time_.time_since_epoch().count()) - count_of_id(id_);
  std::size_t form = 0; // the narrowest that holds the distance
  if (word != 0)
    form = word <= 0xffffU ? 1 : static_cast<std::uint64_t>(static_cast<std::int32_t>(word)) == word ? 2 : 3;
  out.byte(static_cast<std::uint8_t>(earlier_count_ | form << width_shift));
  for (std::size_t byte = 0; byte != widths[form]; ++byte)
    out.byte(static_cast<std::uint8_t>(word >> (8 * byte)));
  for (std::size_t at = 0; at != earlier_count_; ++at)
    out.word(earlier_[at]);
  return {bytes_.data(), out.position()};
}

} // namespace weir::storage
