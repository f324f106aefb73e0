// The keep-alive pool of one endpoint as a state machine: who uses which connection, who waits, what is too
// old. Opens and closes nothing and reads no clock: each event is a call, each answer an action to carry out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

namespace weir::transport {

struct pool_limits {
  std::size_t max_connections = 256;
  std::chrono::milliseconds keep_alive{15'000};
  std::chrono::milliseconds max_age{300'000};
};

class connection_pool {
public:
  using clock_time = std::chrono::steady_clock::time_point;
  using connection_key = std::uint64_t; ///< names a connection; never 0, never reused
  using waiter_key = std::uint64_t;     ///< names who wants one

  enum class action : std::uint8_t {
    use,  ///< the idle connection `connection`: if it lives no more, `forget_connection` and come again
    open, ///< a new connection, to be known as `connection`
    wait, ///< every place is taken: the waiter is in the queue
  };
  struct assignment {
    action what = action::wait;
    connection_key connection = 0;
  };
  /// A waiter's turn.
  struct turn {
    waiter_key waiter = 0;
    assignment given;
  };

  explicit connection_pool(const pool_limits& limits) : limits_(limits) {}

  /// Somebody wants a connection. The one used last is the first to be used again: it is the least likely to
  /// have been closed by the server. Too old ones are left for `expire`.
  assignment acquire(waiter_key who, clock_time now);

  /// What became of a connection whose exchange has ended.
  struct verdict {
    bool kept = false;        ///< false: it is the pool's no more and is to be closed
    std::optional<turn> next; ///< whose turn it is now
  };

  /// An exchange has ended and its connection can serve again for `keep` (at most `keep_alive`), or cannot.
  verdict release(connection_key which, std::optional<std::chrono::milliseconds> keep, clock_time now);

  /// A waiter gave up. False: it was not waiting.
  bool forget(waiter_key who);

  /// A connection that was given to be used turned out to be dead.
  void forget_connection(connection_key which) { born_.erase(which); }

  /// Takes the idle connections out that are too old; they are to be closed.
  std::vector<connection_key> expire(clock_time now);

  std::size_t open_connections() const noexcept { return born_.size(); }
  std::size_t idle_connections() const noexcept { return idle_.size(); }
  std::size_t waiters() const noexcept { return waiting_.size(); }

private:
  struct idle_connection {
    connection_key key = 0;
    clock_time until{};
  };

  bool stale(const idle_connection& idle, clock_time now) const;
  assignment open(clock_time now);

  pool_limits limits_;
  connection_key last_key_ = 0;
  std::unordered_map<connection_key, clock_time> born_; ///< every open connection, and when it was opened
  std::vector<idle_connection> idle_;                   ///< the one used last stands last
  std::deque<waiter_key> waiting_;
};

} // namespace weir::transport
