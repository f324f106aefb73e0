// Who used most: groups in order of one figure, each with its share of the whole.
// Knows no ledger and no option; amounts of two currencies are never compared.
#pragma once

#include <weir/money.hpp>
#include <weir/usage.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::tools {

/// The figure that decides.
enum class rank_by : std::uint8_t { cost, tokens, attempts, errors };
std::string_view to_string(rank_by value) noexcept;
std::optional<rank_by> to_rank_by(std::string_view name) noexcept;

/// A group's place.
struct ranked {
  const usage_summary* group = nullptr; ///< of those that were ranked
  int128 value = 0;                     ///< picos of the ranking's currency, or a count
  std::uint64_t permille = 0;           ///< of the total
};

/// The first places by one figure; of a cost, one ranking for each currency.
struct ranking {
  currency unit; ///< of a cost; else none
  std::vector<ranked> places;
  std::uint64_t others = 0; ///< groups that are not among them, and have something of it
  int128 others_value = 0;
  int128 total = 0;
};

/// Highest first; of equals, those that came first. Groups with nothing of it have no place. `summaries` must
/// outlive what is returned.
std::vector<ranking> rank(const std::vector<usage_summary>& summaries, rank_by by, std::size_t places);

} // namespace weir::tools
