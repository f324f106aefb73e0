// Who goes out and who waits, and what is learned from the ends of attempts.
#include "actors/admission.hpp"

#include "actors/log.hpp"

#include <weir/tokens.hpp>

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

const std::string nobody; ///< the lane of those who have no tag

/// Of a reply, where only the provider's own limit counts. It tells with each response what is left, and most
/// replies are far shorter than they may be: whole ones would let hardly any attempt begin beside another.
constexpr std::uint64_t most_reserved_by_learning = 1024;

policy::told_limit to_told(const protocols::rate_limit& limit) {
  return {limit.limit, limit.remaining, limit.reset};
}

/// How long nothing is left, by what was told.
std::optional<milliseconds> empty_for(const std::optional<protocols::rate_limits>& told) {
  std::optional<milliseconds> longest;
  if (told)
    for (const protocols::rate_limit* each : {&told->requests, &told->tokens})
      if (each->remaining == std::uint64_t{0} && each->reset && each->reset->count() > 0)
        longest = std::max(longest.value_or(milliseconds{0}),
                           std::min(*each->reset, policy::told_limits::longest_learned_hold));
  return longest;
}

policy::load_sign sign_of(const result<chat_reply>& outcome, const open_attempt& open, time_point now) {
  if (outcome)
    return policy::load_sign::success;
  const failure error = outcome.error();
  // A call that had little time left says nothing of the provider.
  if (error.type == errc::timeout && now >= open.work().deadline)
    return policy::load_sign::none;
  return error.type == errc::rate_limit || error.type == errc::timeout || error.status_code == 503 ||
                 error.status_code == 529
             ? policy::load_sign::overload
             : policy::load_sign::none;
}

} // namespace

admission::admission(setup_ptr setup, time_point now)
    : setup_(std::move(setup)), limiter_(policy::limits_of(setup_->config), now),
      ring_(setup_->codecs.size()) {}

void admission::adopt(setup_ptr setup, time_point now) {
  std::vector<std::optional<std::size_t>> from(setup->codecs.size());
  for (std::size_t key = 0; key != from.size(); ++key)
    for (std::size_t old = 0; old != setup_->codecs.size() && !from[key]; ++old)
      if (setup->key_at(key) == setup_->key_at(old))
        from[key] = old;
  limiter_.configure(policy::limits_of(setup->config), now);
  if (std::ranges::none_of(from, [](const auto& key) { return key.has_value(); }))
    told_.clear();
  else if (!setup->config.learn_limits || from.size() != 1)
    told_.for_each([](policy::told_limits& each) { each.forget_rates(); });
  ring_.configure(from);
  const bool counts_otherwise =
      (setup->config.tokens_per_minute == 0) != (setup_->config.tokens_per_minute == 0);
  setup_ = std::move(setup);
  if (!counts_otherwise)
    return;
  // What was reserved of replies was for other limits: `next` counts anew.
  queue_.for_each([](const attempt_ptr& open) { open->expect(0); });
  tokens_waiting_ = 0;
  tokens_by_model_.clear();
}

const std::string& admission::lane_of(const open_attempt& open) const {
  const auto& tags = open.work().request->tags;
  const auto found = std::ranges::find(tags, setup_->fair_by, &std::pair<std::string, std::string>::first);
  return found == tags.end() ? nobody : found->second;
}

/// How long what was told of its model, and the keys, let it wait.
milliseconds admission::model_wait(const open_attempt& open, time_point now) const {
  const milliseconds keys = ring_.wait(model_of(open), now).time;
  const policy::told_limits* const told = told_.find(model_of(open));
  return told == nullptr ? keys : std::max(keys, told->rate_wait(now, open.tokens()).time);
}

/// Nobody waits who would be passed by: none of its model, and none that only waits for a place.
bool admission::is_next(const open_attempt& open, time_point now) const {
  return !queue_.first(
      [&](const attempt_ptr& each) { return model_of(*each) == model_of(open) || model_may(*each, now); });
}

bool admission::counts_tokens(const open_attempt& open) const {
  const policy::told_limits* const told = told_.find(model_of(open));
  return limiter_.counts_tokens() || (told != nullptr && told->counts_tokens());
}

std::uint64_t admission::estimate(const open_attempt& open) const {
  const chat_request& asked = *open.work().request;
  std::uint64_t reply = asked.max_tokens.value_or(0);
  if (const model_config* model = find_model(config(), asked.model); !asked.max_tokens && model)
    reply = model->max_tokens;
  if (config().tokens_per_minute == 0)
    reply = std::min(reply, most_reserved_by_learning);
  return estimate_tokens(asked).tokens + reply;
}

void admission::await_tokens(open_attempt& open, std::uint64_t tokens) {
  open.expect(tokens);
  tokens_waiting_ += tokens;
  if (tokens != 0)
    tokens_by_model_[model_of(open)] += tokens;
}

void admission::forget_tokens(const open_attempt& open) {
  tokens_waiting_ -= open.tokens();
  if (const auto of = tokens_by_model_.find(model_of(open));
      of != tokens_by_model_.end() && (of->second -= open.tokens()) == 0)
    tokens_by_model_.erase(of);
}

bool admission::take_place(open_attempt& open, time_point now) {
  policy::told_limits* const told = told_.find(model_of(open));
  if (!limiter_.has_place() || limiter_.rate_wait(now, open.tokens()).time.count() > 0 ||
      (told != nullptr && told->rate_wait(now, open.tokens()).time.count() > 0))
    return false;
  const auto key = ring_.pick(model_of(open), now);
  if (!key)
    return false;
  if (key->rested != errc::none)
    log().info("the provider '{}' is asked with key {} again", config().name.str(), key->index + 1);
  limiter_.begin(now, open.tokens());
  if (told != nullptr)
    told->begin(now, open.tokens());
  open.admit({*key, open.tokens(), now}, setup_);
  return true;
}

bool admission::begin(open_attempt& open, time_point now) {
  return is_next(open, now) && take_place(open, now);
}

admission::displaced admission::wait(attempt_ptr open, time_point now) {
  expires_ = std::min(expires_, expires_at(*open));
  await_tokens(*open, open->tokens());
  const std::string& lane = lane_of(*open);
  const model_name& model = model_of(*open);
  queue_.push(lane, model, std::move(open)); // both stand in the request, which stays where it is
  if (queue_.size() <= config().max_queue)
    return {};
  attempt_ptr out = queue_.pop_newest_of_longest();
  forget_tokens(*out);
  failure why = queue_full(*out, now);
  return {std::move(out), std::move(why)};
}

attempt_ptr admission::next(time_point now) {
  if (queue_.empty() || !limiter_.has_place())
    return nullptr;
  // Of those that came when tokens did not matter, each is counted before it may go.
  queue_.for_each_head([this](attempt_ptr& each) {
    if (each->tokens() == 0 && counts_tokens(*each))
      await_tokens(*each, estimate(*each));
  });
  const auto in_turn = queue_.first([&](const attempt_ptr& each) { return model_may(*each, now); });
  if (!in_turn || !take_place(*in_turn->value(), now))
    return nullptr;
  attempt_ptr out = queue_.pop(*in_turn);
  forget_tokens(*out);
  return out;
}

time_point admission::look_at(time_point now) const {
  if (queue_.empty() || !limiter_.has_place())
    return queue_.empty() ? time_point::max() : expires_;
  time_point due = expires_;
  if (const auto in_turn = queue_.first([&](const attempt_ptr& each) { return model_may(*each, now); }))
    due = std::min(due, now + limiter_.rate_wait(now, in_turn->value()->tokens()).time);
  queue_.for_each_head([&](const attempt_ptr& each) {
    if (const milliseconds wait = model_wait(*each, now); wait.count() > 0)
      due = std::min(due, now + wait);
  });
  return due;
}

void admission::learn(open_attempt& open, const http_fields& fields, std::chrono::sys_seconds today,
                      time_point now) {
  if (!config().learn_limits)
    return;
  open.heard(protocols::decode_rate_limits(fields, today), now);
  heed(open, now);
}

/// With several keys, what the provider tells is of the key that was used: one that has nothing left for the
/// model rests.
void admission::heed(const open_attempt& open, time_point now) {
  const auto& told = open.told();
  if (!told || !config().learn_limits || *told == protocols::rate_limits{})
    return;
  const std::uint64_t serial = open.place()->key.serial;
  if (ring_.size() > 1) {
    if (const auto time = empty_for(told))
      ring_.failed(serial, model_of(open), errc::rate_limit, *time, now, now);
  } else if (ring_.number_of(serial) != 0) { // else it was told to a key that is gone
    told_.of(model_of(open)).learn(to_told(told->requests), to_told(told->tokens), now);
  }
}

bool admission::ended(const open_attempt& open, result<chat_reply>& outcome, time_point now) {
  if (!open.place())
    return false;
  policy::ended_attempt end;
  end.began = open.place()->at;
  end.reserved = open.place()->tokens;
  end.sign = sign_of(outcome, open, now);
  if (outcome) {
    end.used = outcome->usage.total_tokens;
  } else {
    const auto fate = outcome.error().fate;
    end.sent = fate != outcome::not_sent;
    if (fate != outcome::unknown)
      end.used = 0;
  }
  limiter_.end(end, now);
  if (policy::told_limits* const told = told_.find(model_of(open)))
    told->end(end, now);
  // What was given back must not be more than the provider said a moment ago.
  if (open.told_at() == now)
    heed(open, now);
  return report_key(open, outcome, now);
}

bool admission::report_key(const open_attempt& open, result<chat_reply>& outcome, time_point now) {
  const admitted& place = *open.place();
  const std::uint32_t number = ring_.number_of(place.key.serial);
  if (outcome) {
    if (ring_.success(place.key.serial, place.at))
      log().info("the provider '{}' takes key {} again", config().name.str(), number);
    return false;
  }
  failure error = outcome.error();
  const bool refused = error.type == errc::auth && error.status_code != 403; // 403 is of what was asked for
  const bool held = error.type == errc::rate_limit;
  if (number == 0 || !(refused || held || error.type == errc::quota_exceeded))
    return false;
  if (held && !error.retry_after)
    error.retry_after = empty_for(open.told());
  const auto rest =
      ring_.failed(place.key.serial, model_of(open), error.type, error.retry_after, place.at, now);
  if (held && ring_.size() == 1 && error.retry_after)
    told_.of(model_of(open)).hold(*error.retry_after, now);
  if (rest && !held)
    log().error("the provider '{}' refuses key {} ({}): it rests for {} s", config().name.str(), number,
                to_string(error.type), std::chrono::ceil<std::chrono::seconds>(*rest).count());
  const bool other = !open.has_delivered() && ring_.has_other(place.key.serial, model_of(open), now);
  if (other)
    error.retry_after.reset();
  outcome = std::move(error);
  return other;
}

void admission::tell(provider_health& health, time_point now) const {
  health.queued = static_cast<std::uint32_t>(queue_.size());
  health.concurrency_limit = limiter_.concurrency_limit();
  health.held_for = ring_.held_for(now);
  told_.for_each([&](const policy::told_limits& each) {
    health.held_for = std::max(health.held_for, each.held_for(now));
  });
  health.keys = ring_.health(now);
}

} // namespace weir::actors
