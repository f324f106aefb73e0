// The pool's transitions.
#include "transport/pool.hpp"

#include <algorithm>

namespace weir::transport {

bool connection_pool::stale(const idle_connection& idle, clock_time now) const {
  return now >= idle.until || now - born_.at(idle.key) >= limits_.max_age;
}

connection_pool::assignment connection_pool::open(clock_time now) {
  born_.emplace(++last_key_, now);
  return {action::open, last_key_};
}

connection_pool::assignment connection_pool::acquire(waiter_key who, clock_time now) {
  // From the freshest on; one that is stale may have a fresher one behind it, since ages and limits differ.
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

connection_pool::verdict connection_pool::release(connection_key which,
                                                  std::optional<std::chrono::milliseconds> keep,
                                                  clock_time now) {
  const auto known = born_.find(which);
  if (known == born_.end())
    return {};
  verdict given;
  given.kept = keep && now - known->second < limits_.max_age;
  if (!given.kept)
    born_.erase(known);
  if (!waiting_.empty()) {
    given.next = turn{waiting_.front(), given.kept ? assignment{action::use, which} : open(now)};
    waiting_.pop_front();
  } else if (given.kept) {
    idle_.push_back({which, now + std::min(*keep, limits_.keep_alive)});
  }
  return given;
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
