// Keys of the ledger's tables, and what the table of ids holds.
// Knows bytes only, no LMDB.
#pragma once

#include <weir/usage.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace weir::storage {

/// The key of a row: its time, most significant byte first and biased by 2^63 so that times before 1970 come
/// first, then its id. Compares like the bytes do.
using row_key = std::array<std::uint8_t, 24>;

row_key make_row_key(timestamp time, const id128& id) noexcept;

/// The least key of that time.
row_key first_key_of(timestamp time) noexcept;

timestamp time_of(const row_key& key) noexcept;
attempt_id id_of(const row_key& key) noexcept;

/// For people: `time 1764000000000000 us, id 0190…`.
std::string describe(const row_key& key);

/// What `by_id` holds of an id: the time of its row, and the hash of every content that it had earlier, the
/// oldest first, so that a batch that is given again is known again even after a record has gone on to its
/// end. What it has now stands in its row.
class id_entry {
public:
  /// `intent`, then `unknown`, before it is `settled`: the longest way that a record can go.
  static constexpr std::size_t max_earlier = 2;

  id_entry(const id128& id, timestamp time) noexcept : id_(id), time_(time) {}

  /// Nothing for bytes that neither `bytes()` nor schema 1 can have given.
  static std::optional<id_entry> parse(const id128& id, std::span<const std::uint8_t> bytes) noexcept;

  timestamp time() const noexcept { return time_; }
  bool has_been(std::uint32_t hash) const noexcept;

  /// False, and unchanged, when it has had `max_earlier` already.
  [[nodiscard]] bool add(std::uint32_t hash) noexcept;

  /// Whether schema 1 wrote it: then it has hashes of that time, the last content's among them.
  bool is_old() const noexcept { return old_count_ != 0; }
  bool has_been_v1(std::uint64_t hash) const noexcept;

  /// As stored; nothing changes in an old one.
  std::span<const std::uint8_t> bytes() noexcept;

private:
  id128 id_;
  timestamp time_;
  std::array<std::uint32_t, max_earlier> earlier_{};
  std::size_t earlier_count_ = 0;
  std::array<std::uint64_t, 3> old_{};
  std::size_t old_count_ = 0;
  std::array<std::uint8_t, 32> bytes_{};
};

} // namespace weir::storage
