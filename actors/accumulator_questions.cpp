// What the books answer, and how they are rid of what is old. Questions see everything booked before them.
#include "actors/log.hpp"
#include "actors/usage_accumulator.hpp"

#include <caf/send.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace weir::actors {

namespace {

caf::error ended_early() {
  return to_error(make_failure(errc::cancelled, "the books were closed before the question was answered"));
}

failure no_books(const char* what) {
  return make_failure(errc::storage, std::string("usage is not tracked: there is nothing to ") + what,
                      "enable_usage_tracking");
}

/// Shared, since handlers must be copyable.
template <class Answer>
auto guard(const caf::typed_response_promise<Answer>& promise) {
  return std::make_shared<promise_guard<Answer, caf::error>>(promise, ended_early);
}

usage_summary sum_of(const std::vector<usage_summary>& parts) {
  usage_summary whole;
  for (const usage_summary& each : parts)
    whole.add(each);
  return whole;
}

storage::cleanup_bounds bounds_of(const retention_config& limits, timestamp today) {
  const auto before = [today](milliseconds age) -> std::optional<timestamp> {
    return age.count() > 0 ? std::optional(today - age) : std::nullopt;
  };
  return {before(limits.rows), before(limits.rollups), limits.max_bytes};
}

bool deletes_something(const retention_config& limits) {
  return limits.rows.count() > 0 || limits.rollups.count() > 0 || limits.max_bytes > 0;
}

} // namespace

// --- sums ------------------------------------------------------------------------------------------------

caf::typed_response_promise<usage_report> accumulator_state::answer(usage_query& asked) {
  auto promise = self_->make_response_promise<usage_report>();
  if (asked.since_start || !health_.enabled) {
    promise.deliver(usage_report{totals_.all(asked.filter)});
    return promise;
  }
  ask_ledger(std::move(asked.filter), std::move(asked.group), [to = guard(promise)](sums found) {
    if (found)
      to->deliver(usage_report{std::move(*found)});
    else
      to->fail(to_error(found.error()));
  });
  return promise;
}

caf::typed_response_promise<usage_summary> accumulator_state::answer(model_usage& asked) {
  auto promise = self_->make_response_promise<usage_summary>();
  usage_filter filter;
  filter.model = asked.model;
  filter.since = asked.since;
  filter.until = asked.until;
  const auto tell = [to = guard(promise), model = asked.model](sums found) {
    if (!found)
      return to->fail(to_error(found.error()));
    usage_summary whole = sum_of(*found);
    whole.model = model;
    to->deliver(std::move(whole));
  };
  if (!health_.enabled)
    tell(totals_.all(filter));
  else
    ask_ledger(std::move(filter), {.provider = false, .model = false}, tell);
  return promise;
}

caf::typed_response_promise<cost_report> accumulator_state::answer(total_cost& asked) {
  auto promise = self_->make_response_promise<cost_report>();
  const auto tell = [to = guard(promise)](sums found) {
    if (!found)
      return to->fail(to_error(found.error()));
    const usage_summary whole = sum_of(*found);
    to->deliver(cost_report{whole.total_cost, whole.unknown_cost_limit, whole.unpriced_requests});
  };
  if (!health_.enabled)
    tell(totals_.all(asked.filter));
  else
    ask_ledger(std::move(asked.filter), {.provider = false, .model = false}, tell);
  return promise;
}

/// Once everything booked so far is durable, or cannot be.
void accumulator_state::ask_ledger(usage_filter filter, usage_grouping grouping, sums_handler tell) {
  const std::uint64_t number = ++last_question_;
  questions_.emplace(number, std::move(tell));
  wait([this, number, filter = std::move(filter), grouping = std::move(grouping)] {
    auto home = caf::actor_cast<accumulator_impl>(self_);
    world_->ledger->summary(filter, grouping, [home = std::move(home), number](sums outcome) {
      caf::anon_send(home, summary_end{number, std::move(outcome)});
    });
  });
}

void accumulator_state::answered(summary_end& done) {
  if (auto found = questions_.extract(done.number); !found.empty())
    found.mapped()(std::move(done.outcome));
}

// --- files -----------------------------------------------------------------------------------------------

caf::typed_response_promise<exported> accumulator_state::answer(export_usage& asked) {
  auto promise = self_->make_response_promise<exported>();
  if (!health_.enabled) {
    promise.deliver(to_error(no_books("export")));
    return promise;
  }
  const std::uint64_t number = ++last_question_;
  exports_.try_emplace(number, promise, ended_early);
  wait([this, number, asked] {
    auto home = caf::actor_cast<accumulator_impl>(self_);
    world_->ledger->export_to(asked, [home = std::move(home), number](result<exported> outcome) {
      caf::anon_send(home, export_end{number, std::move(outcome)});
    });
  });
  return promise;
}

void accumulator_state::exported_to_file(export_end& done) {
  auto found = exports_.extract(done.number);
  if (found.empty())
    return;
  if (done.outcome)
    found.mapped().deliver(*done.outcome);
  else
    found.mapped().fail(to_error(done.outcome.error()));
}

// --- what is old -----------------------------------------------------------------------------------------

caf::typed_response_promise<cleaned> accumulator_state::clean(cleanup_usage& order) {
  auto promise = self_->make_response_promise<cleaned>();
  const retention_config limits = order.retention.value_or(limits_.retention);
  if (!health_.enabled)
    promise.deliver(to_error(no_books("delete")));
  else if (!deletes_something(limits))
    promise.deliver(cleaned{});
  else if (upkeep_)
    promise.deliver(to_error(make_failure(errc::storage, "a clean-up is under way already", "cleanup")));
  else {
    start_cleanup(limits);
    upkeep_->waiting.emplace_back(promise, ended_early);
  }
  return promise;
}

void accumulator_state::clean_on_schedule() {
  if (!health_.enabled || !deletes_something(limits_.retention))
    return;
  if (now() >= next_upkeep_) {
    next_upkeep_ = now() + limits_.retention.every;
    if (!upkeep_)
      start_cleanup(limits_.retention);
  }
  ticker_.arm(self_, next_upkeep_);
}

void accumulator_state::start_cleanup(const retention_config& limits) {
  upkeep_.emplace().bounds = bounds_of(limits, world_->wall_clock());
  cleanup_end begin{storage::cleanup_report{0, 0, true}};
  cleaned_some(begin);
}

/// One step is one job of the ledger's writer: batches of live traffic go between the steps.
void accumulator_state::cleaned_some(cleanup_end& done) {
  if (done.outcome) {
    upkeep_->done.rows += done.outcome->rows;
    upkeep_->done.rollups += done.outcome->rollups;
    if (done.outcome->more) {
      auto home = caf::actor_cast<accumulator_impl>(self_);
      return world_->ledger->cleanup(upkeep_->bounds,
                                     [home = std::move(home)](result<storage::cleanup_report> outcome) {
                                       caf::anon_send(home, cleanup_end{std::move(outcome)});
                                     });
    }
    if (upkeep_->done.rows + upkeep_->done.rollups != 0)
      log().info("{} deleted {} rows and {} rollups that were older than retention allows", name,
                 upkeep_->done.rows, upkeep_->done.rollups);
  } else {
    log().error("{} could not delete what is old: {}", name, to_string(done.outcome.error()));
  }
  for (auto& each : upkeep_->waiting)
    if (done.outcome)
      each.deliver(upkeep_->done);
    else
      each.fail(to_error(done.outcome.error()));
  upkeep_.reset();
}

ledger_health accumulator_state::health() const {
  ledger_health now = health_;
  now.pending = pending();
  now.budgets = budgets_.state(world_->wall_clock());
  return now;
}

} // namespace weir::actors
