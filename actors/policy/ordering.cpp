// Strategies as sort keys. Sorting is stable, so ties keep the order of the configuration.
#include "actors/policy/ordering.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>
#include <variant>

namespace weir::policy {

namespace {

using order = std::vector<std::size_t>;

/// Every bit of a hash counts in a comparison.
std::uint64_t mixed(std::uint64_t hash) {
  hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31U);
}

std::uint64_t hash_at(std::string_view value, const route_candidate& at) {
  std::string text(value);
  text.append(1, '\0').append(at.provider.str()).append(1, '\0').append(at.model.str());
  return content_hash(text);
}

/// The candidate that a value belongs to: the highest of as many draws as each has weight.
std::size_t home_of(std::string_view value, const std::vector<route_candidate>& candidates) {
  std::pair<std::uint64_t, std::size_t> best{0, 0};
  for (std::size_t n = 0; n != candidates.size(); ++n) {
    const std::uint64_t hash = hash_at(value, candidates[n]);
    for (std::uint64_t draw = 0; draw != candidates[n].weight; ++draw)
      best = std::max(best, {mixed(hash + draw * 0x9e3779b97f4a7c15), n});
  }
  return best.second;
}

std::size_t drawn(const std::vector<route_candidate>& candidates, std::uint64_t random) {
  std::uint64_t total = 0;
  for (const route_candidate& each : candidates)
    total += each.weight;
  if (total == 0)
    return 0;
  std::uint64_t at = random % total;
  for (std::size_t n = 0; n != candidates.size(); ++n) {
    if (at < candidates[n].weight)
      return n;
    at -= candidates[n].weight;
  }
  return 0;
}

void to_front(order& all, std::size_t first) {
  const auto at = std::ranges::find(all, first);
  std::rotate(all.begin(), at, at + 1);
}

void sort_by_cost(order& all, const std::vector<candidate_facts>& facts) {
  std::optional<currency> unit;
  for (const candidate_facts& each : facts)
    if (each.cost && !unit)
      unit = each.cost->unit;
  std::ranges::stable_sort(all, {}, [&](std::size_t n) {
    const auto& cost = facts[n].cost;
    const bool known = cost && cost->unit == *unit;
    return std::tuple(facts[n].fails, !known, known ? cost->picos : 0);
  });
}

} // namespace

std::optional<money> rough_cost(const chat_request& request, const pricing* prices) {
  if (prices == nullptr)
    return std::nullopt;
  constexpr std::uint64_t bytes_per_token = 4;
  constexpr std::uint64_t usual_reply = 256;
  token_usage usage;
  for (const message& each : request.messages)
    for (const content_part& part : each.content)
      if (const auto* const text = std::get_if<text_part>(&part))
        usage.prompt_tokens += text->text.size() / bytes_per_token + 1;
  usage.completion_tokens = request.max_tokens.value_or(usual_reply);
  return cost_of(usage, *prices);
}

void order_candidates(std::vector<route_candidate>& candidates, const std::vector<candidate_facts>& facts,
                      route_strategy strategy, std::optional<std::string_view> sticky, std::uint64_t random) {
  order all(candidates.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  switch (strategy) {
  case route_strategy::priority:
    break;
  case route_strategy::weighted:
    to_front(all, drawn(candidates, random));
    break;
  case route_strategy::least_busy:
    std::ranges::stable_sort(all, {},
                             [&](std::size_t n) { return std::pair(facts[n].fails, facts[n].in_flight); });
    break;
  case route_strategy::lowest_latency:
    std::ranges::stable_sort(all, {},
                             [&](std::size_t n) { return std::pair(facts[n].fails, facts[n].latency); });
    break;
  case route_strategy::lowest_cost:
    sort_by_cost(all, facts);
    break;
  }
  if (sticky)
    to_front(all, home_of(*sticky, candidates));
  std::vector<route_candidate> ordered;
  ordered.reserve(candidates.size());
  for (const std::size_t n : all)
    ordered.push_back(std::move(candidates[n]));
  candidates = std::move(ordered);
}

} // namespace weir::policy
