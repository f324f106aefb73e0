// The door of one provider: which attempts may go out, with which key, and which wait or are refused, and
// why. Knows attempts, limits and keys; sends nothing, and knows no socket and no wire format.
#pragma once

#include "actors/open_attempt.hpp"
#include "actors/policy/by_model.hpp"
#include "actors/policy/fair_queue.hpp"
#include "actors/policy/key_ring.hpp"
#include "actors/policy/limiter.hpp"
#include "actors/policy/told_limits.hpp"

#include <weir/error.hpp>
#include <weir/health.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::actors {

using attempt_ptr = std::unique_ptr<open_attempt>;

/// Call `refuse`, then `begin`, and if that says false `wait`; `next` gives those that waited. What has begun
/// is told to `ended` once.
///
/// Places and the limits of ours are the provider's; what it tells of its own, and a 429, is of one model
/// (with several keys: of one key for it). Who waits for his model keeps no other model waiting: the next is
/// the first in turn of those whose model may go, and he alone waits for places and limits of ours, so that
/// nobody who needs much of them is passed by those who need little.
class admission {
public:
  admission(setup_ptr setup, time_point now);

  /// Adopts another setup: limits are set anew, keys that stay keep their state.
  void adopt(setup_ptr setup, time_point now);

  /// Why the attempt cannot even wait: nothing if it can. Estimates its tokens where they matter.
  std::optional<failure> refuse(open_attempt& open, time_point now);
  /// Admits it if it may go out now and nobody waits before it.
  bool begin(open_attempt& open, time_point now);
  /// Lets it wait for its turn. In a full queue it takes the place of one of those who have most in it: that
  /// one is given back with why it is refused.
  struct displaced {
    attempt_ptr open; ///< null: nobody
    failure why;
  };
  displaced wait(attempt_ptr open, time_point now);
  /// The next that waited and is admitted now; null: none.
  attempt_ptr next(time_point now);

  /// Heeds the limits that the head of an admitted attempt's response tells of. `today`: the wall clock.
  void learn(open_attempt& open, const http_fields& fields, std::chrono::sys_seconds today, time_point now);
  /// An attempt is over: gives its place back, and reports its key. Nothing happens if it was not admitted.
  /// True: it failed because of its key, and another can be used at once; the failure's `retry_after`, which
  /// is that of the key, is gone then.
  bool ended(const open_attempt& open, result<chat_reply>& outcome, time_point now);

  /// Takes out those that have waited too long, each with why.
  struct expired {
    attempt_ptr open;
    failure why;
  };
  std::vector<expired> expire(time_point now);
  /// Takes out those of which `which` says true.
  template <class Which>
  std::vector<attempt_ptr> withdraw(Which which) {
    std::vector<attempt_ptr> out;
    queue_.erase_if([&](attempt_ptr& open) {
      if (!which(*open))
        return false;
      forget_tokens(*open);
      out.push_back(std::move(open));
      return true;
    });
    return out;
  }
  /// When to look again at those that wait; `max` while nobody does. An end is a reason too.
  time_point look_at(time_point now) const;

  /// The key for a question that is no attempt.
  std::size_t key_for_probe(time_point now) const { return ring_.peek(now); }
  /// Sets what it knows: `queued`, `concurrency_limit`, `held_for`, `keys`.
  void tell(provider_health& health, time_point now) const;

private:
  const provider_config& config() const noexcept { return setup_->config; }
  const std::string& lane_of(const open_attempt& open) const;
  time_point waits_until(const open_attempt& open) const;
  time_point expires_at(const open_attempt& open) const;
  milliseconds longest_queue_wait(const open_attempt& open) const;
  static const model_name& model_of(const open_attempt& open) { return open.work().request->model; }
  milliseconds model_wait(const open_attempt& open, time_point now) const;
  bool model_may(const open_attempt& open, time_point now) const {
    return model_wait(open, now).count() == 0;
  }
  bool is_next(const open_attempt& open, time_point now) const;
  bool counts_tokens(const open_attempt& open) const;
  std::uint64_t estimate(const open_attempt& open) const;
  void await_tokens(open_attempt& open, std::uint64_t tokens);
  void forget_tokens(const open_attempt& open);
  std::optional<failure> refusal(const open_attempt& open, time_point now) const;
  policy::wait_time expected_wait(const open_attempt& open, time_point now) const;
  milliseconds wait_of_last(const open_attempt& open, time_point now) const;
  bool finds_room(const open_attempt& open) const;
  failure too_long(const policy::wait_time& wait, const open_attempt& open) const;
  failure queue_full(const open_attempt& open, time_point now) const;
  bool take_place(open_attempt& open, time_point now);
  void heed(const open_attempt& open, time_point now);
  bool report_key(const open_attempt& open, result<chat_reply>& outcome, time_point now);

  setup_ptr setup_;
  policy::limiter limiter_;
  policy::by_model<policy::told_limits> told_; ///< only of models of which something was told
  policy::key_ring ring_;
  policy::fair_queue<attempt_ptr, model_name> queue_;
  std::uint64_t tokens_waiting_ = 0;
  std::map<model_name, std::uint64_t> tokens_by_model_; ///< of those that wait; none is 0
  time_point expires_ = time_point::max();              ///< none that waits must be refused before
};

} // namespace weir::actors
