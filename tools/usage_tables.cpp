// Which columns a table of summaries has, and what stands in them.
#include "tools/usage_tables.hpp"

#include "tools/common.hpp"
#include "tools/graphs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace weir::tools {

namespace {

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

std::string percentile_cell(const duration_histogram& times, std::uint32_t permille) {
  return times.empty() ? "-" : milliseconds_cell(times.percentile(permille));
}

std::string upper(std::string text) {
  for (char& letter : text)
    if (letter >= 'a' && letter <= 'z')
      letter = static_cast<char>(letter - 'a' + 'A');
  return text;
}

/// What stands in the columns of money: a cell for each currency, and a word where there is no amount.
std::vector<money_cell> cost_cells(const usage_summary& each) {
  std::vector<money_cell> cells;
  for (const auto& [unit, sum] : each.total_cost)
    cells.push_back({.words = {}, .amount = sum});
  if (cells.empty())
    cells.push_back(
        {.words = each.unpriced_requests + each.unknown_requests == 0 ? "none" : "unknown", .amount = {}});
  return cells;
}

/// The lines of a table, whose cells of money are aligned when all are there.
class summary_lines {
public:
  summary_lines(std::size_t names, bool first_tokens) : names_(names), first_tokens_(first_tokens) {}

  void add(std::vector<std::string> names, const usage_summary& each) {
    auto cells = cost_cells(each);
    std::vector<std::string> row = std::move(names);
    for (const std::uint64_t count : {each.total_requests, each.failed_requests, each.total_prompt_tokens,
                                      each.total_completion_tokens, each.total_tokens})
      row.push_back(with_thousands(count));
    cost_at_ = row.size();
    row.emplace_back();
    row.push_back(each.successful_requests == 0 ? "-" : milliseconds_cell(each.average_response_time()));
    for (const std::uint32_t permille : {500U, 990U})
      row.push_back(percentile_cell(each.response_times, permille));
    if (first_tokens_)
      for (const std::uint32_t permille : {500U, 990U})
        row.push_back(percentile_cell(each.first_token_times, permille));
    rows_.push_back(std::move(row));
    for (std::size_t more = 1; more < cells.size(); ++more)
      rows_.emplace_back(rows_.back().size());
    last_ = cells.size();
    std::ranges::move(cells, std::back_inserter(costs_));
  }

  table_rows finish() {
    const auto texts = aligned(costs_);
    for (std::size_t at = 0; at != rows_.size(); ++at)
      rows_[at][cost_at_] = texts[at];
    return std::move(rows_);
  }

  /// How many lines the last one took.
  std::size_t last() const { return last_; }

  std::vector<column> columns(std::vector<std::string> names) const {
    std::vector<column> all;
    for (std::string& name : names)
      all.push_back({.title = std::move(name)});
    all.insert(all.end(), {{.title = "ATTEMPTS", .number = true},
                           {.title = "FAILED", .number = true, .spare = 1},
                           {.title = "TOKENS IN", .number = true, .spare = 3},
                           {.title = "TOKENS OUT", .number = true, .spare = 2},
                           {.title = "TOKENS", .number = true, .spare = 9},
                           {.title = "COST", .number = true},
                           {.title = "MEAN MS", .number = true, .spare = 8},
                           {.title = "P50 MS", .number = true, .spare = 4},
                           {.title = "P99 MS", .number = true, .spare = 5}});
    if (first_tokens_)
      all.insert(all.end(), {{.title = "FIRST P50", .number = true, .spare = 6},
                             {.title = "FIRST P99", .number = true, .spare = 7}});
    return all;
  }

private:
  std::size_t names_;
  bool first_tokens_;
  std::size_t cost_at_ = 0;
  std::size_t last_ = 0;
  table_rows rows_;
  std::vector<money_cell> costs_; ///< one a row
};

/// One line of a sparkline: what it is of, the picture, from when to when if there is room, and the highest
/// point.
std::string spark_line(const std::string& title, const std::vector<history_point>& points,
                       const std::vector<int128>& values, const std::string& most, unsigned width) {
  const auto peak = static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
  const std::string range = fmt::format("{} to {}, ", points.front().label, points.back().label);
  const std::string end = fmt::format("most on {}: {}", points[peak].label, most);
  const bool roomy = width == 0 || title.size() + 4 + values.size() + range.size() + end.size() <= width;
  return fmt::format("{}  {}  {}{}\n", title, sparkline(values), roomy ? range : "", end);
}

} // namespace

std::vector<std::string> group_titles(const usage_grouping& grouping) {
  std::vector<std::string> titles;
  if (grouping.step)
    titles.push_back(upper(std::string(to_string(*grouping.step))));
  if (grouping.provider)
    titles.emplace_back("PROVIDER");
  if (grouping.model)
    titles.emplace_back("MODEL");
  if (grouping.status)
    titles.emplace_back("STATUS");
  if (grouping.error_type)
    titles.emplace_back("ERROR");
  for (const std::string& key : grouping.tags)
    titles.push_back(upper(key));
  return titles;
}

std::vector<std::string> group_cells(const usage_summary& summary, const usage_grouping& grouping,
                                     const time_zone& zone) {
  std::vector<std::string> cells;
  if (grouping.step)
    cells.push_back(summary.period ? zone.label(*summary.period, *grouping.step) : "-");
  if (grouping.provider)
    cells.push_back(or_dash(summary.provider.str()));
  if (grouping.model)
    cells.push_back(or_dash(summary.model.str()));
  if (grouping.status)
    cells.push_back(summary.status ? std::string(to_string(*summary.status)) : "-");
  if (grouping.error_type) {
    const errc type = summary.error_type.value_or(errc::none);
    cells.push_back(type == errc::none ? "-" : std::string(to_string(type)));
  }
  for (const auto& [key, value] : summary.tags)
    cells.push_back(or_dash(value));
  return cells;
}

drawn_table summary_table(const std::vector<usage_summary>& summaries, const usage_grouping& grouping,
                          const time_zone& zone, const display& on) {
  if (summaries.empty())
    return {.text = nothing_booked};
  usage_summary totals;
  for (const usage_summary& each : summaries)
    totals.add(each);
  std::vector<std::string> titles = group_titles(grouping);
  const bool named = !titles.empty();
  if (!named)
    titles.emplace_back("");
  summary_lines lines(titles.size(), !totals.first_token_times.empty());
  if (named)
    for (const usage_summary& each : summaries)
      lines.add(group_cells(each, grouping, zone), each);
  const bool totalled = !named || summaries.size() > 1;
  if (totalled) {
    std::vector<std::string> names(titles.size());
    names.front() = "TOTAL";
    lines.add(std::move(names), totals);
  }
  return draw_table(lines.columns(std::move(titles)), lines.finish(),
                    {.on = on, .bold_rows = totalled ? lines.last() : 0});
}

std::string cost_words(const std::map<currency, money_sum>& sums) {
  std::string words;
  for (const auto& [unit, sum] : sums)
    words += (words.empty() ? "" : " + ") + money_words(sum);
  return words;
}

std::string summary_notes(const usage_summary& totals) {
  std::string notes;
  if (const auto count = totals.unknown_requests; count != 0) {
    const std::string limit = cost_words(totals.unknown_cost_limit);
    notes += fmt::format("{} {} sent, and what became of {} is unknown; {} {}\n", counted(count, "attempt"),
                         count == 1 ? "was" : "were", count == 1 ? "it" : "them",
                         count == 1 ? "it may have cost" : "they may have cost",
                         limit.empty() ? "something, too" : "up to " + limit);
  }
  if (const auto count = totals.unpriced_requests; count != 0)
    notes += fmt::format("{} {} no known price\n", counted(count, "successful attempt"),
                         count == 1 ? "has" : "have");
  if (const auto count = totals.estimated_requests; count != 0)
    notes += fmt::format("the tokens of {} are our own estimate: the provider did not report them\n",
                         counted(count, "attempt"));
  return notes;
}

std::string history_text(const std::vector<history_point>& points, std::string_view step, unsigned width) {
  if (points.size() < 2)
    return {};
  std::map<currency, money_sum> spent;
  for (const history_point& each : points)
    for (const auto& [unit, sum] : each.figures.total_cost)
      spent.emplace(unit, sum);
  std::string text;
  std::vector<int128> values(points.size());
  for (const auto& [unit, first] : spent) {
    money_sum most(unit);
    for (std::size_t at = 0; at != points.size(); ++at) {
      const auto& sums = points[at].figures.total_cost;
      const auto found = sums.find(unit);
      values[at] = found == sums.end() ? 0 : found->second.picos();
      most = money_sum(std::max(most.picos(), values[at]), unit);
    }
    text += spark_line(fmt::format("{} by {}", unit.str(), step), points, values, money_words(most), width);
  }
  if (!text.empty())
    return text;
  for (std::size_t at = 0; at != points.size(); ++at)
    values[at] = points[at].figures.total_requests;
  const auto most = static_cast<std::uint64_t>(*std::ranges::max_element(values));
  if (most == 0)
    return {};
  return spark_line(fmt::format("attempts by {}", step), points, values, with_thousands(most), width);
}

} // namespace weir::tools
