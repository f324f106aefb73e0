// A table for people, drawn by libsmartcols.
// What a cell says is decided by who fills it.
#pragma once

#include "tools/terminal.hpp"

#include <weir/money.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::tools {

struct column {
  std::string title;
  bool number = false; ///< flush right
  unsigned spare = 0;  ///< a terminal that is too narrow does without the columns that have one, the highest
                       ///< first; 0: it must be there
};

/// The cells of a table, a row under the other.
using table_rows = std::vector<std::vector<std::string>>;

/// How a table is drawn.
struct table_layout {
  display on{};                      ///< its width, if it has one, decides about spare columns
  std::size_t bold_rows = 0;         ///< so many at the end stand out, like the titles
  std::vector<std::string> widest{}; ///< a cell of each column that the column has room for, though it is in
                                     ///< no row; empty: none
  bool titles = true;
};

/// A table, and which columns it had to do without.
struct drawn_table {
  std::string text;
  std::vector<std::string> left_out{};
};

/// Rows under their titles: a row is a line, however narrow the terminal is. Each row has as many cells as
/// there are columns.
drawn_table draw_table(const std::vector<column>& columns, const table_rows& rows,
                       const table_layout& layout);

/// The same with every column, for whatever output.
std::string draw_table(const std::vector<column>& columns, const table_rows& rows);

/// `no room for TOKENS, MEAN MS; …`; empty when nothing was left out.
std::string left_out_words(const std::vector<std::string>& titles);

/// `1234567` as `1,234,567`.
std::string with_thousands(std::uint64_t value);

/// A time in milliseconds, to a tenth, so that a column of them can be compared at a glance: `1,234.5`.
std::string milliseconds_cell(std::chrono::microseconds time);

/// An amount in a table, or a word in its place.
struct money_cell {
  std::string words{};               ///< before the amount, such as `up to`; without amount: the whole cell
  std::optional<money_sum> amount{}; ///< nothing: the words alone
};

/// Exact amounts whose decimal points stand below each other when the column is flush right: as many
/// decimals as the currency has, and all that a tiny amount needs: `1,234.50     USD`, `0.00042 USD`.
/// `least_decimals` makes room for more.
std::vector<std::string> aligned(const std::vector<money_cell>& cells, std::size_t least_decimals = 0);

/// How many decimals the amount needs in a table.
std::size_t decimals_of(const money_sum& amount);

/// One amount for people: `1,234.50 USD`.
std::string money_words(const money_sum& amount);

} // namespace weir::tools
