// Sorting, and what is left for the others.
#include "tools/usage_ranking.hpp"

#include "tools/graphs.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace weir::tools {

namespace {

std::uint64_t count_of(const usage_summary& group, rank_by by) {
  switch (by) {
  case rank_by::tokens:
    return group.total_tokens;
  case rank_by::attempts:
    return group.total_requests;
  case rank_by::errors:
    return group.failed_requests;
  case rank_by::cost:
    break;
  }
  return 0;
}

/// Orders what is in it, and keeps the first.
void settle(ranking& all, std::size_t places) {
  std::ranges::stable_sort(all.places, std::ranges::greater{}, &ranked::value);
  for (const ranked& each : all.places)
    all.total += each.value;
  for (std::size_t at = places; at < all.places.size(); ++at) {
    ++all.others;
    all.others_value += all.places[at].value;
  }
  all.places.resize(std::min(places, all.places.size()));
  for (ranked& each : all.places)
    each.permille = permille_of(each.value, all.total);
}

} // namespace

std::string_view to_string(rank_by value) noexcept {
  switch (value) {
  case rank_by::cost:
    return "cost";
  case rank_by::tokens:
    return "tokens";
  case rank_by::attempts:
    return "attempts";
  case rank_by::errors:
    return "errors";
  }
  return "cost";
}

std::optional<rank_by> to_rank_by(std::string_view name) noexcept {
  for (const rank_by each : {rank_by::cost, rank_by::tokens, rank_by::attempts, rank_by::errors})
    if (to_string(each) == name)
      return each;
  return std::nullopt;
}

std::vector<ranking> rank(const std::vector<usage_summary>& summaries, rank_by by, std::size_t places) {
  std::map<currency, ranking> by_unit;
  for (const usage_summary& each : summaries)
    if (by != rank_by::cost) {
      if (const std::uint64_t count = count_of(each, by); count != 0)
        by_unit[currency()].places.push_back({.group = &each, .value = count});
    } else {
      for (const auto& [unit, sum] : each.total_cost)
        if (sum.picos() > 0)
          by_unit[unit].places.push_back({.group = &each, .value = sum.picos()});
    }
  std::vector<ranking> all;
  for (auto& [unit, each] : by_unit) {
    each.unit = unit;
    settle(each, places);
    all.push_back(std::move(each));
  }
  return all;
}

} // namespace weir::tools
