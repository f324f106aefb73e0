// What a batch changes in the rollups.
// Knows their table and the rows from which they come; what may be booked is decided elsewhere.
#pragma once

#include "storage/lmdb.hpp"
#include "storage/rollups.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::storage {

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
  /// What a row does to the sums; `was` and `is` leave the times alone.
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
