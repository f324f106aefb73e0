// The retry supervisor: admits calls and, for each, makes one attempt at a time until it may answer.
// Decides by policy/ and reports to breakers; knows no wire format and no socket.
#pragma once

#include "actors/policy/failover.hpp"
#include "actors/promise_guard.hpp"
#include "actors/provider_roster.hpp"
#include "actors/ticker.hpp"

#include <weir/actors.hpp>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace weir::actors {

using supervisor_impl = supervisor_actor::extend<caf::reacts_to<tick>>;

class supervisor_state {
public:
  explicit supervisor_state(supervisor_impl::pointer self) : self_(self) {}

  static constexpr const char* name = "weir.retry_supervisor";

  supervisor_impl::behavior_type begin(services_ptr world, accumulator_actor books, snapshot_ptr config);

private:
  using reply_promise = caf::typed_response_promise<chat_reply>;
  using health_promise = caf::typed_response_promise<health_report>;
  using drain_promise = caf::typed_response_promise<drained>;
  using drain_guard = promise_guard<drained>;

  /// The attempt that a call has out.
  struct active_attempt {
    attempt_id id;
    provider_actor handle; ///< the very actor that has it, also after a restart or removal
    time_point began{};
  };

  /// A call between its admission and its answer.
  struct open_call {
    open_call(call work_, reply_promise promise)
        : work(std::move(work_)), answer(promise, &unanswered), plan(work.candidates.size()) {}

    static chat_reply unanswered();

    call work;
    promise_guard<chat_reply> answer;
    policy::call_plan plan;
    std::vector<attempt_info> attempts;
    std::optional<active_attempt> active;
    std::optional<failure> last;
    milliseconds wait{0}; ///< back-off before the next attempt
  };
  using open_calls = std::unordered_map<call_id, open_call>;

  /// What the end of an attempt is reported by. The permit is used up exactly once, here.
  struct ticket {
    call_id call;
    attempt_id id;
    slot_ptr slot;
    policy::permit permit;
  };

  reply_promise perform(call& work);
  std::optional<failure> refusal() const;
  void cancel(const call_id& id);
  void proceed(open_call& open);
  void start_attempt(open_call& open, const slot_ptr& slot, policy::permit permit);
  void attempt_ended(const ticket& of, attempt_end& end);
  void attempt_bounced(const ticket& of, attempt lost, const caf::error& reason);
  void report(const ticket& of, const result<chat_reply>& outcome);
  void decide(open_call& open, const ticket& of, failure error);
  void succeed(open_call& open, chat_reply reply);
  void fail(open_call& open, failure error);
  void answer(open_call& open, chat_reply reply);
  void abandon(open_call& open, failure error);
  failure nobody_left(const open_call& open) const;

  void on_tick();
  health_promise check(const health_query& question);
  drain_promise start_drain(const drain& order);
  void continue_drain();
  void leave_when_alone();

  time_point now() const { return self_->clock().now(); }

  supervisor_impl::pointer self_;
  services_ptr world_;
  accumulator_actor books_;
  snapshot_ptr config_;
  std::optional<provider_roster> roster_;
  open_calls calls_;
  std::multimap<time_point, call_id> waiting_; ///< calls in back-off, by when they go on
  ticker ticker_;
  std::optional<failure> pressure_; ///< why the books cannot take more
  std::uint32_t attempts_out_ = 0;  ///< attempts that have not reported yet, those of answered calls included
  std::uint32_t cancelled_ = 0;     ///< calls that the drain had to end
  std::optional<time_point> drain_until_;
  std::vector<drain_guard> drain_answers_;
};

/// Spawn with `system.spawn(retry_supervisor, world, books, config)`.
supervisor_impl::behavior_type retry_supervisor(supervisor_impl::stateful_pointer<supervisor_state> self,
                                                services_ptr world, accumulator_actor books,
                                                snapshot_ptr config);

} // namespace weir::actors
