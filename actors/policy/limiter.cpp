// Admission, correction and adaption of one provider's limits.
#include "actors/policy/limiter.hpp"

#include <algorithm>

namespace weir::policy {

namespace {

using std::chrono::microseconds;

constexpr std::uint64_t bursts_per_minute = 6;

void set(rate_bucket& bucket, std::uint64_t per_minute, time_point now) {
  bucket.configure(per_minute, per_minute / bursts_per_minute, now);
}

void keep_longer(wait_time& longest, const wait_time& other) {
  if (other.time > longest.time || (longest.cause == wait_cause::none && other.cause != wait_cause::none))
    longest = other;
}

} // namespace

void keep_if_longer(wait_time& longest, const wait_time& other) {
  if (other.time > longest.time)
    longest = other;
}

void correct(rate_bucket& requests, rate_bucket& tokens, const ended_attempt& attempt, time_point now) {
  if (!attempt.sent && attempt.began >= requests.since())
    requests.give_back(1, now);
  if (!attempt.used || attempt.began < tokens.since())
    return;
  if (*attempt.used > attempt.reserved)
    tokens.take(*attempt.used - attempt.reserved, now);
  else
    tokens.give_back(attempt.reserved - *attempt.used, now);
}

limiter_config limits_of(const provider_config& provider) {
  return {provider.max_concurrency, provider.requests_per_minute, provider.tokens_per_minute,
          provider.adaptive_concurrency};
}

limiter::limiter(const limiter_config& config, time_point now)
    : config_(config), concurrency_limit_(std::max(config.max_concurrency, 1U)) {
  configure(config, now);
}

void limiter::configure(const limiter_config& config, time_point now) {
  const std::uint32_t most = std::max(config.max_concurrency, 1U);
  const bool untouched = concurrency_limit_ == std::max(config_.max_concurrency, 1U);
  concurrency_limit_ = untouched || !config.adaptive_concurrency ? most : std::min(concurrency_limit_, most);
  set(requests_, config.requests_per_minute, now);
  set(tokens_, config.tokens_per_minute, now);
  config_ = config;
}

wait_time limiter::rate_wait(time_point now, std::uint64_t tokens) const {
  wait_time longest;
  keep_if_longer(longest, {requests_.wait(1, now), wait_cause::requests});
  keep_if_longer(longest, {tokens_.wait(tokens, now), wait_cause::tokens});
  return longest;
}

wait_time limiter::expected_wait(std::size_t ahead, std::uint64_t tokens, time_point now) const {
  const auto before = static_cast<std::uint64_t>(ahead);
  // Alone it waits for the burst at the most, as `rate_wait` has it.
  wait_time longest = rate_wait(now, ahead == 0 ? tokens : 0);
  keep_if_longer(longest, {requests_.time_for(before + 1, now), wait_cause::requests});
  if (ahead != 0)
    keep_if_longer(longest, {tokens_.time_for(tokens, now), wait_cause::tokens});
  if (in_use_ + before < concurrency_limit_)
    return longest;
  // So many must end before there is a place; with the limit in use, one does each `service_time / limit`.
  const std::uint64_t ends = std::min(in_use_ + before - concurrency_limit_ + 1, rate_bucket::most / 1000);
  const auto micros = static_cast<std::int64_t>(ends) * (service_time_.count() / concurrency_limit_ + 1);
  const milliseconds time =
      service_time_.count() == 0 ? milliseconds{0} : std::chrono::ceil<milliseconds>(microseconds{micros});
  keep_longer(longest, {time, wait_cause::concurrency});
  return longest;
}

void limiter::begin(time_point now, std::uint64_t tokens) {
  ++in_use_;
  requests_.take(1, now);
  tokens_.take(tokens, now);
}

void limiter::end(const ended_attempt& attempt, time_point now) {
  adapt(attempt, now);
  measure(attempt, now);
  if (in_use_ != 0)
    --in_use_;
  correct(requests_, tokens_, attempt, now);
}

/// What failed fast says nothing of how long an answer takes; what failed late does.
void limiter::measure(const ended_attempt& attempt, time_point now) {
  const auto took = std::clamp(std::chrono::duration_cast<microseconds>(now - attempt.began), microseconds{1},
                               microseconds{longest_service});
  if (!attempt.sent || (attempt.sign != load_sign::success && took <= service_time_))
    return;
  if (service_time_.count() == 0) {
    if (attempt.sign == load_sign::success)
      service_time_ = took;
    return;
  }
  service_time_ += (took - service_time_) / 8;
}

void limiter::adapt(const ended_attempt& attempt, time_point now) {
  if (!config_.adaptive_concurrency)
    return;
  if (attempt.sign == load_sign::overload) {
    successes_ = 0;
    if (now < next_decrease_)
      return;
    concurrency_limit_ = std::max(concurrency_limit_ - (concurrency_limit_ + 9) / 10, 1U);
    next_decrease_ =
        now + (service_time_.count() != 0 ? service_time_
                                          : std::chrono::duration_cast<microseconds>(now - attempt.began));
  } else if (attempt.sign == load_sign::success && in_use_ * 2ULL >= concurrency_limit_) {
    if (++successes_ < concurrency_limit_)
      return;
    successes_ = 0;
    concurrency_limit_ = std::min(concurrency_limit_ + 1, std::max(config_.max_concurrency, 1U));
  }
}

} // namespace weir::policy
