// libsmartcols knows how wide letters are and how a table is laid out.
#include "tools/table.hpp"

#include <libsmartcols.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace weir::tools {

namespace {

struct table_deleter {
  void operator()(libscols_table* table) const { scols_unref_table(table); }
};
struct text_deleter {
  void operator()(char* text) const { std::free(text); }
};

} // namespace

std::string draw_table(const std::vector<column>& columns,
                       const std::vector<std::vector<std::string>>& rows) {
  const std::unique_ptr<libscols_table, table_deleter> table(scols_new_table());
  if (!table)
    return {};
  // Otherwise a narrow terminal gets cells broken in two.
  scols_table_set_termforce(table.get(), SCOLS_TERMFORCE_NEVER);
  for (const column& each : columns)
    scols_table_new_column(table.get(), each.title.c_str(), 0,
                           (each.number ? SCOLS_FL_RIGHT : 0) | SCOLS_FL_NOEXTREMES);
  for (const auto& row : rows) {
    libscols_line* line = scols_table_new_line(table.get(), nullptr);
    for (std::size_t at = 0; at != row.size(); ++at)
      scols_line_set_data(line, at, row[at].c_str());
  }
  char* drawn = nullptr;
  if (scols_print_table_to_string(table.get(), &drawn) != 0)
    return {};
  const std::unique_ptr<char, text_deleter> owned(drawn);
  std::string text(drawn);
  if (text.empty() || text.back() != '\n')
    text += '\n';
  return text;
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
