// The bucket's arithmetic. Amounts are bounded so that nothing overflows.
#include "actors/policy/rate_bucket.hpp"

#include <algorithm>

namespace weir::policy {

namespace {

std::int64_t bounded(std::uint64_t amount) {
  return static_cast<std::int64_t>(std::min(amount, rate_bucket::most));
}

} // namespace

void rate_bucket::configure(std::uint64_t per_minute, std::uint64_t burst, time_point now) {
  const bool fresh = !active();
  if (!fresh)
    refill(now);
  per_minute_ = bounded(per_minute);
  room_ = std::max<std::int64_t>(bounded(burst), 1) * unit;
  level_ = fresh ? room_ : std::min(level_, room_);
  at_ = now;
  if (fresh)
    since_ = now;
}

std::int64_t rate_bucket::level_at(time_point now) const {
  const std::int64_t elapsed = std::chrono::floor<milliseconds>(now - at_).count();
  if (elapsed <= 0 || per_minute_ == 0)
    return level_;
  const std::int64_t to_fill = (room_ - level_) / per_minute_ + 1;
  return elapsed >= to_fill ? room_ : level_ + elapsed * per_minute_;
}

/// The part of a millisecond that has not filled anything yet is not lost.
void rate_bucket::refill(time_point now) {
  level_ = level_at(now);
  if (now > at_)
    at_ += std::chrono::floor<milliseconds>(now - at_);
}

milliseconds rate_bucket::until_level(std::int64_t wanted, time_point now) const {
  const std::int64_t missing = wanted - level_at(now);
  if (per_minute_ == 0 || missing <= 0)
    return milliseconds{0};
  return milliseconds{(missing - 1) / per_minute_ + 1};
}

milliseconds rate_bucket::wait(std::uint64_t amount, time_point now) const {
  return until_level(std::min(bounded(amount) * unit, room_), now);
}

milliseconds rate_bucket::time_for(std::uint64_t amount, time_point now) const {
  return until_level(bounded(amount) * unit, now);
}

void rate_bucket::take(std::uint64_t amount, time_point now) {
  if (!active())
    return;
  refill(now);
  const std::int64_t deepest = -per_minute_ * unit * 10;
  level_ = std::max(level_ - bounded(amount) * unit, deepest);
}

void rate_bucket::give_back(std::uint64_t amount, time_point now) {
  if (!active())
    return;
  refill(now);
  level_ = std::min(level_ + bounded(amount) * unit, room_);
}

void rate_bucket::lower_to(std::uint64_t amount, time_point now) {
  if (!active())
    return;
  refill(now);
  level_ = std::min(level_, bounded(amount) * unit);
}

std::uint64_t rate_bucket::left(time_point now) const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(level_at(now), 0) / unit);
}

} // namespace weir::policy
