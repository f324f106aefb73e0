// Learning and holding, for one model.
#include "actors/policy/told_limits.hpp"

#include <algorithm>

namespace weir::policy {

void told_limits::learn(const told_limit& requests, const told_limit& tokens, time_point now) {
  learn_one(requests_, requests, now);
  learn_one(tokens_, tokens, now);
}

void told_limits::learn_one(rate_bucket& bucket, const told_limit& told, time_point now) {
  if (told.limit && *told.limit != 0 && *told.limit <= rate_bucket::most)
    bucket.configure(*told.limit, *told.limit, now);
  if (!told.remaining)
    return;
  bucket.lower_to(*told.remaining, now);
  if (*told.remaining == 0 && told.reset && told.reset->count() > 0)
    hold(std::min(*told.reset, longest_learned_hold), now);
}

void told_limits::hold(milliseconds time, time_point now) {
  held_until_ = std::max(held_until_, now + std::clamp(time, milliseconds{0}, longest_hold));
}

void told_limits::forget_rates() noexcept {
  requests_ = rate_bucket{};
  tokens_ = rate_bucket{};
}

milliseconds told_limits::held_for(time_point now) const {
  return held_until_ > now ? std::chrono::ceil<milliseconds>(held_until_ - now) : milliseconds{0};
}

wait_time told_limits::rate_wait(time_point now, std::uint64_t tokens) const {
  wait_time longest;
  keep_if_longer(longest, {held_for(now), wait_cause::hold});
  keep_if_longer(longest, {requests_.wait(1, now), wait_cause::requests, true});
  keep_if_longer(longest, {tokens_.wait(tokens, now), wait_cause::tokens, true});
  return longest;
}

wait_time told_limits::expected_wait(std::size_t ahead, std::uint64_t tokens, time_point now) const {
  wait_time longest = rate_wait(now, ahead == 0 ? tokens : 0);
  keep_if_longer(
      longest, {requests_.time_for(static_cast<std::uint64_t>(ahead) + 1, now), wait_cause::requests, true});
  // Alone it waits for the burst at the most, as `rate_wait` has it.
  if (ahead != 0)
    keep_if_longer(longest, {tokens_.time_for(tokens, now), wait_cause::tokens, true});
  return longest;
}

void told_limits::begin(time_point now, std::uint64_t tokens) {
  requests_.take(1, now);
  tokens_.take(tokens, now);
}

void told_limits::end(const ended_attempt& attempt, time_point now) {
  correct(requests_, tokens_, attempt, now);
}

} // namespace weir::policy
