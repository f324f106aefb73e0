// The pool's transitions.
#include "transport/pool.hpp"

#include <algorithm>

namespace weir::transport {

bool connection_pool::stale(const idle_connection& idle, clock_time now) const {
  return now - idle.since >= limits_.keep_alive || now - born_.at(idle.key) >= limits_.max_age;
}

connection_pool::assignment connection_pool::open(clock_time now) {
  born_.emplace(++last_key_, now);
  return {action::open, last_key_};
}

connection_pool::assignment connection_pool::acquire(waiter_key who, clock_time now) {
  // From the freshest on; behind a stale one by idleness there are only staler ones, but age may differ.
  for (std::size_t at = idle_.size(); at-- > 0;) {
    if (stale(idle_[at], now))
      continue;
    const connection_key key = idle_[at].key;
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(at));
    return {action::use, key};
  }
  // Idle connections that are too old do not keep anybody waiting: they are about to be closed.
  if (born_.size() - idle_.size() < limits_.max_connections)
    return open(now);
  waiting_.push_back(who);
  return {action::wait, 0};
}

std::optional<connection_pool::turn> connection_pool::release(connection_key which, bool reusable,
                                                              clock_time now) {
  const auto known = born_.find(which);
  if (known == born_.end())
    return std::nullopt;
  const bool keep = reusable && now - known->second < limits_.max_age;
  if (!keep)
    born_.erase(known);
  if (waiting_.empty()) {
    if (keep)
      idle_.push_back({which, now});
    return std::nullopt;
  }
  const waiter_key next = waiting_.front();
  waiting_.pop_front();
  return turn{next, keep ? assignment{action::use, which} : open(now)};
}

bool connection_pool::forget(waiter_key who) {
  const auto found = std::ranges::find(waiting_, who);
  if (found == waiting_.end())
    return false;
  waiting_.erase(found);
  return true;
}

std::vector<connection_pool::connection_key> connection_pool::expire(clock_time now) {
  std::vector<connection_key> old;
  std::erase_if(idle_, [&](const idle_connection& idle) {
    if (!stale(idle, now))
      return false;
    old.push_back(idle.key);
    return true;
  });
  for (const connection_key key : old)
    born_.erase(key);
  return old;
}

} // namespace weir::transport
