// Who is refused, at once or after he has waited: each refusal says why, and when to come back.
// Knows nothing of how places are given out.
#include "actors/admission.hpp"

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

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

} // namespace

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

std::optional<failure> admission::refuse(open_attempt& open, time_point now) {
  auto refused = refusal(open, now);
  if (refused || !counts_tokens(open))
    return refused;
  open.expect(estimate(open)); // costly, and so only for those that could pass without
  return refusal(open, now);
}

std::optional<failure> admission::refusal(const open_attempt& open, time_point now) const {
  if (limiter_.has_place() && limiter_.rate_wait(now, open.tokens()).time.count() == 0 &&
      model_may(open, now) && is_next(open, now))
    return std::nullopt;
  if (open.work().deadline <= now)
    return too_late();
  const policy::key_wait keys = ring_.wait(model_of(open), now);
  const auto patience = std::chrono::floor<milliseconds>(waits_until(open) - now);
  if (keys.time.count() > 0 && (keys.by_trials || keys.time > patience))
    return keys_rest(keys);
  const auto wait = expected_wait(open, now);
  if (wait.time > patience || patience.count() <= 0)
    return too_long(wait, open);
  if (queue_.size() >= config().max_queue && !finds_room(open))
    return queue_full(open, now);
  return std::nullopt;
}

/// Before it are those of its model, and those that wait only for a place: who waits for another model is
/// passed.
policy::wait_time admission::expected_wait(const open_attempt& open, time_point now) const {
  const model_name& model = model_of(open);
  const std::string& lane = lane_of(open);
  const auto is_mine = [&](const attempt_ptr& each) { return model_of(*each) == model; };
  const std::size_t ahead =
      queue_.ahead_of(lane, [&](const attempt_ptr& each) { return is_mine(each) || model_may(*each, now); });
  const std::uint64_t tokens_ahead = ahead == 0 ? 0 : tokens_waiting_ / queue_.size() * ahead;
  auto wait = limiter_.expected_wait(ahead, tokens_ahead + open.tokens(), now);
  const policy::told_limits* const told = told_.find(model);
  if (told == nullptr)
    return wait;
  const std::size_t before = queue_.ahead_of(lane, is_mine);
  const auto tokens = tokens_by_model_.find(model);
  const std::uint64_t tokens_before = before == 0 || tokens == tokens_by_model_.end()
                                          ? 0
                                          : tokens->second / queue_.waiting_for(model) * before;
  policy::keep_if_longer(wait, told->expected_wait(before, tokens_before + open.tokens(), now));
  return wait;
}

/// In a full queue, one who has less in it than another takes the place of one of his, and one for a model
/// the place of another of his own for a model of which he has more: the queue of one that is held is not
/// everybody's.
bool admission::finds_room(const open_attempt& open) const {
  const std::string& lane = lane_of(open);
  return queue_.waiting(lane) + 1 < queue_.longest() ||
         queue_.waiting(lane, model_of(open)) + 1 < queue_.longest_of(lane);
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

/// How long it would wait behind all.
milliseconds admission::wait_of_last(const open_attempt& open, time_point now) const {
  const policy::told_limits* const told = told_.find(model_of(open));
  const milliseconds held = told == nullptr ? milliseconds{0} : told->rate_wait(now, open.tokens()).time;
  return std::max(held, limiter_.expected_wait(queue_.size(), tokens_waiting_, now).time);
}

failure admission::queue_full(const open_attempt& open, time_point now) const {
  return overloaded("the provider's queue is full: " + attempts_wait(queue_.size()), "max_queue",
                    wait_of_last(open, now));
}

std::vector<admission::expired> admission::expire(time_point now) {
  const policy::key_wait keys = ring_.wait_of_trials(now);
  const bool shut = keys.time.count() > 0;
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
                        std::max(come_back, model_wait(open, now)));
    return std::nullopt;
  };
  expires_ = time_point::max();
  queue_.erase_if([&](attempt_ptr& open) {
    auto reason = why(*open);
    if (!reason) {
      expires_ = std::min(expires_, expires_at(*open));
      return false;
    }
    forget_tokens(*open);
    out.push_back({std::move(open), std::move(*reason)});
    return true;
  });
  return out;
}

} // namespace weir::actors
