// A response promise that is kept whatever happens.
// CAF never breaks a promise by itself: if its actor dies or drops it, the requester would hear nothing.
#pragma once

#include <caf/error.hpp>
#include <caf/typed_response_promise.hpp>

#include <utility>

namespace weir::actors {

/// Holds a promise and, if nobody delivers, delivers what `fallback` gives (a value, or a `caf::error`) when
/// it is destroyed. Must be destroyed on its actor's own thread: keep it in the actor's state.
template <class Value, class Fallback = Value>
class promise_guard {
public:
  promise_guard(caf::typed_response_promise<Value> promise, Fallback (*fallback)())
      : promise_(std::move(promise)), fallback_(fallback) {}
  promise_guard(promise_guard&& other) noexcept
      : promise_(std::exchange(other.promise_, {})), fallback_(other.fallback_) {}
  promise_guard& operator=(promise_guard&&) = delete;
  ~promise_guard() {
    if (promise_.pending())
      promise_.deliver(fallback_());
  }

  /// The promise itself: whoever takes it keeps it.
  caf::typed_response_promise<Value> take() { return std::exchange(promise_, {}); }
  void deliver(Value value) { promise_.deliver(std::move(value)); }
  void fail(caf::error error) { promise_.deliver(std::move(error)); }

private:
  caf::typed_response_promise<Value> promise_;
  Fallback (*fallback_)();
};

} // namespace weir::actors
