// The behaviour of the books. One batch is out at a time; what comes meanwhile makes the next one, so batches
// grow with the load and every call in flight shares one flush of the disk.
#include "actors/usage_accumulator.hpp"

#include "actors/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <iterator>
#include <string>

namespace weir::actors {

namespace {

/// How long to wait before a batch that failed is tried again.
constexpr milliseconds retry_delay{1000};

caf::error ended_early() {
  return to_error(make_failure(errc::cancelled, "the books were closed before the record was in them"));
}

/// The ledger has judged one of the records, and will judge it so again.
bool refuses_for_good(const failure& error) {
  return !error.retryable && (error.place == "id_conflict" || error.place.starts_with("record."));
}

} // namespace

accumulator_impl::behavior_type usage_accumulator(accumulator_impl::stateful_pointer<accumulator_state> self,
                                                  services_ptr world, const snapshot_ptr& config) {
  return self->state.begin(std::move(world), config);
}

accumulator_impl::behavior_type accumulator_state::begin(services_ptr world, const snapshot_ptr& config) {
  world_ = std::move(world);
  health_.enabled = world_->ledger != nullptr;
  adopt(*config);
  return {
      [this](usage_record& record) { return take(record); },
      [this](settlement& done) { return settle(done); },
      [this](usage_query& asked) { return answer(asked); },
      [this](model_usage& asked) { return answer(asked); },
      [this](total_cost& asked) { return answer(asked); },
      [this](export_usage& asked) { return answer(asked); },
      [this](cleanup_usage& order) { return clean(order); },
      [this](health_query) { return health(); },
      [this](flush) { return make_durable(); },
      [this](const snapshot_ptr& next) { adopt(*next); },
      [this](supervisor_actor& supervisor) { meet(std::move(supervisor)); },
      [this](append_end& done) { committed(done); },
      [this](summary_end& done) { answered(done); },
      [this](export_end& done) { exported_to_file(done); },
      [this](cleanup_end& done) { cleaned_some(done); },
      [this](tick) { on_tick(); },
  };
}

void accumulator_state::adopt(const snapshot& config) {
  limits_ = config.ledger;
  if (limits_.durability == durability::strict && !retrying_)
    due_ = std::min(due_, now()); // answers wait for it now
  if (config.budgets != next_budgets_.value_or(budget_configs_))
    plan(config.budgets);
  const time_point in_time = now() + limits_.retention.every;
  next_upkeep_ = next_upkeep_ == time_point{} ? in_time : std::min(next_upkeep_, in_time);
  clean_on_schedule();
  commit();
}

/// Attempts of an earlier run that were open are something that an operator should know.
void accumulator_state::meet(supervisor_actor supervisor) {
  supervisor_ = std::move(supervisor);
  health_.recovered = health_.enabled ? world_->ledger->recovered() : 0;
  if (health_.recovered != 0)
    self_->send(supervisor_,
                alert{world_->wall_clock(),
                      errc::unknown,
                      {},
                      std::to_string(health_.recovered) +
                          " attempts of an earlier run were open when it ended; they are booked as unknown",
                      1});
}

void accumulator_state::on_tick() {
  ticker_.arrived(now());
  ask_what_was_spent();
  commit();
  clean_on_schedule();
}

// --- records come ----------------------------------------------------------------------------------------

/// Whether an answer waits until its record is on the disk. On a sick one nobody waits who may gather.
bool accumulator_state::waits_for_disk() const {
  return health_.enabled && limits_.durability == durability::strict &&
         (!health_.error || limits_.refuse_when_broken);
}

accumulator_state::booked_promise accumulator_state::take(usage_record& record) {
  auto promise = self_->make_response_promise<booked>();
  if (record.state == record_state::intent) {
    if (is_planning())
      early_.push_back({std::move(record), {promise, ended_early}});
    else
      reserve(record, promise);
    return promise;
  }
  if (waits_for_disk())
    held_.hold(health_.booked + 1, promise, false);
  else
    promise.deliver(booked{});
  forget_early(record.id);
  enter(std::move(record));
  return promise;
}

accumulator_state::end_promise accumulator_state::settle(settlement& done) {
  auto promise = self_->make_response_promise<attempt_end>();
  // What never reached a provider owes nothing, and may go on at once.
  if (waits_for_disk() && done.record.state != record_state::void_attempt)
    held_.hold(health_.booked + 1, promise, std::move(done.end));
  else
    promise.deliver(std::move(done.end));
  forget_early(done.record.id);
  enter(std::move(done.record));
  return promise;
}

void accumulator_state::enter(usage_record record) {
  ++health_.booked;
  if (record.state != record_state::intent) {
    totals_.add(record);
    warn(budgets_.settle(record));
  }
  if (!health_.enabled)
    return;
  if (gathering_.empty() && !in_commit_)
    due_ = now() + (limits_.durability == durability::strict ? milliseconds{0} : limits_.batch_delay);
  gathering_.push_back(std::move(record));
  commit();
}

// --- and go to the disk ----------------------------------------------------------------------------------

/// Hands the next batch to the ledger if it is time, or sees to it that somebody comes back when it is.
void accumulator_state::commit() {
  press();
  if ((in_commit_ && !retrying_) || seeds_out_ != 0) // what budgets are told must stay as it is meanwhile
    return;
  if (!in_commit_ && gathering_.empty())
    return;
  const bool in_time = now() < due_;
  const bool small = gathering_.size() < limits_.batch_records && waiters_.empty() && !next_budgets_;
  if (in_time && (in_commit_ != nullptr || small)) {
    ticker_.arm(self_, due_);
    return;
  }
  if (!in_commit_) {
    in_commit_ = std::make_shared<const std::vector<usage_record>>(std::move(gathering_));
    gathering_ = {};
    gathering_.reserve(in_commit_->size()); // the next will be about as many
  }
  retrying_ = false;
  ++tries_;
  auto home = caf::actor_cast<accumulator_impl>(self_);
  world_->ledger->append(in_commit_, [home = std::move(home)](result<storage::append_report> outcome) {
    caf::anon_send(home, append_end{std::move(outcome)});
  });
}

void accumulator_state::committed(append_end& done) {
  if (done.outcome) {
    if (health_.error)
      log().warn("{} can write to the ledger again", name);
    health_.error.reset();
    health_.committed += in_commit_->size();
    in_commit_.reset();
    held_.release(health_.committed + health_.refused);
    due_ = now() + (limits_.durability == durability::strict ? milliseconds{0} : limits_.batch_delay);
    settle_waiters(false);
    ask_what_was_spent();
  } else if (refuses_for_good(done.outcome.error())) {
    take_apart(done.outcome.error());
    ask_what_was_spent();
  } else {
    failed(std::move(done.outcome.error()));
  }
  commit();
}

void accumulator_state::failed(failure error) {
  if (!health_.error)
    log().error("{} keeps {} records and tries again: {}", name, pending(), to_string(error));
  health_.error = std::move(error);
  retrying_ = true;
  press();
  // What has been answered by a provider waits for the disk; what has not been sent need not be.
  if (limits_.refuse_when_broken)
    held_.refuse_intents(*complaint());
  else
    held_.release_all();
  if (!is_planning())
    admit_early(); // a plan waits for the disk; calls do not
  settle_waiters(true);
  // Who came while this try was under way gets one of his own, at once.
  due_ = waiters_.empty() ? now() + retry_delay : now();
}

/// Halves the batch until the record that the ledger will never take is alone; that one goes to the log, so
/// that it does not keep all others out of the books.
void accumulator_state::take_apart(const failure& error) {
  std::vector<usage_record> batch = *in_commit_;
  in_commit_.reset();
  due_ = now();
  if (batch.size() == 1) {
    const usage_record& lost = batch.front();
    log().critical(
        "{} can never book the attempt {} of call {} at '{}', model '{}', {}, {}, {} + {} tokens, cost {}: "
        "{}",
        name, to_string(lost.id), to_string(lost.call), lost.provider.str(), lost.model.str(),
        to_string(lost.time), to_string(lost.state), lost.usage.prompt_tokens, lost.usage.completion_tokens,
        lost.cost ? to_decimal(*lost.cost) + ' ' + lost.cost->unit.str() : "unknown", to_string(error));
    ++health_.refused;
    held_.refuse(health_.committed + health_.refused, error);
    health_.error.reset(); // it was judged, so the ledger can be used again
    return settle_waiters(false);
  }
  const auto middle = batch.begin() + static_cast<std::ptrdiff_t>(batch.size() / 2);
  gathering_.insert(gathering_.begin(), std::make_move_iterator(middle),
                    std::make_move_iterator(batch.end()));
  batch.erase(middle, batch.end());
  in_commit_ = std::make_shared<const std::vector<usage_record>>(std::move(batch));
  retrying_ = true;
}

// --- who waits for everything ----------------------------------------------------------------------------

void accumulator_state::wait(std::function<void()> served) {
  waiters_.push_back({health_.enabled ? health_.booked : 0, tries_, std::move(served)});
  if (retrying_)
    due_ = now();
  settle_waiters(false);
  commit();
}

/// Serves those whose records are durable, and, when a try that was made for them has failed, them too:
/// nobody waits for a sick disk.
void accumulator_state::settle_waiters(bool failed) {
  const auto served = std::ranges::stable_partition(waiters_, [&](const waiter& each) {
    return each.booked > health_.committed + health_.refused && !(failed && each.tries < tries_);
  });
  std::vector<waiter> ready(std::make_move_iterator(served.begin()), std::make_move_iterator(served.end()));
  waiters_.erase(served.begin(), served.end());
  for (waiter& each : ready)
    each.served();
}

accumulator_state::flush_promise accumulator_state::make_durable() {
  auto promise = self_->make_response_promise<flushed>();
  wait([this, promise]() mutable { promise.deliver(flushed{pending()}); });
  return promise;
}

// --- when the books cannot follow ------------------------------------------------------------------------

/// Why calls must be refused just now; nothing: they are welcome. Full books are so until they are half
/// empty, so that they do not flap.
std::optional<failure> accumulator_state::complaint() const {
  const std::uint64_t waiting = pending();
  failure why;
  if (health_.error && limits_.refuse_when_broken)
    why = make_failure(errc::read_only, "the ledger cannot be written, and calls would have to be booked",
                       "ledger.on_failure");
  else if (waiting >= limits_.max_pending ||
           (pressing_for_ == errc::storage && waiting > limits_.max_pending / 2))
    why =
        make_failure(errc::storage, "the ledger cannot follow: " + std::to_string(waiting) + " records wait",
                     "ledger.max_pending");
  else
    return std::nullopt;
  if (health_.error)
    why.vendor_message = to_string(*health_.error);
  why.retry_after = retry_delay;
  return why;
}

/// Tells the supervisor when the books cannot take more, and when they can again.
void accumulator_state::press() {
  auto why = complaint();
  const errc type = why ? why->type : errc::none;
  if (type == pressing_for_ || !supervisor_)
    return;
  pressing_for_ = type;
  self_->send(supervisor_, ledger_pressure{std::move(why)});
}

} // namespace weir::actors
