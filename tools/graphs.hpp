// Figures as pictures in a line of text: sparklines, bars, shares. Whole numbers only.
// Knows no terminal: whether blocks can be shown is decided by who asks.
#pragma once

#include <weir/money.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::tools {

/// A letter for each value, `▁` to `█` up to the largest of them; a dot on the line for nothing at all.
/// Values below zero count as nothing.
std::string sparkline(const std::vector<int128>& values);

/// A part in thousandths as a bar that ends in an eighth of a cell: `███▌`, without what is missing. What is
/// there at all can be seen.
std::string share_bar(std::uint64_t permille, unsigned cells);

/// The same, filled up to its width: `███▌░░░░`.
std::string filled_bar(std::uint64_t permille, unsigned cells);

/// How many thousandths of a whole a part is, rounded half up; 0 of nothing. Neither is below zero.
std::uint64_t permille_of(int128 part, int128 whole);

/// `42.3 %`.
std::string percent(std::uint64_t permille);

} // namespace weir::tools
