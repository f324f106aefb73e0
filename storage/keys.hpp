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

/// FNV-1a of 64 bits over a record's bytes; tells one content from another, protects against nobody.
std::uint64_t content_hash(std::span<const std::uint8_t> bytes) noexcept;

/// What `by_id` holds of an id: the time of its row, and the hash of every content that it has had, the
/// oldest first, so that a batch that is given again is known again even after a record has gone on to its
/// end.
class id_entry {
public:
  /// `intent`, `unknown`, `settled` is the longest way that a record can go.
  static constexpr std::size_t max_versions = 3;

  id_entry(timestamp time, std::uint64_t hash) noexcept;

  /// Nothing for bytes that `bytes()` cannot have given.
  static std::optional<id_entry> parse(std::span<const std::uint8_t> bytes) noexcept;

  timestamp time() const noexcept;
  bool has_been(std::uint64_t hash) const noexcept;

  /// False, and unchanged, when it has had `max_versions` already.
  [[nodiscard]] bool add(std::uint64_t hash) noexcept;

  /// As stored: 8 bytes of time as in the row's key, then 8 bytes a hash, least significant byte first.
  std::span<const std::uint8_t> bytes() const noexcept { return {bytes_.data(), size_}; }

private:
  id_entry() = default;

  std::array<std::uint8_t, 8 + 8 * max_versions> bytes_{};
  std::size_t size_ = 0;
};

} // namespace weir::storage
