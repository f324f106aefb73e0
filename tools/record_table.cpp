// Attempts as rows. Two passes: the widest cell of each column is found first, so that a million rows stand
// below each other though no two pieces of them are ever in memory together.
#include "tools/usage_tables.hpp"

#include <algorithm>
#include <utility>

namespace weir::tools {

namespace {

constexpr std::size_t cost_column = 8;
constexpr std::size_t first_token_column = 10; // empty unless something was streamed
constexpr std::size_t tags_column = 11;        // likewise, unless something has a tag

std::vector<column> record_columns() {
  return {{.title = "TIME"},
          {.title = "PROVIDER", .spare = 1},
          {.title = "MODEL"},
          {.title = "ATTEMPT", .number = true, .spare = 6},
          {.title = "STATE", .spare = 7},
          {.title = "RESULT"},
          {.title = "TOKENS IN", .number = true, .spare = 3},
          {.title = "TOKENS OUT", .number = true, .spare = 2},
          {.title = "COST", .number = true},
          {.title = "MS", .number = true, .spare = 4},
          {.title = "FIRST MS", .number = true, .spare = 8},
          {.title = "TAGS", .spare = 9}};
}

/// To the second: `2026-11-24T12:00:00Z`.
std::string moment_cell(timestamp time) {
  constexpr std::size_t to_second = 19;
  return to_string(time).substr(0, to_second) + "Z";
}

/// What never reached a provider costs nothing, and what may have been billed has an upper bound.
money_cell cost_cell(const usage_record& record) {
  if (record.cost)
    return {.words = {}, .amount = money_sum(record.cost->picos, record.cost->unit)};
  if (record.cost_limit)
    return {.words = "up to", .amount = money_sum(record.cost_limit->picos, record.cost_limit->unit)};
  return {.words = record.state == record_state::void_attempt ? "none" : "unknown", .amount = {}};
}

std::string tag_cell(const usage_record& record) {
  std::string text;
  for (const auto& [key, value] : record.tags)
    text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

std::vector<std::string> cells_of(const usage_record& record) {
  return {moment_cell(record.time),
          record.provider.str(),
          record.model.str(),
          std::to_string(record.attempt),
          std::string(to_string(record.state)),
          record.success ? "ok" : std::string(to_string(record.error_type)),
          with_thousands(record.usage.prompt_tokens),
          with_thousands(record.usage.completion_tokens),
          {},
          milliseconds_cell(record.response_time),
          record.first_token_time ? milliseconds_cell(*record.first_token_time) : "-",
          tag_cell(record)};
}

} // namespace

void record_table::measure(const usage_record& record) {
  auto cells = cells_of(record);
  const money_cell cost = cost_cell(record);
  const std::string text = aligned({cost}).front();
  // What stands before the point decides; the decimals get the same room in every row.
  if (const std::size_t whole = std::min(text.find('.'), text.size()); whole > widest_whole_) {
    widest_whole_ = whole;
    widest_cost_ = cost;
  }
  if (cost.amount)
    decimals_ = std::max(decimals_, decimals_of(*cost.amount));
  widest_.resize(cells.size());
  for (std::size_t at = 0; at != cells.size(); ++at)
    if (cells[at].size() > widest_[at].size())
      widest_[at] = std::move(cells[at]);
}

drawn_table record_table::draw(const std::vector<usage_record>& records) {
  table_rows rows;
  std::vector<money_cell> costs{widest_cost_};
  for (const usage_record& each : records) {
    rows.push_back(cells_of(each));
    costs.push_back(cost_cell(each));
  }
  const auto texts = aligned(costs, decimals_);
  for (std::size_t at = 0; at != rows.size(); ++at)
    rows[at][cost_column] = texts[at + 1];
  std::vector<std::string> widest = widest_;
  widest[cost_column] = texts.front();
  auto columns = record_columns();
  const auto leave_out = [&](std::size_t at) {
    const auto place = static_cast<std::ptrdiff_t>(at);
    columns.erase(columns.begin() + place);
    widest.erase(widest.begin() + place);
    for (auto& row : rows)
      row.erase(row.begin() + place);
  };
  if (widest_[tags_column].empty())
    leave_out(tags_column);
  if (widest_[first_token_column] == "-")
    leave_out(first_token_column);
  return draw_table(
      columns, rows,
      {.on = on_, .bold_rows = 0, .widest = std::move(widest), .titles = !std::exchange(begun_, true)});
}

} // namespace weir::tools
