// What the world is going to do, by virtual time: answers on their way, disk writes, the history's script.
// Knows no actor; who runs the history asks for the next event and moves the clock there.
#pragma once

#include <weir/usage.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace weir::simulation {

class agenda {
public:
  using action = std::function<void()>;

  /// Events of one moment happen in the order in which they were noted.
  void at(time_point when, action what) {
    events_.push_back({when, ++last_, std::move(what)});
    std::ranges::push_heap(events_, later{});
  }

  /// When the next event is due; `max`: there is none.
  time_point next() const noexcept { return events_.empty() ? time_point::max() : events_.front().when; }

  /// Lets the next event happen if it is due.
  bool run_one(time_point now) {
    if (events_.empty() || events_.front().when > now)
      return false;
    std::ranges::pop_heap(events_, later{});
    const action what = std::move(events_.back().what);
    events_.pop_back();
    what();
    return true;
  }

  void clear() noexcept { events_.clear(); }

private:
  struct event {
    time_point when;
    std::uint64_t number;
    action what;
  };
  struct later {
    bool operator()(const event& left, const event& right) const noexcept {
      return std::pair(left.when, left.number) > std::pair(right.when, right.number);
    }
  };

  std::vector<event> events_;
  std::uint64_t last_ = 0;
};

} // namespace weir::simulation
