// Block elements of Unicode, and how far each is filled.
#include "tools/graphs.hpp"

#include <algorithm>
#include <array>

namespace weir::tools {

namespace {

constexpr unsigned steps = 8;
constexpr std::array<const char*, steps> heights{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<const char*, steps> widths{"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};

/// How many eighths of a cell the bar takes.
std::uint64_t eighths_of(std::uint64_t permille, unsigned cells) {
  const std::uint64_t all = std::uint64_t{cells} * steps;
  const std::uint64_t part = (std::min<std::uint64_t>(permille, 1000) * all + 500) / 1000;
  return permille == 0 ? 0 : std::max<std::uint64_t>(part, 1);
}

} // namespace

std::string sparkline(const std::vector<int128>& values) {
  int128 most = 0;
  for (const int128 each : values)
    most = std::max(most, each);
  // Sums may be so large that eight times one of them does not fit.
  const bool huge = most > (int128{1} << 120);
  std::string line;
  for (const int128 each : values) {
    if (each <= 0) {
      line += '.';
      continue;
    }
    const int128 whole = huge ? most / steps : most;
    const int128 height = huge ? (each + whole - 1) / whole : (each * steps + whole - 1) / whole;
    line += heights[std::clamp<std::size_t>(static_cast<std::size_t>(height), 1, steps) - 1];
  }
  return line;
}

std::string share_bar(std::uint64_t permille, unsigned cells) {
  const std::uint64_t eighths = eighths_of(permille, cells);
  std::string bar;
  for (std::uint64_t cell = 0; cell != eighths / steps; ++cell)
    bar += widths.back();
  if (eighths % steps != 0)
    bar += widths[eighths % steps - 1];
  return bar;
}

std::string filled_bar(std::uint64_t permille, unsigned cells) {
  std::string bar = share_bar(permille, cells);
  const std::uint64_t taken = (eighths_of(permille, cells) + steps - 1) / steps;
  for (std::uint64_t cell = taken; cell < cells; ++cell)
    bar += "░";
  return bar;
}

std::uint64_t permille_of(int128 part, int128 whole) {
  if (part <= 0 || whole <= 0)
    return 0;
  while (whole > (int128{1} << 110)) {
    part /= 2;
    whole /= 2;
  }
  return static_cast<std::uint64_t>((part * 2000 + whole) / (whole * 2));
}

std::string percent(std::uint64_t permille) {
  return std::to_string(permille / 10) + "." + std::to_string(permille % 10) + " %";
}

} // namespace weir::tools
