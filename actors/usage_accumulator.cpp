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

/// The ledger has judged one of the records, and will judge it so again.
bool refuses_for_good(const failure& error) {
  return !error.retryable && (error.place == "id_conflict" || error.place.starts_with("record."));
}

caf::error ended_early() {
  return to_error(make_failure(errc::cancelled, "the books were closed before the question was answered"));
}

} // namespace

accumulator_impl::behavior_type usage_accumulator(accumulator_impl::stateful_pointer<accumulator_state> self,
                                                  services_ptr world, const snapshot_ptr& config) {
  return self->state.begin(std::move(world), config);
}

accumulator_impl::behavior_type accumulator_state::begin(services_ptr world, const snapshot_ptr& config) {
  world_ = std::move(world);
  limits_ = config->ledger;
  health_.enabled = world_->ledger != nullptr;
  return {
      [this](usage_record& record) { book(record); },
      [this](usage_query& asked) { return answer(asked); },
      [this](health_query) { return health(); },
      [this](flush) { return make_durable(); },
      [this](const snapshot_ptr& next) { limits_ = next->ledger; },
      [this](const supervisor_actor& supervisor) { supervisor_ = supervisor; },
      [this](append_end& done) { committed(done); },
      [this](summary_end& done) { answered(done); },
      [this](tick) {
        ticker_.arrived(now());
        commit();
      },
  };
}

void accumulator_state::book(usage_record& record) {
  ++health_.booked;
  auto [entry, fresh] = totals_.try_emplace({record.provider, record.model});
  if (fresh) {
    entry->second.provider = record.provider;
    entry->second.model = record.model;
  }
  entry->second.add(record);
  if (!health_.enabled)
    return;
  if (gathering_.empty() && !in_commit_)
    due_ = now() + limits_.batch_delay;
  gathering_.push_back(std::move(record));
  commit();
}

/// Hands the next batch to the ledger if it is time, or sees to it that somebody comes back when it is.
void accumulator_state::commit() {
  press();
  if (in_commit_ && !retrying_)
    return;
  if (!in_commit_ && gathering_.empty())
    return;
  const bool in_time = now() < due_;
  const bool small = gathering_.size() < limits_.batch_records && waiters_.empty();
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
    due_ = now() + limits_.batch_delay;
    settle_waiters(false);
  } else if (refuses_for_good(done.outcome.error())) {
    take_apart(done.outcome.error());
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

void accumulator_state::wait(waiter who) {
  who.booked = health_.enabled ? health_.booked : 0;
  who.tries = tries_;
  waiters_.push_back(std::move(who));
  if (retrying_)
    due_ = now();
  settle_waiters(false);
  commit();
}

/// Answers those whose records are durable, and, when a try that was made for them has failed, them too:
/// nobody waits for a sick disk.
void accumulator_state::settle_waiters(bool failed) {
  const auto served = std::ranges::stable_partition(waiters_, [&](const waiter& each) {
    return each.booked > health_.committed + health_.refused && !(failed && each.tries < tries_);
  });
  std::vector<waiter> ready(served.begin(), served.end());
  waiters_.erase(served.begin(), served.end());
  for (waiter& each : ready) {
    if (each.is_flush)
      each.flush.deliver(flushed{pending()});
    else
      ask_ledger(each.number);
  }
}

accumulator_state::report_promise accumulator_state::answer(usage_query& asked) {
  auto promise = self_->make_response_promise<usage_report>();
  if (asked.since_start || !health_.enabled) {
    promise.deliver(totals(asked.filter));
    return promise;
  }
  questions_.emplace(++last_question_, question{std::move(asked.filter), {promise, ended_early}});
  wait({.is_flush = false, .number = last_question_, .flush = {}});
  return promise;
}

void accumulator_state::ask_ledger(std::uint64_t number) {
  auto home = caf::actor_cast<accumulator_impl>(self_);
  world_->ledger->summary(questions_.at(number).filter,
                          [home = std::move(home), number](result<std::vector<usage_summary>> outcome) {
                            caf::anon_send(home, summary_end{number, std::move(outcome)});
                          });
}

void accumulator_state::answered(summary_end& done) {
  auto found = questions_.extract(done.number);
  if (found.empty())
    return;
  if (done.outcome)
    found.mapped().answer.deliver(usage_report{std::move(*done.outcome)});
  else
    found.mapped().answer.fail(to_error(done.outcome.error()));
}

accumulator_state::flush_promise accumulator_state::make_durable() {
  auto promise = self_->make_response_promise<flushed>();
  wait({.is_flush = true, .number = 0, .flush = promise});
  return promise;
}

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

ledger_health accumulator_state::health() const {
  ledger_health now = health_;
  now.pending = pending();
  return now;
}

usage_report accumulator_state::totals(const usage_filter& filter) const {
  usage_report report;
  for (const auto& [key, summary] : totals_)
    if ((!filter.provider || *filter.provider == key.first) && (!filter.model || *filter.model == key.second))
      report.summaries.push_back(summary);
  return report;
}

} // namespace weir::actors
