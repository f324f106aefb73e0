// Judging by upper and lower estimates.
#include "actors/policy/cost_ceiling.hpp"

#include "actors/policy/booking.hpp"

#include <algorithm>
#include <string>

namespace weir::policy {

namespace {

int128 left_of(const ceiling_facts& facts) {
  return std::max(facts.ceiling.picos - facts.gone.picos(), int128{0});
}

std::string amount(int128 picos, const money& ceiling) {
  return to_decimal(picos) + ' ' + ceiling.unit.str();
}

failure exceeded(const ceiling_facts& facts, const std::string& why) {
  failure refused = make_failure(
      errc::budget_exceeded, "max_cost of this call is " + amount(facts.ceiling.picos, facts.ceiling) + why,
      "max_cost");
  refused.provider = facts.provider.str();
  return refused;
}

std::string with_left(const ceiling_facts& facts) {
  return facts.gone.picos() == 0 ? std::string()
                                 : ", of which " + amount(left_of(facts), facts.ceiling) + " are left";
}

token_usage prompt_and(const chat_request& request, const ceiling_facts& facts, std::uint64_t output) {
  token_usage usage;
  usage.images = images_in(request);
  usage.prompt_tokens = facts.prompt_tokens;
  usage.completion_tokens = output;
  usage.source = metering::estimated;
  return usage;
}

bool fits(const std::optional<money>& cost, int128 left) {
  return cost && cost->picos <= left;
}

/// The most output tokens with which a whole answer would be let through; 0: none.
std::uint32_t affordable(const chat_request& request, const ceiling_facts& facts, int128 left) {
  std::uint32_t good = 0;
  std::uint32_t bad = 1U << 24U;
  chat_request asked;
  asked.messages = request.messages;
  asked.tools = request.tools;
  asked.extra = request.extra;
  while (good + 1 < bad) {
    const std::uint32_t middle = good + (bad - good) / 2;
    asked.max_tokens = middle;
    (fits(cost_bound(asked, facts.model, *facts.prices), left) ? good : bad) = middle;
  }
  return good;
}

std::string advice(const chat_request& request, const ceiling_facts& facts, int128 left) {
  const std::uint32_t most = affordable(request, facts, left);
  return most == 0 ? std::string("; the request is too long for it")
                   : "; set max_tokens to at most " + std::to_string(most) +
                         ", or stream, so that it can be ended in time";
}

} // namespace

ceiling_verdict judge(const chat_request& request, const ceiling_facts& facts) {
  const int128 left = left_of(facts);
  const bool one_currency = facts.gone.picos() == 0 || facts.gone.unit() == facts.ceiling.unit;
  if (facts.prices == nullptr || facts.prices->unit != facts.ceiling.unit || !one_currency)
    return {exceeded(facts, ", and model '" + request.model.str() + "' has no price in " +
                                facts.ceiling.unit.str() + ": what it costs cannot be bounded")};
  const auto most = cost_bound(request, facts.model, *facts.prices);
  if (fits(most, left))
    return {};
  if (request.stream) {
    const auto least = cost_of(prompt_and(request, facts, 1), *facts.prices);
    if (fits(least, left))
      return {std::nullopt, true};
    return {exceeded(facts, with_left(facts) + ", and the prompt alone costs about " +
                                (least ? amount(least->picos, facts.ceiling) : std::string("more")))};
  }
  const std::string may = most ? ", and this attempt may cost " + amount(most->picos, facts.ceiling)
                               : ", and the most that this attempt may cost is not known";
  return {exceeded(facts, with_left(facts) + may + advice(request, facts, left))};
}

stream_ceiling::stream_ceiling(const chat_request& request, const ceiling_facts& facts)
    : prices_(*facts.prices), ceiling_(facts.ceiling), left_(left_of(facts)), provider_(facts.provider.str()),
      used_(prompt_and(request, facts, 0)) {
  used_.reasoning_tokens = 0;
}

bool stream_ceiling::fits(const token_usage& usage) const {
  return policy::fits(cost_of(usage, prices_), left_);
}

bool stream_ceiling::take(std::uint64_t tokens, bool thinking) {
  token_usage next = used_;
  next.completion_tokens += tokens;
  if (thinking)
    *next.reasoning_tokens += tokens;
  if (!fits(next))
    return false;
  used_ = next;
  return true;
}

bool stream_ceiling::told(const token_usage& usage) {
  token_usage next = used_;
  next.completion_tokens = std::max(usage.completion_tokens, used_.completion_tokens);
  next.reasoning_tokens = std::max(usage.reasoning_tokens.value_or(0), *used_.reasoning_tokens);
  if (usage.prompt_tokens != 0) { // some tell the output alone before the end
    next.prompt_tokens = usage.prompt_tokens;
    next.cached_tokens = usage.cached_tokens;
    next.cache_write_tokens = usage.cache_write_tokens;
    next.cache_write_1h_tokens = usage.cache_write_1h_tokens;
  }
  if (!cost_of(next, prices_)) { // figures that contradict themselves: the prompt is taken as plain
    next.cached_tokens.reset();
    next.cache_write_tokens.reset();
    next.cache_write_1h_tokens.reset();
  }
  used_ = next;
  return fits(used_);
}

failure stream_ceiling::reached() const {
  failure ended =
      make_failure(errc::budget_exceeded,
                   "the stream was ended at max_cost of this call, " + amount(ceiling_.picos, ceiling_) +
                       ", after about " + std::to_string(used_.completion_tokens) + " tokens of output",
                   "max_cost");
  ended.provider = provider_;
  ended.fate = outcome::unknown; // it was sent, and is billed
  return ended;
}

} // namespace weir::policy
