// libsmartcols knows how wide letters are and how a table is laid out.
#include "tools/table.hpp"

#include <libsmartcols.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string_view>

namespace weir::tools {

namespace {

struct table_deleter {
  void operator()(libscols_table* table) const { scols_unref_table(table); }
};
struct text_deleter {
  void operator()(char* text) const { std::free(text); }
};

void add_line(libscols_table& table, const std::vector<std::size_t>& shown,
              const std::vector<std::string>& row) {
  libscols_line* line = scols_table_new_line(&table, nullptr);
  for (std::size_t at = 0; at != shown.size(); ++at)
    scols_line_set_data(line, at, row[shown[at]].c_str());
}

/// Everything in plain letters: the titles, the row of the widest cells if there is one, the rows.
std::string draw_plain(const std::vector<column>& columns, const std::vector<std::size_t>& shown,
                       const table_rows& rows, const std::vector<std::string>& widest) {
  const std::unique_ptr<libscols_table, table_deleter> table(scols_new_table());
  if (!table)
    return {};
  // Otherwise a narrow terminal gets cells broken in two.
  scols_table_set_termforce(table.get(), SCOLS_TERMFORCE_NEVER);
  for (const std::size_t at : shown)
    scols_table_new_column(table.get(), columns[at].title.c_str(), 0,
                           (columns[at].number ? SCOLS_FL_RIGHT : 0) | SCOLS_FL_NOEXTREMES);
  if (!widest.empty())
    add_line(*table, shown, widest);
  for (const auto& row : rows)
    add_line(*table, shown, row);
  char* drawn = nullptr;
  if (scols_print_table_to_string(table.get(), &drawn) != 0)
    return {};
  const std::unique_ptr<char, text_deleter> owned(drawn);
  return drawn;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    while (line.ends_with(' '))
      line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// In letters: what is drawn here has no wide ones but in names, which then look wider than they are.
std::size_t widest_of(const std::vector<std::string>& lines) {
  std::size_t most = 0;
  for (const std::string& line : lines)
    most = std::max(most, static_cast<std::size_t>(std::ranges::count_if(
                              line, [](char letter) { return (letter & 0xc0) != 0x80; })));
  return most;
}

/// The column that is missed least; nothing when all must be there.
std::vector<std::size_t>::const_iterator least_needed(const std::vector<column>& columns,
                                                      const std::vector<std::size_t>& shown) {
  const auto found =
      std::ranges::max_element(shown, {}, [&columns](std::size_t at) { return columns[at].spare; });
  return found == shown.end() || columns[*found].spare == 0 ? shown.end() : found;
}

} // namespace

drawn_table draw_table(const std::vector<column>& columns, const table_rows& rows,
                       const table_layout& layout) {
  std::vector<std::size_t> shown(columns.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  drawn_table drawn;
  std::vector<std::string> lines;
  for (;;) {
    lines = lines_of(draw_plain(columns, shown, rows, layout.widest));
    const auto spare = least_needed(columns, shown);
    if (layout.on.width == 0 || widest_of(lines) <= layout.on.width || spare == shown.end())
      break;
    drawn.left_out.push_back(columns[*spare].title);
    shown.erase(spare);
  }
  if (!layout.widest.empty() && lines.size() > 1)
    lines.erase(lines.begin() + 1);
  for (std::size_t at = layout.titles ? 0 : 1; at < lines.size(); ++at) {
    const bool stands_out = at == 0 || at + layout.bold_rows >= lines.size();
    drawn.text += (stands_out ? bold(layout.on, lines[at]) : lines[at]) + "\n";
  }
  return drawn;
}

std::string draw_table(const std::vector<column>& columns, const table_rows& rows) {
  return draw_table(columns, rows, {}).text;
}

std::string left_out_words(const std::vector<std::string>& titles) {
  std::string words;
  for (const std::string& each : titles)
    words += (words.empty() ? "no room for " : ", ") + each;
  return words.empty() ? words : words + "; a wider terminal or a pipe shows all\n";
}

std::string with_thousands(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string milliseconds_cell(std::chrono::microseconds time) {
  const auto tenths = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count() + 50, 0)) / 100;
  return with_thousands(tenths / 10) + "." + std::to_string(tenths % 10);
}

} // namespace weir::tools
