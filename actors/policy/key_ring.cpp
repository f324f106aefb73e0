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
  if (keys_.size() == 1)
    keys_.front().held.clear();
}

key_ring::key* key_ring::find(std::uint64_t serial) {
  const auto found = std::ranges::find(keys_, serial, &key::serial);
  return found == keys_.end() ? nullptr : &*found;
}

std::uint32_t key_ring::number_of(std::uint64_t serial) const {
  const auto found = std::ranges::find(keys_, serial, &key::serial);
  return found == keys_.end() ? 0 : static_cast<std::uint32_t>(found - keys_.begin()) + 1;
}

bool key_ring::is_refused(const key& which, time_point now) {
  return which.resting != errc::none && which.until > now;
}

/// When it can be used for the model; what is not later than now is over.
time_point key_ring::free_at(const key& which, const model_name& model, time_point now) {
  const time_point* const held = which.held.find(model);
  return std::max(is_refused(which, now) ? which.until : now, held == nullptr ? now : *held);
}

template <class Free>
std::optional<std::size_t> key_ring::next_in_turn(Free is_free) const {
  for (std::size_t n = 0; n != keys_.size(); ++n)
    if (const std::size_t at = (turn_ + n) % keys_.size(); is_free(keys_[at]))
      return at;
  return std::nullopt;
}

std::size_t key_ring::longest_resting() const {
  const auto oldest = std::ranges::min_element(keys_, {}, &key::since);
  return static_cast<std::size_t>(oldest - keys_.begin());
}

/// When the next trial may be made, where all keys were refused; nothing: they were not. A hold ends by
/// itself, and is waited for.
std::optional<time_point> key_ring::next_trial(time_point now) const {
  time_point last = last_trial_.value_or(time_point::min());
  for (const key& each : keys_) {
    if (!is_refused(each, now))
      return std::nullopt;
    last = std::max(last, each.since);
  }
  return last + trial_interval;
}

key_wait key_ring::wait_of_trials(time_point now) const {
  const auto trial = next_trial(now);
  if (!trial)
    return {};
  const auto first = std::ranges::min_element(keys_, {}, &key::until);
  const auto time = std::chrono::ceil<milliseconds>(std::min(first->until, *trial) - now);
  return {std::max(time, milliseconds{0}), first->resting, true};
}

key_wait key_ring::wait(const model_name& model, time_point now) const {
  if (const key_wait trial = wait_of_trials(now); trial.by_trials)
    return trial;
  const auto free = [&](const key& each) { return free_at(each, model, now); };
  const auto first = std::ranges::min_element(keys_, {}, free);
  const auto time = std::chrono::ceil<milliseconds>(free(*first) - now);
  if (time.count() <= 0)
    return {};
  return {time, is_refused(*first, now) ? first->resting : errc::rate_limit, false};
}

std::optional<picked_key> key_ring::pick(const model_name& model, time_point now) {
  const auto at = next_in_turn([&](const key& each) { return free_at(each, model, now) <= now; });
  if (!at) {
    const auto trial = next_trial(now);
    if (!trial || *trial > now)
      return std::nullopt;
    last_trial_ = now;
    const std::size_t longest = longest_resting();
    return picked_key{longest, keys_[longest].serial, keys_[longest].resting};
  }
  turn_ = (*at + 1) % keys_.size();
  key& taken = keys_[*at];
  return picked_key{*at, taken.serial, std::exchange(taken.resting, errc::none)};
}

std::size_t key_ring::peek(time_point now) const {
  return next_in_turn([&](const key& each) { return !is_refused(each, now); }).value_or(longest_resting());
}

bool key_ring::success(std::uint64_t serial, time_point began) {
  key* const which = find(serial);
  if (which == nullptr || began <= which->since)
    return false;
  const bool ends = which->resting != errc::none || which->quarantine.count() != 0;
  which->resting = errc::none;
  which->refusals = 0;
  which->quarantine = milliseconds{0};
  return ends;
}

/// A key that is refused altogether is held no more: when it is taken again, it begins anew.
void key_ring::refuse(key& which, errc why, milliseconds time, time_point now) {
  which.resting = why;
  which.since = now;
  which.until = now + time;
  which.held.clear();
}

std::optional<milliseconds> key_ring::hold(key& which, const model_name& model,
                                           std::optional<milliseconds> hint, time_point now) {
  if (keys_.size() == 1 || is_refused(which, now))
    return std::nullopt;
  const milliseconds time = std::clamp(hint.value_or(hold_without_hint), milliseconds{1}, longest_quarantine);
  which.held.erase_if([now](time_point until) { return until <= now; });
  time_point& until = which.held.of(model);
  if (until >= now + time)
    return std::nullopt;
  until = now + time;
  return time;
}

std::optional<milliseconds> key_ring::failed(std::uint64_t serial, const model_name& model, errc why,
                                             std::optional<milliseconds> hint, time_point began,
                                             time_point now) {
  key* const which = find(serial);
  if (which == nullptr)
    return std::nullopt;
  if (why == errc::rate_limit)
    return hold(*which, model, hint, now);
  // Several were under way when the first was refused: they are one refusal.
  if (!is_refusal(why) || began <= which->since)
    return std::nullopt;
  if (why == errc::quota_exceeded) {
    refuse(*which, why, quota_rest, now);
    return quota_rest;
  }
  ++which->refusals;
  if (keys_.size() == 1 && which->refusals < refusals_of_only_key)
    return std::nullopt;
  which->quarantine = std::clamp(which->quarantine * 2, first_quarantine, longest_quarantine);
  refuse(*which, why, which->quarantine, now);
  return which->quarantine;
}

bool key_ring::has_other(std::uint64_t serial, const model_name& model, time_point now) const {
  return std::ranges::any_of(
      keys_, [&](const key& each) { return each.serial != serial && free_at(each, model, now) <= now; });
}

std::vector<key_health> key_ring::health(time_point now) const {
  std::vector<key_health> all;
  for (const key& each : keys_) {
    key_health& next = all.emplace_back();
    next.number = static_cast<std::uint32_t>(all.size());
    time_point until = now;
    if (is_refused(each, now)) {
      next.resting = each.resting;
      until = each.until;
    } else {
      each.held.for_each([&until](time_point hold) { until = std::max(until, hold); });
      next.resting = until > now ? errc::rate_limit : errc::none;
    }
    next.until = std::chrono::ceil<milliseconds>(until - now);
  }
  return all;
}

milliseconds key_ring::held_for(time_point now) const {
  milliseconds longest{0};
  for (const key& each : keys_)
    for (const auto& [model, until] : each.held.own())
      if (const key_wait none = wait(model, now); none.why == errc::rate_limit)
        longest = std::max(longest, none.time);
  return longest;
}

} // namespace weir::policy
