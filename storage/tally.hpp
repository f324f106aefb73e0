// What a summary sums, in a form that adds quickly, takes back exactly, and is stored.
// Knows no table; whose sums they are says the key.
#pragma once

#include "storage/bucket_counts.hpp"
#include "storage/bytes.hpp"
#include "storage/record_format.hpp"

#include <weir/usage.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

namespace weir::storage {

/// Sums of amounts, one a currency, with how many went in: a sum from which all were taken back is none.
class amount_sums {
public:
  struct entry {
    currency unit;
    std::uint64_t count = 0;
    wide_word picos = 0;
  };

  void add(currency unit, std::uint64_t count, wide_word picos);
  void add(const amount_sums& other);
  void clear() noexcept { entries_.clear(); }
  const std::vector<entry>& entries() const noexcept { return entries_; } ///< ascending by currency
  std::map<currency, money_sum> to_sums() const;

private:
  std::vector<entry> entries_;
};

/// Everything that `usage_summary::add` sums. All counts wrap, so that what is added in any order and taken
/// back again leaves nothing.
class tally {
public:
  void add(const row_figures& row) { count(row, 1); }
  /// Takes a row back, but for the first and last time: who keeps them must see to that.
  void take_back(const row_figures& row) { count(row, ~std::uint64_t{0}); }
  void add(const tally& other);
  /// As a new one, in the memory that it has.
  void clear() noexcept;

  /// Adds a stored tally; what is wrong with it, or null. When something is, this is in part changed.
  const char* add_stored(std::span<const std::uint8_t> key, std::span<const std::uint8_t> value);

  /// Appends the tally as it is stored under a key, with a checksum over both.
  void encode(std::span<const std::uint8_t> key, std::vector<std::uint8_t>& out) const;

  std::uint64_t requests() const noexcept { return counters_[0]; }
  bool has_times() const noexcept { return first_ <= last_; }
  std::int64_t first() const noexcept { return first_; } ///< microseconds since 1970
  std::int64_t last() const noexcept { return last_; }
  void set_times(std::int64_t first, std::int64_t last) noexcept {
    first_ = first;
    last_ = last;
  }
  void add_time(std::int64_t time) noexcept {
    first_ = std::min(first_, time);
    last_ = std::max(last_, time);
  }

  /// All but names, period and such.
  usage_summary to_summary() const;

  static constexpr std::size_t counters = 14;

private:
  void count(const row_figures& row, std::uint64_t times);

  std::array<std::uint64_t, counters> counters_{};
  std::int64_t first_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t last_ = std::numeric_limits<std::int64_t>::min();
  amount_sums cost_;
  amount_sums reported_;
  amount_sums limit_;
  bucket_counts response_;
  bucket_counts first_token_;
};

} // namespace weir::storage
