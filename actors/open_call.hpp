// One call between its admission and its answer: what was tried, what is out, what its sink has been shown.
// A state, not a behaviour: the supervisor decides, this remembers.
#pragma once

#include "actors/policy/breaker.hpp"
#include "actors/policy/failover.hpp"
#include "actors/promise_guard.hpp"
#include "actors/provider_roster.hpp"

#include <weir/messages.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::actors {

/// What the end of an attempt is reported by. The permit is used up exactly once, here.
struct ticket {
  call_id call;
  time_point deadline{}; ///< of the call
  attempt_id id;
  std::size_t candidate = 0; ///< of the call's list
  slot_ptr slot;
  provider_target* target = nullptr; ///< of the slot
  policy::permit permit;
};

/// A call that something was planned for. Its id may have been given to another call meanwhile.
struct call_ref {
  call_id id;
  std::uint64_t serial = 0;
};

/// Calls by when something is to be done about them.
using due_calls = std::multimap<time_point, call_ref>;

/// An attempt that is out.
struct active_attempt {
  attempt_id id;
  provider_actor handle; ///< the very actor that has it, also after a restart or removal
  time_point began{};
  std::size_t info = 0; ///< its place among the call's attempts
};

struct open_call {
  open_call(call work_, std::uint64_t serial_, caf::typed_response_promise<chat_reply> promise);

  call work;
  std::uint64_t serial; ///< tells it from an earlier call of the same id
  promise_guard<chat_reply> answer;
  policy::call_plan plan;
  rescue_policy rescue;
  std::vector<attempt_info> attempts;
  std::vector<active_attempt> active;           ///< one, or two while a slow one is hedged
  std::optional<failure> last;                  ///< what the last attempt failed of
  milliseconds wait{0};                         ///< back-off before the next attempt
  std::string shown;                            ///< `continue`: what the sink has of the attempts that broke
  due_calls::iterator deadline;                 ///< among the supervisor's
  std::optional<due_calls::iterator> hedge_due; ///< among the supervisor's, if it may be hedged
  money_sum gone;               ///< with a `max_cost`: what its attempts have cost, or may have
  std::optional<failure> broke; ///< `continue`: what the last of them failed of

  const route_candidate& candidate() const { return work.candidates[plan.candidate()]; }

  /// Whether the attempt's deltas go to the sink while they come.
  bool shows() const noexcept { return work.sink && rescue != rescue_policy::buffer; }

  /// Whether a candidate can go on from what the sink has: its model takes a last message of the assistant's.
  bool can_continue(const route_candidate& where) const;

  /// The white space at the end of what the sink has: it is not sent with the rest of it.
  std::string gap() const;
  /// The sink has got this content too, but for the white space that it had already.
  void take_up(std::string_view content);

  /// The request as it is sent to a candidate: under its model's name there, with what a broken stream has
  /// shown as the beginning of the reply.
  std::shared_ptr<const chat_request> request_for(const route_candidate& where);

  /// Takes a later candidate off the list.
  void drop_candidate(std::size_t which) {
    work.candidates.erase(work.candidates.begin() + static_cast<std::ptrdiff_t>(which));
    plan.shorten(work.candidates.size());
  }

  /// Takes every later candidate off the list that `keep` is false for.
  template <class Predicate>
  void keep_later(Predicate keep) {
    auto& all = work.candidates;
    const auto later = all.begin() + static_cast<std::ptrdiff_t>(plan.candidate()) + 1;
    all.erase(std::remove_if(later, all.end(), [&](const route_candidate& each) { return !keep(each); }),
              all.end());
    plan.shorten(all.size());
  }

private:
  std::shared_ptr<const chat_request> adapted_; ///< the last that differs from the caller's
  std::size_t adapted_shown_ = 0;               ///< bytes of `shown` that are in it
};

} // namespace weir::actors
