// The retry supervisor: admits calls and, for each, makes one attempt at a time until it may answer (two,
// while a slow one is hedged). Decides by policy/ and reports to breakers; knows no wire format and no
// socket.
#pragma once

#include "actors/alerts.hpp"
#include "actors/open_call.hpp"
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
  using open_calls = std::unordered_map<call_id, open_call>;

  // --- a call and its attempts: retry_supervisor.cpp
  reply_promise perform(call& work);
  void cancel(const call_id& id);
  void order(open_call& open);
  void proceed(open_call& open);
  bool ask(open_call& open, std::size_t candidate, bool hedge);
  time_point lost_by(const open_call& open, const provider_slot& slot) const;
  bool ask_last_resort(open_call& open);
  bool await_revival(open_call& open);
  void start_attempt(open_call& open, ticket of, bool hedge);
  bool has_other(const open_call& open, std::size_t candidate) const;
  void hedge(open_call& open);
  void attempt_ended(const ticket& of, attempt_end& end);
  void attempt_bounced(const ticket& of, attempt lost, const caf::error& reason);
  bool is_to_blame(const ticket& of, const attempt_end& end) const;
  bool is_final(const open_call& open, const failure& error) const;
  void report(const ticket& of, const attempt_end& end);
  void note_change(const ticket& of, breaker_state before);

  // --- what comes after: supervisor_decisions.cpp
  void decide(open_call& open, const ticket& of, attempt_end& end);
  bool may_go_on(open_call& open, const attempt_end& end) const;
  void keep_larger(open_call& open) const;
  void give_up(open_call& open, attempt_end& end);
  void go_on(open_call& open, const policy::decision& next, bool shown);
  void wait(open_call& open, time_point due);
  void begin_anew(open_call& open, milliseconds wait);
  void succeed(open_call& open, chat_reply reply);
  void tell_sink(const open_call& open, std::vector<chat_delta> deltas);
  void fail(open_call& open, failure error, std::string partial = {});
  void answer(open_call& open, chat_reply reply);
  void abandon(open_call& open, const failure& error);
  void drop_active(open_call& open, const failure& error);
  failure nobody_left(const open_call& open) const;

  // --- modes, time, health and the end: supervisor_service.cpp
  run_mode mode() const;
  std::optional<failure> refusal(std::size_t calls) const;
  void change_mode(const set_mode& order);
  void adopt(const snapshot_ptr& next);
  void press(ledger_pressure& news);
  void announce_mode(run_mode before);
  void somebody_died(const caf::down_msg& death);
  void on_tick();
  health_promise check(const health_query& question);
  drain_promise start_drain(const drain& order);
  void continue_drain();
  void leave_when_alone();

  static call_ref ref(const open_call& open) { return {open.work.id, open.serial}; }
  open_call* find(const call_ref& which);

  time_point now() const { return self_->clock().now(); }

  supervisor_impl::pointer self_;
  services_ptr world_;
  accumulator_actor books_;
  snapshot_ptr config_;
  std::optional<provider_roster> roster_;
  alert_board alerts_;
  open_calls calls_;
  std::uint64_t last_serial_ = 0;
  due_calls deadlines_; ///< of all open calls
  due_calls waiting_;   ///< calls in back-off, by when they go on
  due_calls slow_;      ///< calls that are hedged if they are still open then
  ticker ticker_;
  run_mode ordered_ = run_mode::normal; ///< by message
  std::optional<failure> pressure_;     ///< why the books cannot take more
  std::uint32_t attempts_out_ = 0; ///< attempts that have not reported yet, those of answered calls included
  std::uint32_t cancelled_ = 0;    ///< calls that the drain had to end
  std::optional<time_point> drain_until_;
  std::vector<drain_guard> drain_answers_;
};

/// Spawn with `system.spawn(retry_supervisor, world, books, config)`.
supervisor_impl::behavior_type retry_supervisor(supervisor_impl::stateful_pointer<supervisor_state> self,
                                                services_ptr world, accumulator_actor books,
                                                snapshot_ptr config);

} // namespace weir::actors
