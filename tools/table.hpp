// A table for people, drawn by libsmartcols.
// What a cell says is decided by who fills it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace weir::tools {

struct column {
  std::string title;
  bool number = false; ///< flush right
};

/// Rows under their titles, as wide as they need, on any terminal: a row is a line. Each row has as many
/// cells as there are columns.
std::string draw_table(const std::vector<column>& columns, const std::vector<std::vector<std::string>>& rows);

/// `1234567` as `1,234,567`.
std::string with_thousands(std::uint64_t value);

/// A time in milliseconds, to a tenth, so that a column of them can be compared at a glance: `1,234.5`.
std::string milliseconds_cell(std::chrono::microseconds time);

} // namespace weir::tools
