// The usage accumulator: the books. Keeps totals in memory, gathers records into batches, has them committed,
// and answers questions with everything that was booked before them. Knows the ledger by its service only;
// never blocks on a disk.
#pragma once

#include "actors/promise_guard.hpp"
#include "actors/services.hpp"
#include "actors/ticker.hpp"

#include <weir/actors.hpp>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
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

} // namespace weir::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::append_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::summary_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::supervisor_actor)

namespace weir::actors {

/// Tells the accumulator whom to warn when the books cannot follow; the two know each other, so one comes
/// later.
using accumulator_impl =
    accumulator_actor::extend<caf::reacts_to<supervisor_actor>, caf::reacts_to<append_end>,
                              caf::reacts_to<summary_end>, caf::reacts_to<tick>>;

class accumulator_state {
public:
  explicit accumulator_state(accumulator_impl::pointer self) : self_(self) {}

  static constexpr const char* name = "weir.usage_accumulator";

  accumulator_impl::behavior_type begin(services_ptr world, const snapshot_ptr& config);

private:
  using report_promise = caf::typed_response_promise<usage_report>;
  using flush_promise = caf::typed_response_promise<flushed>;

  /// Somebody who waits until everything booked before him is durable, or known not to be.
  struct waiter {
    std::uint64_t booked = 0; ///< records booked when he came
    std::uint64_t tries = 0;  ///< appends begun when he came: one that fails later has been tried for him
    bool is_flush = false;
    std::uint64_t number = 0; ///< of a question
    flush_promise flush;
  };

  void book(usage_record& record);
  void commit();
  void committed(append_end& done);
  void failed(failure error);
  void take_apart(const failure& error);
  report_promise answer(usage_query& question);
  void ask_ledger(std::uint64_t number);
  void answered(summary_end& done);
  flush_promise make_durable();
  void wait(waiter who);
  void settle_waiters(bool failed);
  std::optional<failure> complaint() const;
  void press();
  ledger_health health() const;
  usage_report totals(const usage_filter& filter) const;

  std::uint64_t pending() const { return gathering_.size() + (in_commit_ ? in_commit_->size() : 0); }
  time_point now() const { return self_->clock().now(); }

  struct question {
    usage_filter filter;
    promise_guard<usage_report, caf::error> answer;
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
  std::vector<waiter> waiters_;         ///< in order of arrival
  std::unordered_map<std::uint64_t, question> questions_;
  std::uint64_t last_question_ = 0;
  std::map<std::pair<provider_name, model_name>, usage_summary> totals_;
  ledger_health health_;
  errc pressing_for_ = errc::none; ///< why the supervisor was told to refuse
};

/// Spawn with `system.spawn(usage_accumulator, world, config)`.
accumulator_impl::behavior_type usage_accumulator(accumulator_impl::stateful_pointer<accumulator_state> self,
                                                  services_ptr world, const snapshot_ptr& config);

} // namespace weir::actors
