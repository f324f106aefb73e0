// How the books keep to budgets: what was spent before is asked of the ledger, what comes is reserved.
// While the ledger is asked nothing is committed and no intent is let in, so that nothing counts twice.
#include "actors/log.hpp"
#include "actors/usage_accumulator.hpp"

#include <caf/send.hpp>

#include <utility>

namespace weir::actors {

namespace {

/// How long to wait before the ledger is asked again.
constexpr milliseconds ask_again_delay{1000};

} // namespace

/// Whether intents wait. A change of budgets waits for the disk; while that is sick the old ones hold.
bool accumulator_state::is_planning() const {
  return seeds_out_ != 0 || ((next_budgets_ || (ask_again_ && now() >= *ask_again_)) && !health_.error);
}

/// An attempt has ended that was not let in yet.
void accumulator_state::forget_early(const attempt_id& id) {
  std::erase_if(early_, [&](const early_intent& each) { return each.record.id == id; });
}

void accumulator_state::plan(const std::vector<budget_config>& budgets) {
  next_budgets_ = budgets;
  ask_what_was_spent();
}

/// Goes on with the change of budgets as far as it can go now.
void accumulator_state::ask_what_was_spent() {
  if (seeds_out_ != 0)
    return;
  if (ask_again_ && now() < *ask_again_ && !next_budgets_)
    return ticker_.arm(self_, *ask_again_);
  if (!next_budgets_ && !ask_again_)
    return;
  if (health_.enabled && pending() != 0) {
    commit();
    return; // and comes back when that is done
  }
  ask_again_.reset();
  if (next_budgets_) {
    if (const auto adopted = budgets_.adopt(*next_budgets_); !adopted)
      log().error("{} keeps its old budgets: {}", name, to_string(adopted.error()));
    budget_configs_ = *std::exchange(next_budgets_, std::nullopt);
  }
  const auto questions = budgets_.questions(world_->wall_clock());
  seeds_out_ = health_.enabled ? questions.size() : 0;
  for (const policy::budget_question& each : questions) {
    if (!health_.enabled) {
      warn(budgets_.seed(each, {}));
      continue;
    }
    const std::uint64_t number = ++last_question_;
    questions_.emplace(number, [this, each](const sums& answer) { spent(each, answer); });
    auto home = caf::actor_cast<accumulator_impl>(self_);
    world_->ledger->summary(each.filter, each.grouping, [home = std::move(home), number](sums outcome) {
      caf::anon_send(home, summary_end{number, std::move(outcome)});
    });
  }
  if (seeds_out_ == 0)
    admit_early();
}

void accumulator_state::spent(const policy::budget_question& asked, const sums& answer) {
  --seeds_out_;
  if (answer) {
    warn(budgets_.seed(asked, *answer));
  } else {
    log().error("{} does not know what was spent before: {}", name, to_string(answer.error()));
    budgets_.unanswered(asked);
    ask_again_ = now() + ask_again_delay;
    ticker_.arm(self_, *ask_again_);
  }
  if (seeds_out_ != 0)
    return;
  ask_what_was_spent(); // the configuration may have changed again
  if (!is_planning())
    admit_early();
  commit();
}

void accumulator_state::admit_early() {
  for (auto waiting = std::exchange(early_, {}); !waiting.empty(); waiting.pop_front())
    reserve(waiting.front().record, waiting.front().answer.take());
}

/// Lets an intent in, if its budgets and the disk allow it.
void accumulator_state::reserve(usage_record& intent, booked_promise promise) {
  if (health_.error && limits_.refuse_when_broken) {
    promise.deliver(to_error(*complaint()));
    return;
  }
  if (auto refused = budgets_.reserve(intent, intent.cost_limit.has_value())) {
    promise.deliver(to_error(*refused));
    return;
  }
  if (waits_for_disk())
    held_.hold(health_.booked + 1, promise, true);
  else
    promise.deliver(booked{});
  enter(std::move(intent));
}

void accumulator_state::warn(const std::vector<budget_health>& passed) {
  for (const budget_health& each : passed)
    if (supervisor_)
      self_->send(supervisor_,
                  alert{world_->wall_clock(), errc::budget_exceeded, {}, policy::soft_limit_text(each), 1});
}

} // namespace weir::actors
