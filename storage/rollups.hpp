// Rollups: the sums of an hour and of a day, by series, status and error class; and what a batch changes in
// them. Knows their table and the rows from which they come.
#pragma once

#include "storage/lmdb.hpp"
#include "storage/tally.hpp"

#include <weir/usage.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir::storage {

/// Spans of UTC. Their letters are those of the keys: days sort before hours.
enum class rollup_kind : std::uint8_t { day = 'd', hour = 'h' };

inline constexpr std::int64_t hour_us = 3'600'000'000;
inline constexpr std::int64_t day_us = 24 * hour_us;

/// A span of time by its number since 1970.
struct bucket {
  rollup_kind kind = rollup_kind::hour;
  std::int64_t number = 0;

  static bucket of(rollup_kind kind, std::int64_t time) noexcept;
  std::int64_t begin() const noexcept; ///< its first moment; the first that there is, where it begins earlier
  std::int64_t last() const noexcept;  ///< its last moment; the last that there is, where it ends later
};

struct rollup_id {
  bucket span;
  std::uint32_t series = 0;
  std::uint8_t status = 0; ///< of `usage_status`
  std::uint8_t error = 0;  ///< the number of the error class

  friend bool operator==(const rollup_id& left, const rollup_id& right) noexcept {
    return left.span.kind == right.span.kind && left.span.number == right.span.number &&
           left.series == right.series && left.status == right.status && left.error == right.error;
  }
};

using rollup_key = std::array<std::uint8_t, 15>;

rollup_key make_rollup_key(const rollup_id& id) noexcept;
rollup_key first_rollup_of(const bucket& span) noexcept;
/// Nothing for bytes that are no key of a rollup.
std::optional<rollup_id> parse_rollup_key(std::span<const std::uint8_t> bytes) noexcept;
std::string describe(const rollup_id& id);

/// The status and error class of a row, as numbers.
std::uint8_t status_number(const row_figures& row) noexcept;
rollup_id hour_of(const row_figures& row) noexcept;

/// What one transaction changes: gathered row by row, then put into each rollup once.
class rollup_changes {
public:
  void add(const row_figures& row) { note(row, effect::comes); }
  /// A row leaves for another status; its first and last time are looked for anew.
  void take_back(const row_figures& row) { note(row, effect::goes); }
  /// A row gets other costs, and nothing else.
  void correct(const row_figures& before, const row_figures& now) {
    note(before, effect::was);
    note(now, effect::is);
  }

  void reserve(std::size_t rows) { steps_.reserve(rows); }
  std::size_t size() const noexcept { return steps_.size(); }
  void clear() noexcept { steps_.clear(); }

  /// Puts all into the table, after the rows are as they will be. Rows up to `gone_until` may have been
  /// deleted. `problem` names a damaged rollup; then the transaction must not be committed.
  lmdb::status apply(lmdb::transaction& txn, MDB_dbi rollups, MDB_dbi records,
                     std::optional<std::int64_t> gone_until, std::string& problem);

private:
  enum class effect : std::uint8_t { comes, goes, was, is };
  struct step {
    rollup_id rollup; ///< an hour
    effect what = effect::comes;
    row_figures row;
  };
  using steps = std::vector<step>;

  class applying;
  void note(const row_figures& row, effect what) { steps_.push_back({hour_of(row), what, row}); }

  steps steps_;
};

} // namespace weir::storage
