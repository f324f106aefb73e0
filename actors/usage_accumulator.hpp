// The usage accumulator: the books. Keeps totals in memory, gathers records into batches, has them committed,
// answers who waits for that, and questions with everything that was booked before them. Knows the ledger by
// its service only; never blocks on a disk.
#pragma once

#include "actors/held_answers.hpp"
#include "actors/policy/budget.hpp"
#include "actors/promise_guard.hpp"
#include "actors/running_totals.hpp"
#include "actors/services.hpp"
#include "actors/ticker.hpp"

#include <weir/actors.hpp>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

namespace weir::actors {

/// A batch was committed, or not.
struct append_end {
  result<storage::append_report> outcome;
};

/// The ledger's answer to a question.
struct summary_end {
  std::uint64_t number = 0;
  result<std::vector<usage_summary>> outcome;
};

/// The ledger has written an export, or not.
struct export_end {
  std::uint64_t number = 0;
  result<exported> outcome;
};

/// The ledger has made a step of a clean-up, or not.
struct cleanup_end {
  result<storage::cleanup_report> outcome;
};

} // namespace weir::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::append_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::cleanup_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::export_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::summary_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::supervisor_actor)

namespace weir::actors {

/// Tells the accumulator whom to warn when the books cannot follow; the two know each other, so one comes
/// later.
using accumulator_impl =
    accumulator_actor::extend<caf::reacts_to<supervisor_actor>, caf::reacts_to<append_end>,
                              caf::reacts_to<summary_end>, caf::reacts_to<export_end>,
                              caf::reacts_to<cleanup_end>, caf::reacts_to<tick>>;

class accumulator_state {
public:
  explicit accumulator_state(accumulator_impl::pointer self) : self_(self) {}

  static constexpr const char* name = "weir.usage_accumulator";

  accumulator_impl::behavior_type begin(services_ptr world, const snapshot_ptr& config);

private:
  using booked_promise = caf::typed_response_promise<booked>;
  using end_promise = caf::typed_response_promise<attempt_end>;
  using flush_promise = caf::typed_response_promise<flushed>;

  /// Somebody who waits until everything booked before him is durable, or known not to be.
  struct waiter {
    std::uint64_t booked = 0;     ///< records booked when he came
    std::uint64_t tries = 0;      ///< appends begun when he came: one that fails later has been tried for him
    std::function<void()> served; ///< what is done then
  };

  // --- booking: usage_accumulator.cpp
  booked_promise take(usage_record& record);
  end_promise settle(settlement& done);
  void enter(usage_record record);
  void commit();
  void committed(append_end& done);
  void failed(failure error);
  void take_apart(const failure& error);
  flush_promise make_durable();
  void wait(std::function<void()> served);
  void settle_waiters(bool failed);
  bool waits_for_disk() const;
  std::optional<failure> complaint() const;
  void press();

  // --- budgets: accumulator_budgets.cpp
  void plan(const std::vector<budget_config>& budgets);
  bool is_planning() const;
  void forget_early(const attempt_id& id);
  void ask_what_was_spent();
  void spent(const policy::budget_question& asked, const result<std::vector<usage_summary>>& answer);
  void admit_early();
  void reserve(usage_record& intent, booked_promise promise);
  void warn(const std::vector<budget_health>& passed);

  // --- questions: accumulator_questions.cpp
  using sums = result<std::vector<usage_summary>>;
  using sums_handler = std::function<void(sums)>;
  caf::typed_response_promise<usage_report> answer(usage_query& asked);
  caf::typed_response_promise<usage_summary> answer(model_usage& asked);
  caf::typed_response_promise<cost_report> answer(total_cost& asked);
  caf::typed_response_promise<exported> answer(export_usage& asked);
  void ask_ledger(usage_filter filter, usage_grouping grouping, sums_handler tell);
  void answered(summary_end& done);
  void exported_to_file(export_end& done);
  ledger_health health() const;

  // --- what is old: accumulator_questions.cpp
  caf::typed_response_promise<cleaned> clean(cleanup_usage& order);
  void clean_on_schedule();
  void cleaned_some(cleanup_end& done);
  void start_cleanup(const retention_config& limits);

  void adopt(const snapshot& config);
  void meet(supervisor_actor supervisor);
  void on_tick();

  std::uint64_t pending() const { return gathering_.size() + (in_commit_ ? in_commit_->size() : 0); }
  time_point now() const { return self_->clock().now(); }

  /// An intent that came before it was known what its budgets have left.
  struct early_intent {
    usage_record record;
    promise_guard<booked, caf::error> answer;
  };

  /// A clean-up in steps, and who waits for its end.
  struct upkeep {
    storage::cleanup_bounds bounds;
    cleaned done;
    std::vector<promise_guard<cleaned, caf::error>> waiting;
  };

  accumulator_impl::pointer self_;
  services_ptr world_;
  ledger_config limits_;
  supervisor_actor supervisor_;
  ticker ticker_;
  std::vector<usage_record> gathering_; ///< the next batch
  record_batch in_commit_;              ///< the batch that the ledger has, or that waits to be tried again
  bool retrying_ = false;               ///< `in_commit_` failed; it is tried again at `due_`
  time_point due_{};                    ///< when the batch is committed, or tried again
  std::uint64_t tries_ = 0;             ///< appends begun
  held_answers held_;                   ///< who waits for his own record
  std::vector<waiter> waiters_;         ///< in order of arrival
  std::unordered_map<std::uint64_t, sums_handler> questions_;
  std::unordered_map<std::uint64_t, promise_guard<exported, caf::error>> exports_;
  std::uint64_t last_question_ = 0;
  policy::budgets budgets_;
  std::vector<budget_config> budget_configs_;              ///< as they were adopted
  std::optional<std::vector<budget_config>> next_budgets_; ///< to be adopted when nothing is pending
  std::size_t seeds_out_ = 0;                              ///< questions of budgets to the ledger
  std::optional<time_point> ask_again_;                    ///< one had no answer
  std::list<early_intent> early_;
  std::optional<upkeep> upkeep_; ///< while a clean-up is under way
  time_point next_upkeep_{};
  running_totals totals_;
  ledger_health health_;
  errc pressing_for_ = errc::none; ///< why the supervisor was told to refuse
};

/// Spawn with `system.spawn(usage_accumulator, world, config)`.
accumulator_impl::behavior_type usage_accumulator(accumulator_impl::stateful_pointer<accumulator_state> self,
                                                  services_ptr world, const snapshot_ptr& config);

} // namespace weir::actors
