// Who goes out, who waits, who is refused. Each refusal says why, and when to come back.
#include "actors/admission.hpp"

#include "actors/log.hpp"

#include <weir/tokens.hpp>

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

const std::string nobody; ///< the lane of those who have no tag

/// Tenths of a second, rounded up: `3.2 s`, `20 s`.
std::string seconds(milliseconds time) {
  const std::int64_t tenths = (std::max(time, milliseconds{0}).count() + 99) / 100;
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + " s";
}

/// Where nobody can know when there is a place again, a second is as good as any time.
failure overloaded(std::string why, std::string place, milliseconds come_back) {
  failure made = make_failure(errc::overloaded, std::move(why), std::move(place));
  made.retry_after = come_back.count() > 0 ? come_back : milliseconds{1000};
  return made;
}

/// As what the keys were refused for: the caller cannot mend it by coming back.
failure keys_rest(const policy::key_wait& keys) {
  failure made = overloaded("every key of the provider rests, the next is tried in " + seconds(keys.time) +
                                " (" + std::string(to_string(keys.why)) + ")",
                            {}, keys.time);
  if (keys.why == errc::auth || keys.why == errc::quota_exceeded) {
    made.type = keys.why;
    made.retryable = false;
  }
  return made;
}

std::string attempts_wait(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " attempt waits" : " attempts wait");
}

failure too_late() {
  return make_failure(errc::timeout, "the call's deadline passed before the request could be sent");
}

/// Of a reply, where only the provider's own limit counts. It tells with each response what is left, and most
/// replies are far shorter than they may be: whole ones would let hardly any attempt begin beside another.
constexpr std::uint64_t most_reserved_by_learning = 1024;

std::uint64_t tokens_of(const open_attempt& open, const provider_config& config) {
  const chat_request& asked = *open.work().request;
  std::uint64_t reply = asked.max_tokens.value_or(0);
  if (const model_config* model = find_model(config, asked.model); !asked.max_tokens && model)
    reply = model->max_tokens;
  if (config.tokens_per_minute == 0)
    reply = std::min(reply, most_reserved_by_learning);
  return estimate_tokens(asked).tokens + reply;
}

/// With several keys, what the provider tells is of one of them, and not for the limiter to learn.
policy::limiter_config limits_of(const provider_setup& setup) {
  policy::limiter_config limits = policy::limits_of(setup.config);
  limits.learn_limits = limits.learn_limits && setup.codecs.size() == 1;
  return limits;
}

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
                           std::min(*each->reset, policy::limiter::longest_learned_hold));
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
    : setup_(std::move(setup)), limiter_(limits_of(*setup_), now), ring_(setup_->codecs.size()) {}

void admission::adopt(setup_ptr setup, time_point now) {
  std::vector<std::optional<std::size_t>> from(setup->codecs.size());
  for (std::size_t key = 0; key != from.size(); ++key)
    for (std::size_t old = 0; old != setup_->codecs.size() && !from[key]; ++old)
      if (setup->key_at(key) == setup_->key_at(old))
        from[key] = old;
  limiter_.configure(limits_of(*setup), now);
  if (std::ranges::none_of(from, [](const auto& key) { return key.has_value(); }))
    limiter_.forget_told();
  ring_.configure(from);
  setup_ = std::move(setup);
}

const std::string& admission::lane_of(const open_attempt& open) const {
  const auto& tags = open.work().request->tags;
  const auto found = std::ranges::find(tags, setup_->fair_by, &std::pair<std::string, std::string>::first);
  return found == tags.end() ? nobody : found->second;
}

time_point admission::waits_until(const open_attempt& open) const {
  return std::min(open.work().deadline, open.began() + longest_queue_wait(open));
}

/// Who was let in because a place was expected in time is not refused for a little delay.
time_point admission::expires_at(const open_attempt& open) const {
  return std::min(open.work().deadline, open.began() + 2 * longest_queue_wait(open));
}

milliseconds admission::longest_queue_wait(const open_attempt& open) const {
  return std::min(config().max_queue_wait, open.work().patience);
}

milliseconds admission::until_ready(const open_attempt& open, time_point now) const {
  return std::max(limiter_.rate_wait(now, open.tokens()).time, ring_.wait(now).time);
}

std::optional<failure> admission::refuse(open_attempt& open, time_point now) {
  auto refused = refusal(open, now);
  if (refused || !limiter_.counts_tokens())
    return refused;
  open.expect(tokens_of(open, config())); // costly, and so only for those that could pass without
  return refusal(open, now);
}

std::optional<failure> admission::refusal(const open_attempt& open, time_point now) const {
  if (queue_.empty() && limiter_.has_place() && until_ready(open, now).count() == 0)
    return std::nullopt;
  if (open.work().deadline <= now)
    return too_late();
  const policy::key_wait keys = ring_.wait(now);
  const auto patience = std::chrono::floor<milliseconds>(waits_until(open) - now);
  if (keys.time.count() > 0 && (keys.by_trials || keys.time > patience))
    return keys_rest(keys);
  const std::string& lane = lane_of(open);
  const std::size_t ahead = queue_.ahead_of(lane);
  const std::uint64_t tokens_ahead = ahead == 0 ? 0 : tokens_waiting_ / queue_.size() * ahead;
  const auto wait = limiter_.expected_wait(ahead, tokens_ahead + open.tokens(), now);
  if (wait.time > patience || patience.count() <= 0)
    return too_long(wait, open);
  // In a full queue, one who has less in it than another takes the place of one of his.
  if (queue_.size() >= config().max_queue && queue_.waiting(lane) + 1 >= queue_.longest())
    return queue_full(now);
  return std::nullopt;
}

failure admission::too_long(const policy::wait_time& wait, const open_attempt& open) const {
  const bool hurried = open.work().deadline < open.began() + longest_queue_wait(open);
  const bool own = config().max_queue_wait <= open.work().patience;
  const std::string bound = hurried ? " (the call's deadline)"
                            : own   ? " (max_queue_wait)"
                                    : " (limits.queue_patience: it can be asked elsewhere)";
  const std::string time = seconds(wait.time);
  switch (wait.cause) {
  case policy::wait_cause::hold:
    return overloaded("held by the provider's rate limit for " + time, {}, wait.time);
  case policy::wait_cause::requests:
  case policy::wait_cause::tokens: {
    const std::string what = wait.cause == policy::wait_cause::requests ? "requests" : "tokens";
    const std::string key = what + "_per_minute";
    return overloaded((wait.learned ? "the provider's limit of " + what : key) + " lets it begin in " + time +
                          bound,
                      wait.learned ? "" : key, wait.time);
  }
  case policy::wait_cause::concurrency:
  case policy::wait_cause::none:
    break;
  }
  return overloaded(attempts_wait(queue_.size()) +
                        (wait.time.count() > 0 ? ", and a place is expected in " + time
                                               : ", and when there is a place is not known") +
                        bound,
                    "max_concurrency", wait.time);
}

failure admission::queue_full(time_point now) const {
  return overloaded("the provider's queue is full: " + attempts_wait(queue_.size()), "max_queue",
                    limiter_.expected_wait(queue_.size(), tokens_waiting_, now).time);
}

bool admission::take_place(open_attempt& open, time_point now) {
  if (!limiter_.has_place() || limiter_.rate_wait(now, open.tokens()).time.count() > 0)
    return false;
  const auto key = ring_.pick(now);
  if (!key)
    return false;
  if (key->rested == errc::auth || key->rested == errc::quota_exceeded)
    log().info("the provider '{}' is asked with key {} again", config().name.str(), key->index + 1);
  limiter_.begin(now, open.tokens());
  open.admit({*key, open.tokens(), now}, setup_);
  return true;
}

bool admission::begin(open_attempt& open, time_point now) {
  return queue_.empty() && take_place(open, now);
}

admission::displaced admission::wait(attempt_ptr open, time_point now) {
  expires_ = std::min(expires_, expires_at(*open));
  tokens_waiting_ += open->tokens();
  const std::string& lane = lane_of(*open);
  queue_.push(lane, std::move(open));
  if (queue_.size() <= config().max_queue)
    return {};
  attempt_ptr out = queue_.pop_newest_of_longest();
  tokens_waiting_ -= out->tokens();
  return {std::move(out), queue_full(now)};
}

attempt_ptr admission::next(time_point now) {
  if (queue_.empty() || !take_place(*queue_.front(), now))
    return nullptr;
  tokens_waiting_ -= queue_.front()->tokens();
  return queue_.pop();
}

time_point admission::look_at(time_point now) const {
  if (queue_.empty())
    return time_point::max();
  return limiter_.has_place() ? std::min(expires_, now + until_ready(*queue_.front(), now)) : expires_;
}

std::vector<admission::expired> admission::expire(time_point now) {
  const policy::key_wait keys = ring_.wait(now);
  const bool shut = keys.by_trials && keys.time.count() > 0;
  std::vector<expired> out;
  if (queue_.empty() || (expires_ > now && !shut))
    return out;
  const milliseconds come_back = limiter_.expected_wait(queue_.size(), tokens_waiting_, now).time;
  const auto why = [&](const open_attempt& open) -> std::optional<failure> {
    if (open.work().deadline <= now)
      return too_late();
    if (shut)
      return keys_rest(keys);
    if (expires_at(open) <= now)
      return overloaded("no place within " + seconds(2 * longest_queue_wait(open)),
                        config().max_queue_wait <= open.work().patience ? "max_queue_wait" : "queue_patience",
                        come_back);
    return std::nullopt;
  };
  expires_ = time_point::max();
  queue_.erase_if([&](attempt_ptr& open) {
    auto reason = why(*open);
    if (!reason) {
      expires_ = std::min(expires_, expires_at(*open));
      return false;
    }
    tokens_waiting_ -= open->tokens();
    out.push_back({std::move(open), std::move(*reason)});
    return true;
  });
  return out;
}

void admission::learn(open_attempt& open, const http_fields& fields, std::chrono::sys_seconds today,
                      time_point now) {
  if (!config().learn_limits)
    return;
  open.heard(protocols::decode_rate_limits(fields, today), now);
  heed(open, now);
}

/// With several keys, what the provider tells is of the key that was used: one that has nothing left rests.
void admission::heed(const open_attempt& open, time_point now) {
  const auto& told = open.told();
  if (!told)
    return;
  if (ring_.size() == 1)
    limiter_.learn(to_told(told->requests), to_told(told->tokens), now);
  else if (const auto time = empty_for(told))
    ring_.failed(open.place()->key.serial, errc::rate_limit, *time, now, now);
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
  const auto rest = ring_.failed(place.key.serial, error.type, error.retry_after, place.at, now);
  if (held && ring_.size() == 1 && error.retry_after)
    limiter_.hold(*error.retry_after, now);
  if (rest && !held)
    log().error("the provider '{}' refuses key {} ({}): it rests for {}", config().name.str(), number,
                to_string(error.type), seconds(*rest));
  const bool other = !open.has_delivered() && ring_.has_other(place.key.serial, now);
  if (other)
    error.retry_after.reset();
  outcome = std::move(error);
  return other;
}

void admission::tell(provider_health& health, time_point now) const {
  health.queued = static_cast<std::uint32_t>(queue_.size());
  health.concurrency_limit = limiter_.concurrency_limit();
  health.held_for = limiter_.held_for(now);
  if (const policy::key_wait keys = ring_.wait(now); keys.why == errc::rate_limit)
    health.held_for = std::max(health.held_for, keys.time);
  health.keys = ring_.health(now);
}

} // namespace weir::actors
