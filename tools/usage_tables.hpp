// Summaries and records for people: tables, and the sentences below them.
// Knows no ledger and prints nothing.
#pragma once

#include "tools/table.hpp"

#include <weir/usage.hpp>

#include <map>
#include <string>
#include <vector>

namespace weir::tools {

/// What a table says when it has no row.
inline constexpr const char* nothing_booked = "no booked attempt fits\n";

/// The names of a group by which it is told from the others: period, provider, model, status, error, tags.
std::vector<std::string> group_titles(const usage_grouping& grouping);
std::vector<std::string> group_cells(const usage_summary& summary, const usage_grouping& grouping,
                                     const time_zone& zone);

/// A line for each group, one more for each further currency, and the totals of all where there are several.
drawn_table summary_table(const std::vector<usage_summary>& summaries, const usage_grouping& grouping,
                          const time_zone& zone, const display& on);

/// What the table cannot say: what is missing from its sums, and what in them is only our own count.
std::string summary_notes(const usage_summary& totals);

/// A stretch of time and what was booked in it.
struct history_point {
  std::string label; ///< such as `2026-11-26`
  usage_summary figures;
};

/// A sparkline for each currency that was spent, or of the attempts where nothing was: equal stretches of
/// time, oldest first, in so many columns (0: as many as need be). Empty without two stretches.
std::string history_text(const std::vector<history_point>& points, std::string_view step, unsigned width);

/// Sums joined by a plus: `1.50 USD + 2.00 EUR`; empty when there is none.
std::string cost_words(const std::map<currency, money_sum>& sums);

/// Records drawn piece by piece, each piece with columns of the same width: first `measure` every record,
/// then `draw` them. Keeps no record.
class record_table {
public:
  explicit record_table(const display& on) : on_(on) {}

  void measure(const usage_record& record);
  /// The next rows; the first piece has the titles.
  drawn_table draw(const std::vector<usage_record>& records);

private:
  display on_;
  std::vector<std::string> widest_;
  std::size_t widest_whole_ = 0; ///< before the decimal point
  money_cell widest_cost_;
  std::size_t decimals_ = 0;
  bool begun_ = false;
};

} // namespace weir::tools
