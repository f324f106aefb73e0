// Steps and jumps. Everything happens on one thread, so a seed is all that a history depends on.
#include "tests/simulation/machine.hpp"

#include "actors/log.hpp"
#include "actors/manager.hpp"
#include "actors/retry_supervisor.hpp"
#include "actors/usage_accumulator.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace weir::simulation {

namespace {

/// More than any history needs: one that goes on is stuck in a circle.
constexpr std::uint64_t most_steps = 20'000'000;

} // namespace

machine::machine(agenda& events, dice random, bool hasty)
    : events_(events), random_(random), actors_random_(random_.split()), hasty_(hasty) {
  actors::log().set_level(spdlog::level::off); // what goes wrong here is meant to
  settings_.set("scheduler.policy", caf::atom("testing"));
  system_.emplace(settings_);
  scheduler_ = &dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

machine::~machine() {
  stop();
}

timestamp machine::wall() const {
  return timestamp{std::chrono::seconds{1'764'000'000}} +
         std::chrono::duration_cast<std::chrono::microseconds>(now().time_since_epoch()) + shift_;
}

void machine::start(std::shared_ptr<transport::client> network,
                    std::shared_ptr<actors::ledger_service> ledger, const snapshot_ptr& config) {
  const auto world = std::make_shared<const actors::services>(
      actors::services{std::move(network), std::move(ledger), [this] { return wall(); },
                       [this] { return actors_random_.next(); }});
  const auto books = system_->spawn(actors::usage_accumulator, world, config);
  accumulator_ = books;
  supervisor_ = system_->spawn(actors::retry_supervisor, world, accumulator_, config);
  caf::anon_send(books, supervisor_);
  manager_ = system_->spawn(actors::manager, world, supervisor_, accumulator_, config);
}

void machine::stop() {
  on_time = nullptr;
  for (const auto& actor : {caf::actor_cast<caf::actor>(manager_), caf::actor_cast<caf::actor>(supervisor_),
                            caf::actor_cast<caf::actor>(accumulator_)})
    if (actor)
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  manager_ = nullptr;
  supervisor_ = nullptr;
  accumulator_ = nullptr;
  while (scheduler_->try_run_once()) {
  }
  events_.clear();
  // Delayed messages keep their targets alive until they are delivered.
  while (scheduler_->has_pending_timeout() || scheduler_->has_job()) {
    scheduler_->trigger_timeouts();
    while (scheduler_->try_run_once()) {
    }
  }
}

void machine::run_job() {
  auto& jobs = scheduler_->jobs;
  if (jobs.size() > 1)
    std::swap(jobs.front(), jobs[static_cast<std::size_t>(random_.below(jobs.size()))]);
  scheduler_->run_once();
  ++steps_;
  if (hasty_ && random_.chance(20))
    move_to(now() + std::chrono::microseconds{random_.between(1, 50)});
}

void machine::move_to(time_point when) {
  scheduler_->advance_time(when - now());
  if (on_time)
    on_time();
}

bool machine::step() {
  const bool due = events_.next() <= now();
  if (!scheduler_->jobs.empty() && (!due || random_.chance(500))) {
    run_job();
    return true;
  }
  if (due) {
    events_.run_one(now());
    return true;
  }
  return false;
}

bool machine::run_until(time_point when) {
  return run_until(when, [] { return false; });
}

bool machine::run_until(time_point latest, const std::function<bool()>& enough) {
  while (steps_ < most_steps) {
    if (enough())
      return true;
    if (step())
      continue;
    const auto& timers = scheduler_->clock().schedule();
    const time_point next =
        std::min(events_.next(), timers.empty() ? time_point::max() : timers.begin()->first);
    if (next > latest) {
      move_to(latest);
      return true;
    }
    move_to(std::max(next, now()));
  }
  return false;
}

template <class Answer, class Question>
void machine::ask(Question what, std::function<void(const Answer&)> hear) {
  system_->spawn(
      [](caf::event_based_actor* self, manager_actor whom, Question asked,
         std::function<void(const Answer&)> ear) {
        self->request(whom, caf::infinite, std::move(asked))
            .then([ear](const Answer& told) { ear(told); }, [](const caf::error&) {});
      },
      manager_, std::move(what), std::move(hear));
}

template void machine::ask<health_report>(health_query, std::function<void(const health_report&)>);
template void machine::ask<drained>(drain, std::function<void(const drained&)>);

} // namespace weir::simulation
