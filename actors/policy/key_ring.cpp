// Turns, rests and trials of keys.
#include "actors/policy/key_ring.hpp"

#include <algorithm>

namespace weir::policy {

namespace {

bool is_refusal(errc why) {
  return why == errc::auth || why == errc::quota_exceeded;
}

} // namespace

key_ring::key_ring(std::size_t keys) {
  configure(std::vector<std::optional<std::size_t>>(std::max<std::size_t>(keys, 1)));
}

void key_ring::configure(const std::vector<std::optional<std::size_t>>& from) {
  std::vector<key> next(std::max<std::size_t>(from.size(), 1));
  for (std::size_t n = 0; n != next.size(); ++n) {
    if (n < from.size() && from[n] && *from[n] < keys_.size())
      next[n] = keys_[*from[n]];
    else
      next[n].serial = ++last_serial_;
  }
  keys_ = std::move(next);
  turn_ = 0;
  // An only key does not rest for a hold.
  if (keys_.size() == 1 && keys_.front().resting == errc::rate_limit)
    keys_.front().resting = errc::none;
}

key_ring::key* key_ring::find(std::uint64_t serial) {
  const auto found = std::ranges::find(keys_, serial, &key::serial);
  return found == keys_.end() ? nullptr : &*found;
}

std::uint32_t key_ring::number_of(std::uint64_t serial) const {
  const auto found = std::ranges::find(keys_, serial, &key::serial);
  return found == keys_.end() ? 0 : static_cast<std::uint32_t>(found - keys_.begin()) + 1;
}

std::optional<std::size_t> key_ring::ready(time_point now) const {
  for (std::size_t n = 0; n != keys_.size(); ++n) {
    const std::size_t at = (turn_ + n) % keys_.size();
    if (keys_[at].resting == errc::none || keys_[at].until <= now)
      return at;
  }
  return std::nullopt;
}

std::optional<std::size_t> key_ring::longest_resting() const {
  const auto oldest = std::ranges::min_element(keys_, {}, &key::since);
  return static_cast<std::size_t>(oldest - keys_.begin());
}

/// When the next trial may be made, where all keys rest; nothing: a hold ends by itself, and is waited for.
std::optional<time_point> key_ring::next_trial(time_point now) const {
  time_point last = last_trial_.value_or(time_point::min());
  for (const key& each : keys_) {
    if (!is_refusal(each.resting) || each.until <= now)
      return std::nullopt;
    last = std::max(last, each.since);
  }
  return last + trial_interval;
}

key_wait key_ring::wait(time_point now) const {
  if (ready(now))
    return {};
  const auto first = std::ranges::min_element(keys_, {}, &key::until);
  time_point at = first->until;
  const auto trial = next_trial(now);
  if (trial)
    at = std::min(at, *trial);
  const auto time = std::max(std::chrono::ceil<milliseconds>(at - now), milliseconds{0});
  return {time, first->resting, trial.has_value()};
}

std::optional<picked_key> key_ring::pick(time_point now) {
  auto at = ready(now);
  if (!at) {
    const auto trial = next_trial(now);
    if (!trial || *trial > now)
      return std::nullopt;
    last_trial_ = now;
    at = longest_resting();
    return picked_key{*at, keys_[*at].serial, keys_[*at].resting};
  }
  turn_ = (*at + 1) % keys_.size();
  key& taken = keys_[*at];
  return picked_key{*at, taken.serial, std::exchange(taken.resting, errc::none)};
}

std::size_t key_ring::peek(time_point now) const {
  return ready(now).value_or(*longest_resting());
}

bool key_ring::success(std::uint64_t serial, time_point began) {
  key* const which = find(serial);
  if (which == nullptr || began <= which->since)
    return false;
  const bool ends = is_refusal(which->resting) || which->quarantine.count() != 0;
  if (which->resting != errc::rate_limit)
    which->resting = errc::none;
  which->refusals = 0;
  which->quarantine = milliseconds{0};
  return ends;
}

void key_ring::rest(key& which, errc why, milliseconds time, time_point now) {
  which.resting = why;
  which.since = now;
  which.until = now + time;
}

std::optional<milliseconds> key_ring::failed(std::uint64_t serial, errc why, std::optional<milliseconds> hint,
                                             time_point began, time_point now) {
  key* const which = find(serial);
  if (which == nullptr)
    return std::nullopt;
  const bool resting = which->resting != errc::none && which->until > now;
  if (why == errc::rate_limit) {
    if (keys_.size() == 1 || (resting && is_refusal(which->resting)))
      return std::nullopt;
    const milliseconds time =
        std::clamp(hint.value_or(hold_without_hint), milliseconds{1}, longest_quarantine);
    if (resting && which->until >= now + time)
      return std::nullopt;
    rest(*which, why, time, now);
    return time;
  }
  // Several were under way when the first was refused: they are one refusal.
  if (!is_refusal(why) || began <= which->since)
    return std::nullopt;
  if (why == errc::quota_exceeded) {
    rest(*which, why, quota_rest, now);
    return quota_rest;
  }
  ++which->refusals;
  if (keys_.size() == 1 && which->refusals < refusals_of_only_key)
    return std::nullopt;
  which->quarantine = std::clamp(which->quarantine * 2, first_quarantine, longest_quarantine);
  rest(*which, why, which->quarantine, now);
  return which->quarantine;
}

bool key_ring::has_other(std::uint64_t serial, time_point now) const {
  return std::ranges::any_of(keys_, [&](const key& each) {
    return each.serial != serial && (each.resting == errc::none || each.until <= now);
  });
}

std::vector<key_health> key_ring::health(time_point now) const {
  std::vector<key_health> all;
  for (const key& each : keys_) {
    key_health& next = all.emplace_back();
    next.number = static_cast<std::uint32_t>(all.size());
    if (each.resting == errc::none || each.until <= now)
      continue;
    next.resting = each.resting;
    next.until = std::chrono::ceil<milliseconds>(each.until - now);
  }
  return all;
}

} // namespace weir::policy
