// In which order a call's candidates are asked: by the route's strategy, over what is known of them just now.
// Pure: load, latency and randomness are arguments.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::policy {

/// What is known of a candidate when a call comes.
struct candidate_facts {
  std::uint32_t in_flight = 0;          ///< attempts at its provider
  std::chrono::microseconds latency{0}; ///< of late; 0: not known
  bool fails = false;                   ///< it failed a moment ago, and has not succeeded since
  std::optional<money> cost;            ///< of this request, roughly; nothing: no price
};

/// Roughly what a request costs at a price: its text at four bytes a token, and a reply of `max_tokens`, or
/// of 256 tokens. Good for comparing prices, and for nothing else.
std::optional<money> rough_cost(const chat_request& request, const pricing* prices);

/// Orders candidates for one call. `facts` has one entry for each. With `sticky`, the first is chosen by that
/// value, by rendezvous hashing over names and weights: a value keeps its candidate when others come and go.
/// Costs in another currency than the first one's count as unknown.
void order_candidates(std::vector<route_candidate>& candidates, const std::vector<candidate_facts>& facts,
                      route_strategy strategy, std::optional<std::string_view> sticky, std::uint64_t random);

} // namespace weir::policy
