// The invariants of one call: where and how often it may be posted, and when again.
#include "tests/simulation/judge.hpp"

#include <algorithm>

namespace weir::simulation {

namespace {

using std::chrono::milliseconds;

/// The delay before jitter, written anew, so that a fault of the policy is not repeated here.
milliseconds plain_delay(const retry_rule& rule, std::uint32_t retry) {
  std::int64_t delay = rule.base_delay.count();
  for (std::uint32_t n = 1; n < retry && delay < rule.max_delay.count(); ++n)
    if (rule.backoff == backoff_kind::exponential)
      delay = delay * rule.factor_permille / 1'000;
    else if (rule.backoff == backoff_kind::linear)
      delay += rule.base_delay.count();
  return milliseconds{std::min<std::int64_t>(delay, rule.max_delay.count())};
}

/// What the supervisor must take a response for, where its status alone decides.
errc class_of(const answer& by) {
  switch (by.head.status) {
  case 500:
  case 502:
  case 503:
  case 529:
    return errc::server_error;
  case 429:
    return by.is == fault::rate_limit ? errc::rate_limit : errc::none;
  default:
    return errc::none;
  }
}

} // namespace

void judge::check_call(call_state& call, const post& what) {
  const std::uint64_t number = call.plan.number;
  if (what.at >= call.deadline + slip)
    blame("no_post_after_the_deadline", fmt::format("post {} of call {}", what.number, number));
  if (what.at + what.limit > call.deadline + slip)
    blame("no_post_after_the_deadline", fmt::format("post {} of call {} has {} ms, which is beyond it",
                                                    what.number, number, what.limit.count()));
  if (call.answered && *call.answered + settling < what.at)
    blame("no_post_after_the_answer", fmt::format("post {} of call {}", what.number, number));
  if (call.plan.uses_tools)
    return; // its rounds are calls of their own
  if (++call.posts > most([](const snapshot& config) { return config.retry.max_total_attempts; }) &&
      call.posts > call.config->retry.max_total_attempts)
    blame("attempts_are_bounded", fmt::format("call {} has {} posts", number, call.posts));
  if (call.first_shown && !call.may_rescue && *call.first_shown + settling < what.at)
    blame("no_attempt_after_the_first_token", fmt::format("post {} of call {}", what.number, number));
  check_intent(call, what);
  check_route(call, what);
  site& place = site_of(call, what);
  if (place.posts++ != 0 && place.last_key == what.said.key)
    check_repeat(call, place, what);
  place.last_key = what.said.key;
}

void judge::check_route(call_state& call, const post& what) {
  const std::uint64_t number = call.plan.number;
  // Of two attempts at once, the end of one says nothing about the other.
  if (!call.may_hedge) {
    if (call.hopeless)
      blame("hopeless_requests_are_not_repeated", fmt::format("post {} of call {}", what.number, number));
    if (call.filtered && !(call.route != nullptr && call.route->reroute_content_filter))
      blame("a_refusal_is_not_taken_elsewhere", fmt::format("post {} of call {}", what.number, number));
    if (std::exchange(call.unknown_end, false) && !call.may_rescue &&
        ++call.unknown_repeats > call.config->retry.max_unknown_repeats)
      blame("unknown_repeats_are_bounded", fmt::format("post {} of call {}", what.number, number));
  }
  if (call.route == nullptr || call.unsure)
    return;
  const auto& list = call.route->candidates;
  const auto found = std::ranges::find_if(list, [&](const route_candidate& each) {
    return each.provider.str() == what.host && each.model.str() == what.said.model;
  });
  if (found == list.end())
    return blame("a_route_is_followed", fmt::format("post {} of call {} goes to {} as {}", what.number,
                                                    number, what.host, what.said.model));
  const auto at = static_cast<std::size_t>(found - list.begin());
  // Where everything is open, whoever is asked as a last resort may have been asked before.
  if (call.route->strategy == route_strategy::priority && call.route->sticky_by.empty() && !call.may_hedge &&
      !call.may_rescue &&
      most([](const snapshot& config) { return config.breaker.last_resort.count(); }) == 0 &&
      at < call.candidate)
    blame("candidates_are_asked_in_order",
          fmt::format("post {} of call {} to {}", what.number, number, what.host));
  call.candidate = std::max(call.candidate, at);
}

/// The same host is asked again by the same call, with the same key.
void judge::check_repeat(const call_state& call, site& place, const post& what) {
  const std::uint64_t number = call.plan.number;
  // Where the host's actor has died meanwhile, the answer may never have been read, or is forgotten.
  key_facts& key = place.keys[what.said.key];
  if (hosts_[what.host].crashed >= std::min(place.ended, key.told))
    key = {};
  if (what.at < key.not_before)
    blame("waits_as_the_server_asked",
          fmt::format("post {} of call {} to {} comes {} ms early", what.number, number, what.host,
                      std::chrono::ceil<milliseconds>(key.not_before - what.at).count()));
  // With several keys it may be a repeat with another one, for which that one was not there any more.
  const bool keys =
      most_of(what.host, [](const provider_config& each) { return each.more_keys.size(); }) != 0;
  if (keys)
    return;
  check_budget(call, what);
  if (key.is_dead)
    blame("hopeless_requests_are_not_repeated",
          fmt::format("post {} of call {} has a key that was refused", what.number, number));
  if (call.may_hedge || call.may_rescue || call.unsure)
    return;
  if (key.never)
    blame("heeds_x_should_retry", fmt::format("post {} of call {}", what.number, number));
  ++place.repeats;
  // The cap counts when the retry is decided, which may be long ago.
  std::uint32_t cap = 0;
  for (const auto& [when, config] : configs_)
    if (const provider_config* const of = config->find(provider_name(what.host)))
      cap = std::max(cap, of->max_retries.value_or(UINT32_MAX));
  if (place.repeats > cap)
    blame("retries_of_a_class_are_bounded",
          fmt::format("{} retries of call {} at {}", place.repeats, number, what.host));
  // An attempt between that one and this may have died unposted.
  if (place.error == errc::none || hosts_[what.host].crashed >= place.ended)
    return;
  const auto rule = call.config->retry.rules.find(place.error);
  const std::uint32_t retries = ++place.repeats_of[place.error];
  if (rule == call.config->retry.rules.end() || retries > rule->second.max_retries)
    return blame("retries_of_a_class_are_bounded", fmt::format("retry {} of call {} at {} after {}", retries,
                                                               number, what.host, to_string(place.error)));
  if (!call.config->retry.jitter && what.at + slip < place.ended + plain_delay(rule->second, retries))
    blame("backoff_is_waited_for",
          fmt::format("post {} of call {} comes after {} ms", what.number, number,
                      std::chrono::floor<milliseconds>(what.at - place.ended).count()));
}

void judge::check_budget(const call_state& call, const post& what) {
  host_state& host = hosts_[what.host];
  ++host.retries;
  const retry_budget_config& budget = call.config->retry.budget;
  const auto age =
      static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(what.at.time_since_epoch()).count());
  const auto refill = static_cast<std::uint64_t>(budget.refill_time.count());
  const std::uint64_t earned = budget.tokens * 1'000ULL * host.fresh_buckets +
                               host.successes * budget.per_success_permille +
                               (refill == 0 ? 0 : age * 1'000 / refill) + 1'000;
  if (budget.enabled && host.retries * 1'000 > earned)
    blame("retries_are_within_the_budget",
          fmt::format("{} retries at {} with {} successes", host.retries, what.host, host.successes));
}

void judge::learn(call_state& call, const post& what, const answer& by) {
  site& place = site_of(call, what);
  place.ended = now_();
  place.error = class_of(by);
  if (by.is == fault::reset_before || by.is == fault::reset_after)
    call.unknown_end = true;
  if (by.head.status < 400)
    return;
  key_facts& key = place.keys[what.said.key];
  if (hosts_[what.host].crashed >= key.told)
    key = {};
  key.told = now_();
  key.never = key.never || by.do_not_retry;
  key.is_dead =
      by.is == fault::wrong_key || by.is == fault::forbidden || by.is == fault::no_quota || key.is_dead;
  // A body that is too large may fit another model.
  call.hopeless = call.hopeless || (by.is == fault::bad_request && by.head.status != 413);
  call.filtered = call.filtered || by.is == fault::filtered;
  note_hint(call, what.host, key, by);
}

/// When the call may come again. A date is read against the wall clock as it is now, in whole seconds.
void judge::note_hint(const call_state& call, const std::string& host, key_facts& key,
                      const answer& by) const {
  milliseconds least = by.hint.value_or(milliseconds{0});
  milliseconds longest = least;
  if (by.hint_until) {
    longest = *by.hint_until - std::chrono::floor<std::chrono::seconds>(wall_());
    least = longest - std::chrono::seconds{1};
    if (longest > std::chrono::hours{24})
      return; // the clock has jumped: no hint
  }
  if (least <= milliseconds{0})
    return;
  // With several keys a hint is the key's: the call may go on with another at once, however long it is.
  const bool keys = most_of(host, [](const provider_config& each) { return each.more_keys.size(); }) != 0;
  const milliseconds cap = keys ? milliseconds::max() : call.config->retry.max_retry_after;
  if (least > cap)
    key.not_before = time_point::max();
  else if (longest <= cap)
    key.not_before =
        std::max(key.not_before, now_() + least * (how_.plant == planted_fault::secret_hint ? 3 : 1));
}

} // namespace weir::simulation
