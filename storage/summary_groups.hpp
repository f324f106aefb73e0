// The groups of one summary: which series belong to which, and their sums so far.
// Knows filter and grouping; no table.
#pragma once

#include "storage/record_format.hpp"
#include "storage/rollups.hpp"
#include "storage/series.hpp"
#include "storage/tally.hpp"

#include <weir/calendar.hpp>
#include <weir/usage.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::storage {

/// Names are compared once for each series, not once for each row.
class summary_groups {
public:
  summary_groups(const usage_filter& filter, const usage_grouping& grouping, time_zone zone);

  /// Whether all tags that are asked for are among these keys.
  bool tags_among(const std::vector<std::string>& keys) const;

  /// Where a span of time is in the period that its first moment is in. Without steps all is one period.
  bool within_one_period(std::int64_t first, std::int64_t last);

  /// The sums that a row belongs to; null when it is not asked for. Times do not narrow here.
  tally* of(const row_view& row, const series& names);

  /// The sums that a rollup belongs to; null when it is not asked for.
  tally* of(const rollup_id& id, const series& names);

  /// All groups with anything in them, in order.
  std::vector<usage_summary> finish() const;

private:
  /// What series and tags contribute to a group.
  struct part {
    provider_name provider;
    model_name model;
    std::vector<std::string> tags;
  };
  static constexpr std::uint32_t no_part = ~std::uint32_t{0}; ///< is not asked for
  static constexpr std::uint32_t by_row = no_part - 1;        ///< tags of the row decide
  static constexpr std::uint32_t not_asked_yet = no_part - 2; ///< has not been met
  static constexpr std::size_t kinds = 5 * 32;                ///< of status and error class

  struct group {
    std::uint32_t part = 0;
    std::uint8_t status = 0; ///< 0 where it is not grouped by
    std::uint8_t error = 0;
    std::optional<timestamp> period;
    tally sums;
  };
  struct slot {
    std::uint32_t stamp = 0; ///< of the period in which it is good
    std::uint32_t group = 0;
  };

  std::uint32_t part_of(const series& names);
  std::uint32_t part_of(const row_view& row, const series& names);
  std::uint32_t part_number(part made);
  void enter_period(std::int64_t time);
  tally* sums_of(std::uint32_t number, std::uint8_t status, std::uint8_t error);

  const usage_filter& filter_;
  const usage_grouping& grouping_;
  time_zone zone_;
  std::optional<std::uint8_t> status_;
  std::optional<std::uint8_t> error_;
  std::unordered_map<std::uint32_t, std::uint32_t> part_by_series_;
  std::unordered_map<std::uint32_t, std::uint32_t> rollup_part_by_series_; ///< where tags of rows decide
  std::uint32_t last_series_ = 0;
  std::uint32_t last_part_ = no_part;
  std::vector<part> parts_;
  std::unordered_map<std::string, std::uint32_t> part_by_text_;
  std::vector<std::vector<slot>> slots_; ///< by part, then status and error class
  std::deque<group> groups_;
  std::uint32_t stamp_ = 1;
  std::int64_t period_begin_ = 1; ///< none yet: it ends before it begins
  std::int64_t period_last_ = 0;
};

} // namespace weir::storage
