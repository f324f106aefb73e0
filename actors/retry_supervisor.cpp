// The way of a call through its attempts. Each handler either makes the next step or answers, never both.
#include "actors/retry_supervisor.hpp"

#include "actors/log.hpp"
#include "actors/policy/booking.hpp"
#include "actors/policy/error_policy.hpp"
#include "actors/provider.hpp"

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

/// A probe that is this late after its attempt should have ended is lost.
constexpr std::chrono::seconds probe_grace{5};

caf::error stopped() {
  return to_error(make_failure(errc::cancelled, "weir has stopped"));
}

} // namespace

chat_reply supervisor_state::open_call::unanswered() {
  chat_reply reply;
  reply.error = make_failure(errc::cancelled, "weir ended before the call did");
  return reply;
}

supervisor_impl::behavior_type retry_supervisor(supervisor_impl::stateful_pointer<supervisor_state> self,
                                                services_ptr world, accumulator_actor books,
                                                snapshot_ptr config) {
  return self->state.begin(std::move(world), std::move(books), std::move(config));
}

supervisor_impl::behavior_type supervisor_state::begin(services_ptr world, accumulator_actor books,
                                                       snapshot_ptr config) {
  world_ = std::move(world);
  books_ = std::move(books);
  config_ = std::move(config);
  roster_.emplace([this](const setup_ptr& setup) -> provider_actor {
    return self_->spawn<caf::monitored>(provider, world_, books_, setup);
  });
  roster_->adopt(config_);
  self_->set_down_handler([this](caf::down_msg& death) {
    roster_->on_death(death);
    leave_when_alone();
  });
  // We go last: what the providers book on their way out must find its way into the books.
  self_->set_exit_handler([this](caf::exit_msg&) {
    roster_->dismiss();
    leave_when_alone();
  });
  return {
      [this](call& work) { return perform(work); },
      [this](const cancel_call& which) { cancel(which.id); },
      [this](const health_query& question) { return check(question); },
      [this](const drain& order) { return start_drain(order); },
      [this](const snapshot_ptr& next) {
        config_ = next;
        roster_->adopt(next);
      },
      [](const set_mode&) {},
      [this](ledger_pressure& news) { pressure_ = std::move(news.refuse); },
      [this](tick) { on_tick(); },
  };
}

// --- a call begins ---------------------------------------------------------------------------------------

supervisor_state::reply_promise supervisor_state::perform(call& work) {
  auto promise = self_->make_response_promise<chat_reply>();
  const call_id id = work.id;
  if (calls_.contains(id)) {
    chat_reply twice;
    twice.model = work.request->model;
    twice.metadata.call = id;
    twice.error = make_failure(errc::invalid_request, "a call of this id is in flight already", "id");
    promise.deliver(std::move(twice));
    return promise;
  }
  open_call& open = calls_.try_emplace(id, std::move(work), promise).first->second;
  if (auto no = refusal())
    fail(open, std::move(*no));
  else
    proceed(open);
  return promise;
}

void supervisor_state::cancel(const call_id& id) {
  if (const auto found = calls_.find(id); found != calls_.end())
    abandon(found->second, make_failure(errc::cancelled, "the call was cancelled"));
}

std::optional<failure> supervisor_state::refusal() const {
  if (drain_until_)
    return make_failure(errc::cancelled, "weir is stopping");
  if (pressure_)
    return pressure_;
  // The call that asks is among them already.
  if (calls_.size() > config_->limits.max_in_flight)
    return make_failure(errc::overloaded,
                        "there are " + std::to_string(config_->limits.max_in_flight) + " calls in flight",
                        "limits.max_in_flight");
  return std::nullopt;
}

/// Makes the next attempt at the candidate whose turn it is, or at the first one after it that may be asked.
void supervisor_state::proceed(open_call& open) {
  const time_point start = now();
  if (start >= open.work.deadline)
    return abandon(open, make_failure(errc::timeout, "the call's deadline passed", "timeout"));
  ticker_.arm(self_, start + ticker::longest);
  for (; open.plan.has_candidate(); open.plan.skip_candidate()) {
    const slot_ptr slot = roster_->find(open.work.candidates[open.plan.candidate()].provider);
    if (!slot)
      continue;
    const provider_config& asked = slot->setup->config;
    const time_point end = std::min(
        open.work.deadline, start + (open.work.request->stream ? asked.stream_timeout : asked.timeout));
    if (const auto permit = slot->breaker.acquire(start, end + probe_grace))
      return start_attempt(open, slot, *permit);
  }
  fail(open, nobody_left(open));
}

void supervisor_state::start_attempt(open_call& open, const slot_ptr& slot, policy::permit permit) {
  open.plan.begin_attempt();
  const auto unix_ms = std::chrono::floor<milliseconds>(world_->wall_clock()).time_since_epoch().count();
  attempt next;
  next.id = attempt_id{make_id128(static_cast<std::uint64_t>(unix_ms), world_->random(), world_->random())};
  next.call = open.work.id;
  next.number = open.plan.attempts();
  next.request = open.work.request;
  next.sink = open.work.sink;
  next.deadline = open.work.deadline;
  attempt_info& info = open.attempts.emplace_back();
  info.id = next.id;
  info.provider = slot->setup->config.name;
  info.waited = std::exchange(open.wait, milliseconds{0});
  open.active = active_attempt{next.id, slot->handle, now()};
  ++attempts_out_;
  // No timeout here: the provider ends every attempt by the deadline, and answers also when it dies.
  self_->request(slot->handle, caf::infinite, next)
      .then([this,
             of = ticket{open.work.id, next.id, slot, permit}](attempt_end& end) { attempt_ended(of, end); },
            [this, of = ticket{open.work.id, next.id, slot, permit}, next](caf::error& reason) {
              attempt_bounced(of, next, reason);
            });
}

// --- an attempt ends -------------------------------------------------------------------------------------

void supervisor_state::attempt_ended(const ticket& of, attempt_end& end) {
  --attempts_out_;
  report(of, end.outcome);
  const auto found = calls_.find(of.call);
  if (found == calls_.end())
    return continue_drain(); // the call was answered without it
  open_call& open = found->second;
  open.active.reset();
  attempt_info& info = open.attempts.back();
  info.latency = end.latency;
  if (end.outcome)
    return succeed(open, std::move(*end.outcome));
  info.error = end.outcome.error().type;
  info.status_code = end.outcome.error().status_code;
  info.message = end.outcome.error().message;
  // What the sink has been told cannot be taken back: another answer would not go on from it.
  if (end.delivered)
    return fail(open, std::move(end.outcome.error()));
  decide(open, of, std::move(end.outcome.error()));
}

/// The provider's actor was dead before it read the attempt: nobody booked it, so it is done here.
void supervisor_state::attempt_bounced(const ticket& of, attempt lost, const caf::error& reason) {
  attempt_end end;
  failure error =
      make_failure(errc::server_error, "the provider's actor was down: " + to_failure(reason).message);
  error.provider = of.slot->setup->config.name.str();
  end.outcome = std::move(error);
  const policy::attempt_facts facts{lost.id, lost.call, lost.number, world_->wall_clock(), {}, {}, {}};
  self_->send(books_, policy::make_record(facts, *lost.request, of.slot->setup->config.name, nullptr,
                                          of.slot->setup->prices_of(lost.request->model), end.outcome));
  attempt_ended(of, end);
}

void supervisor_state::report(const ticket& of, const result<chat_reply>& outcome) {
  policy::circuit_breaker& breaker = of.slot->breaker;
  const breaker_state before = breaker.state();
  if (outcome)
    breaker.success(of.permit, now());
  else if (policy::policy_for(outcome.error().type).counts_as_broken)
    breaker.failure(of.permit, now());
  else
    breaker.release(of.permit);
  if (breaker.state() != before)
    log().warn("{} sees the circuit breaker of '{}' go from {} to {}", name,
               of.slot->setup->config.name.str(), to_string(before), to_string(breaker.state()));
}

void supervisor_state::decide(open_call& open, const ticket& of, failure error) {
  const auto remaining = std::chrono::floor<milliseconds>(open.work.deadline - now());
  const policy::decision next = open.plan.after(
      error, open.work.config->retry, of.slot->setup->config.max_retries, remaining, world_->random());
  log().debug("{} saw an attempt at '{}' fail: {}", name, error.provider, to_string(error));
  switch (next.step) {
  case policy::next_step::give_up:
    return fail(open, std::move(error));
  case policy::next_step::next_candidate:
    open.last = std::move(error);
    return proceed(open);
  case policy::next_step::retry_here:
    open.last = std::move(error);
    open.wait = next.wait;
    const time_point due = now() + next.wait;
    waiting_.emplace(due, open.work.id);
    ticker_.arm(self_, due);
    return;
  }
}

// --- a call ends -----------------------------------------------------------------------------------------

void supervisor_state::succeed(open_call& open, chat_reply reply) {
  reply.success = true;
  answer(open, std::move(reply));
}

void supervisor_state::fail(open_call& open, failure error) {
  chat_reply reply;
  reply.model = open.work.request->model;
  reply.metadata.request_id = error.request_id;
  reply.error = std::move(error);
  answer(open, std::move(reply));
}

void supervisor_state::answer(open_call& open, chat_reply reply) {
  reply.metadata.call = open.work.id;
  reply.metadata.attempts = std::move(open.attempts);
  reply.metadata.latency = std::chrono::duration_cast<std::chrono::microseconds>(now() - open.work.begin);
  open.answer.deliver(std::move(reply));
  calls_.erase(call_id{open.work.id});
  continue_drain();
}

/// Ends a call whose attempt may still be out: the attempt is told to end, and is booked when it does.
void supervisor_state::abandon(open_call& open, failure error) {
  if (open.active) {
    self_->send(open.active->handle, cancel_attempt{open.active->id});
    attempt_info& info = open.attempts.back();
    info.error = error.type;
    info.message = error.message;
    info.latency = std::chrono::duration_cast<std::chrono::microseconds>(now() - open.active->began);
    error.provider = info.provider.str();
    error.fate = outcome::unknown;
  }
  fail(open, std::move(error));
}

/// Why no candidate could be asked: what the last attempt failed of, or that every circuit breaker is open.
failure supervisor_state::nobody_left(const open_call& open) const {
  if (open.last)
    return *open.last;
  failure closed =
      make_failure(errc::circuit_open, "no candidate can be asked: every circuit breaker is open");
  const time_point start = now();
  for (const route_candidate& candidate : open.work.candidates) {
    const provider_name& each = candidate.provider;
    const slot_ptr slot = roster_->find(each);
    if (!slot) {
      if (open.work.candidates.size() == 1)
        return roster_->why_unusable(each).value_or(
            make_failure(errc::config, "the provider '" + each.str() + "' is not in service any more"));
      continue;
    }
    const auto wait =
        std::max(std::chrono::ceil<milliseconds>(slot->breaker.reopens_at() - start), milliseconds{0});
    closed.retry_after = std::min(closed.retry_after.value_or(wait), wait);
  }
  return closed;
}

// --- time ------------------------------------------------------------------------------------------------

void supervisor_state::on_tick() {
  const time_point at = now();
  ticker_.arrived(at);
  while (!waiting_.empty() && waiting_.begin()->first <= at) {
    const call_id id = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    if (const auto found = calls_.find(id); found != calls_.end())
      proceed(found->second);
  }
  std::vector<call_id> late;
  for (const auto& [id, open] : calls_)
    if (open.work.deadline <= at)
      late.push_back(id);
  for (const call_id& id : late)
    if (const auto found = calls_.find(id); found != calls_.end())
      abandon(found->second, make_failure(errc::timeout, "the call's deadline passed", "timeout"));
  continue_drain();
  if (!waiting_.empty())
    ticker_.arm(self_, waiting_.begin()->first);
  if (!calls_.empty())
    ticker_.arm(self_, at + ticker::longest);
}

// --- health and the end ----------------------------------------------------------------------------------

supervisor_state::health_promise supervisor_state::check(const health_query& question) {
  struct round {
    promise_guard<health_report, caf::error> answer;
    health_report report;
    std::size_t missing = 0;
  };
  health_promise promise = self_->make_response_promise<health_report>();
  const auto now_asked = std::make_shared<round>(round{{promise, stopped}, {}, 0});
  now_asked->report.config_version = config_->version;
  now_asked->report.calls_in_flight = static_cast<std::uint32_t>(calls_.size());
  const auto wanted = [&question](const provider_name& who) {
    return question.provider.empty() || question.provider == who;
  };
  for (const auto& [who, why] : roster_->unusable()) {
    if (!wanted(who))
      continue;
    provider_health& entry = now_asked->report.providers.emplace_back();
    entry.name = who;
    entry.reachable = false;
    entry.last_error = why;
  }
  now_asked->missing = static_cast<std::size_t>(
      std::ranges::count_if(roster_->slots(), [&](const auto& entry) { return wanted(entry.first); }));
  const auto arrived = [now_asked](const slot_ptr& slot, provider_health seen) {
    seen.name = slot->setup->config.name;
    seen.breaker = slot->breaker.state();
    seen.restarts = slot->restarts;
    now_asked->report.providers.push_back(std::move(seen));
    if (--now_asked->missing == 0) {
      std::ranges::sort(now_asked->report.providers, {}, &provider_health::name);
      now_asked->answer.deliver(std::move(now_asked->report));
    }
  };
  const bool nobody = now_asked->missing == 0;
  for (const auto& [who, slot] : roster_->slots())
    if (wanted(who))
      self_->request(slot->handle, caf::infinite, provider_probe{question.probe})
          .then([arrived, held = slot](provider_health& seen) { arrived(held, std::move(seen)); },
                [arrived, held = slot](caf::error& reason) {
                  provider_health seen;
                  seen.last_error = to_failure(reason);
                  arrived(held, std::move(seen));
                });
  if (nobody)
    now_asked->answer.deliver(std::move(now_asked->report));
  return promise;
}

supervisor_state::drain_promise supervisor_state::start_drain(const drain& order) {
  drain_promise promise = self_->make_response_promise<drained>();
  drain_answers_.emplace_back(promise, [] { return drained{}; });
  const milliseconds patience =
      std::clamp(order.patience.value_or(config_->limits.drain_timeout), milliseconds{0}, longest_wait);
  drain_until_ = std::min(drain_until_.value_or(time_point::max()), now() + patience);
  ticker_.arm(self_, *drain_until_);
  continue_drain();
  return promise;
}

void supervisor_state::leave_when_alone() {
  if (roster_->deserted())
    self_->quit(caf::exit_reason::user_shutdown);
}

/// Answers who drains when nothing is out any more; ends what is left when the shortest patience is over.
void supervisor_state::continue_drain() {
  if (drain_answers_.empty())
    return;
  if (now() >= *drain_until_ && !calls_.empty()) {
    open_calls left;
    left.swap(calls_);
    cancelled_ = static_cast<std::uint32_t>(left.size());
    for (auto& [id, open] : left)
      abandon(open, make_failure(errc::cancelled, "weir is stopping"));
  }
  if (!calls_.empty() || attempts_out_ != 0)
    return ticker_.arm(self_, now() + ticker::longest);
  for (drain_guard& each : std::exchange(drain_answers_, {}))
    each.deliver(drained{cancelled_});
}

} // namespace weir::actors
