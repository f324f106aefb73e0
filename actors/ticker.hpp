// Wakes an actor for its timers by a message to itself.
// CAF's delayed messages cannot be cancelled and keep their target alive, so none is ever far in the future.
#pragma once

#include <weir/usage.hpp>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <chrono>

namespace weir::actors {

/// "Look at your timers." Private to whoever sends it to himself.
struct tick {};

/// Keeps at most one useful tick under way for its actor.
class ticker {
public:
  /// No tick is sent further ahead than this; who waits longer is woken in between. It bounds how long a
  /// delayed message can hold up the end of an actor system.
  static constexpr std::chrono::milliseconds longest{100};

  /// Makes sure that the actor is woken at `due`, or earlier.
  template <class Self>
  void arm(Self* self, time_point due) {
    const time_point now = self->clock().now();
    const time_point at = std::clamp(due, now, now + longest);
    if (at >= armed_)
      return;
    armed_ = at;
    self->delayed_send(self, at - now, tick{});
  }

  /// To be called first thing when a tick arrives.
  void arrived(time_point now) {
    if (now >= armed_)
      armed_ = time_point::max();
  }

private:
  time_point armed_ = time_point::max();
};

} // namespace weir::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::tick)
