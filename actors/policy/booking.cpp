// Records of ended attempts.
#include "actors/policy/booking.hpp"

#include <algorithm>
#include <variant>

namespace weir::policy {

namespace {

constexpr std::uint64_t tokens_per_message = 16;   // role and separators
constexpr std::uint64_t tokens_per_image = 49'152; // gpt-4o-mini counts up to 48,169

std::uint64_t bound_of(const content_part& part) {
  if (const auto* text = std::get_if<text_part>(&part))
    return text->text.size();
  if (const auto* thought = std::get_if<reasoning_part>(&part))
    return thought->text.size() + thought->redacted.size();
  if (const auto* raw = std::get_if<raw_part>(&part))
    return std::max<std::uint64_t>(raw->json.size(), tokens_per_image);
  return tokens_per_image;
}

/// The dearest prices that a prompt of at most so many tokens can have. A cache write may cost more than
/// plain input, and thinking more than plain output, and what there will be of them cannot be known.
pricing dearest_of(const pricing& prices, std::uint64_t prompt_tokens) {
  pricing dearest = prices;
  dearest.tiers.clear();
  const auto raise = [](price& most, const std::optional<price>& other) {
    if (other && other->picos_per_million > most.picos_per_million)
      most = *other;
  };
  const auto raise_all = [&](const auto& from) {
    for (const std::optional<price>& each :
         {std::optional<price>(from.input), from.cached_input, from.cache_write, from.cache_write_1h})
      raise(dearest.input, each);
    for (const std::optional<price>& each : {std::optional<price>(from.output), from.reasoning})
      raise(dearest.output, each);
  };
  raise_all(prices);
  for (const price_tier& tier : prices.tiers)
    if (prompt_tokens > tier.above)
      raise_all(tier);
  dearest.reasoning.reset();
  return dearest;
}

/// What is known of an attempt whatever became of it.
usage_record begin_record(const attempt_facts& facts, const chat_request& request,
                          const provider_name& provider) {
  usage_record record;
  record.id = facts.id;
  record.call = facts.call;
  record.attempt = facts.number;
  record.time = facts.began;
  record.model = request.model;
  record.provider = provider;
  record.tags = request.tags;
  return record;
}

} // namespace

std::uint32_t images_in(const chat_request& request) noexcept {
  std::uint32_t images = 0;
  for (const message& each : request.messages)
    for (const content_part& part : each.content)
      images += std::holds_alternative<image_part>(part) ? 1 : 0;
  return images;
}

std::uint64_t prompt_token_bound(const chat_request& request) {
  std::uint64_t bound = 0;
  for (const message& each : request.messages) {
    bound += tokens_per_message;
    for (const content_part& part : each.content)
      bound += bound_of(part);
    for (const tool_call& call : each.tool_calls)
      bound += call.id.size() + call.name.size() + call.arguments.size();
    for (const auto& [key, value] : each.extra)
      bound += key.size() + value.size();
  }
  for (const tool& each : request.tools)
    bound += tokens_per_message + each.name.size() + each.description.size() + each.parameters.size() +
             each.raw.size();
  for (const auto& [key, value] : request.extra)
    bound += key.size() + value.size();
  return bound;
}

std::optional<money> cost_bound(const chat_request& request, const model_config* model,
                                const pricing& prices) {
  token_usage most;
  most.prompt_tokens = prompt_token_bound(request);
  most.completion_tokens = request.max_tokens.value_or(model == nullptr ? 0U : model->max_tokens);
  if (most.completion_tokens == 0)
    most.completion_tokens = assumed_output_tokens;
  most.source = metering::estimated;
  most.images = prices.image_fee == 0 ? 0 : images_in(request);
  return cost_of(most, dearest_of(prices, most.prompt_tokens));
}

usage_record make_intent(const attempt_facts& facts, const chat_request& request,
                         const provider_name& provider, const model_config* model, const priced& by) {
  usage_record record = begin_record(facts, request, provider);
  record.state = record_state::intent;
  record.usage.source = metering::estimated;
  record.price_version = by.version;
  if (by.prices != nullptr)
    record.cost_limit = cost_bound(request, model, *by.prices);
  return record;
}

usage_record make_record(const attempt_facts& facts, const chat_request& request,
                         const provider_name& provider, const model_config* model, const priced& by,
                         const result<chat_reply>& end) {
  const pricing* const prices = by.prices;
  usage_record record = begin_record(facts, request, provider);
  record.price_version = by.version;
  record.response_time = facts.latency;
  record.first_token_time = facts.first_token;
  if (end) {
    record.success = true;
    record.state = record_state::settled;
    record.usage = end->usage;
    record.request_id = end->metadata.request_id;
    record.cost = end->cost;
    // Figures that contradict themselves have no cost, but they spend a budget.
    if (prices != nullptr && !record.cost)
      record.cost_limit = cost_bound(request, model, *prices);
    return record;
  }
  const failure& error = end.error();
  record.error_type = error.type;
  record.request_id = error.request_id;
  switch (error.fate) {
  case outcome::not_sent:
    record.state = record_state::void_attempt;
    break;
  case outcome::rejected_unprocessed:
    record.state = record_state::settled;
    break;
  case outcome::unknown:
    record.state = record_state::unknown;
    if (facts.seen)
      record.usage = *facts.seen;
    record.usage.source = metering::estimated;
    if (prices != nullptr)
      record.cost_limit = cost_bound(request, model, *prices);
    return record;
  }
  if (prices != nullptr)
    record.cost = money{0, prices->unit};
  return record;
}

} // namespace weir::policy
