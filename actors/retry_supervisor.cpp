// The way of a call through its attempts. What comes after each stands in supervisor_decisions.cpp.
#include "actors/retry_supervisor.hpp"

#include "actors/log.hpp"
#include "actors/policy/booking.hpp"
#include "actors/policy/error_policy.hpp"
#include "actors/policy/ordering.hpp"
#include "actors/provider.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

/// A probe that is this late after its attempt should have ended is lost.
constexpr std::chrono::seconds probe_grace{5};
/// Changes of a breaker that are kept.
constexpr std::size_t history_room = 16;
/// An attempt ends by itself at its deadline, and then tells how: whether it was the provider's fault, what
/// was shown of a stream. Only if it does not, the call ends without.
constexpr milliseconds deadline_grace{250};

std::optional<std::string_view> tag_of(const chat_request& request, std::string_view key) {
  const auto found =
      std::ranges::find(request.tags, key, [](const auto& each) { return std::string_view(each.first); });
  return found == request.tags.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

} // namespace

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
    const provider_actor made = self_->spawn<caf::monitored>(provider, world_, books_, setup);
    if (mode() != run_mode::normal)
      self_->send(made, set_mode{mode()});
    return made;
  });
  roster_->adopt(config_, now());
  self_->set_down_handler([this](caf::down_msg& death) { somebody_died(death); });
  self_->monitor(books_);
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
      [this](const set_mode& order) { change_mode(order); },
      [this](const snapshot_ptr& next) { adopt(next); },
      [this](ledger_pressure& news) { press(news); },
      [this](alert& news) {
        alerts_.raise(news.type, news.provider, std::move(news.message), world_->wall_clock());
      },
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
  open_call& open = calls_.try_emplace(id, std::move(work), ++last_serial_, promise).first->second;
  open.deadline = deadlines_.emplace(open.work.deadline + deadline_grace, ref(open));
  if (auto no = refusal(calls_.size())) {
    fail(open, std::move(*no));
  } else {
    order(open);
    proceed(open);
  }
  return promise;
}

open_call* supervisor_state::find(const call_ref& which) {
  const auto found = calls_.find(which.id);
  return found == calls_.end() || found->second.serial != which.serial ? nullptr : &found->second;
}

void supervisor_state::cancel(const call_id& id) {
  if (const auto found = calls_.find(id); found != calls_.end())
    abandon(found->second, make_failure(errc::cancelled, "the call was cancelled"));
}

/// Puts the candidates into the order that the route's strategy gives them just now.
void supervisor_state::order(open_call& open) {
  const route_config* const way = open.work.route;
  if (way == nullptr || open.work.candidates.size() < 2)
    return;
  const auto sticky = tag_of(*open.work.request, way->sticky_by);
  if (way->strategy == route_strategy::priority && !sticky)
    return;
  std::vector<policy::candidate_facts> facts;
  facts.reserve(open.work.candidates.size());
  for (const route_candidate& each : open.work.candidates) {
    policy::candidate_facts& known = facts.emplace_back();
    const slot_ptr slot = roster_->find(each.provider);
    if (!slot)
      continue;
    known.in_flight = slot->out;
    const provider_target& target = slot->target(each.model);
    known.latency = target.latency_of_late(now());
    known.fails = target.fails_of_late(now());
    if (way->strategy == route_strategy::lowest_cost)
      known.cost = policy::rough_cost(*open.work.request,
                                      slot->setup->prices_of(each.model, world_->wall_clock()).prices);
  }
  policy::order_candidates(open.work.candidates, facts, way->strategy, sticky, world_->random());
}

// --- an attempt begins -----------------------------------------------------------------------------------

/// Makes the next attempt at the candidate whose turn it is, or at the first one after it that may be asked.
void supervisor_state::proceed(open_call& open) {
  if (now() >= open.work.deadline)
    return abandon(open, make_failure(errc::timeout, "the call's deadline passed", "timeout"));
  if (mode() == run_mode::offline)
    return fail(open, make_failure(errc::offline, "weir is offline"), open.shown);
  ticker_.arm(self_, open.deadline->first);
  for (; open.plan.has_candidate(); open.plan.skip_candidate()) {
    if (ask(open, open.plan.candidate(), false))
      return;
    if (open.plan.candidate() + 1 == open.work.candidates.size() && await_revival(open))
      return;
  }
  if (open.last || !ask_last_resort(open))
    fail(open, nobody_left(open), open.shown);
}

/// When an attempt that begins now and has not reported is lost.
time_point supervisor_state::lost_by(const open_call& open, const provider_slot& slot) const {
  const provider_config& asked = slot.setup->config;
  return std::min(open.work.deadline,
                  now() + 2 * asked.max_queue_wait +
                      (open.work.request->stream ? asked.stream_timeout : asked.timeout)) +
         probe_grace;
}

/// Makes an attempt at a candidate, if its breaker gives a permit.
bool supervisor_state::ask(open_call& open, std::size_t candidate, bool hedge) {
  const route_candidate& where = open.work.candidates[candidate];
  const slot_ptr slot = roster_->find(where.provider);
  if (!slot || !slot->handle)
    return false;
  ticket of{open.work.id, open.work.deadline, {}, candidate, slot, &slot->target(where.model), {}};
  const breaker_state before = of.target->breaker.state();
  const auto permit = of.target->breaker.acquire(now(), lost_by(open, *slot), world_->random());
  note_change(of, before);
  if (!permit)
    return false;
  // A hedge is no first try: it is one more request for a call that has one out.
  if (hedge && !slot->budget.spend(now())) {
    of.target->breaker.release(*permit);
    return false;
  }
  of.permit = *permit;
  start_attempt(open, std::move(of), hedge);
  return true;
}

/// Where no candidate's breaker gives a permit, one of them is asked all the same, once in a while: the call
/// would fail anyway, and the provider may be well again.
bool supervisor_state::ask_last_resort(open_call& open) {
  const milliseconds pause = config_->breaker.last_resort;
  if (pause.count() == 0)
    return false;
  std::optional<ticket> best;
  for (std::size_t n = 0; n != open.work.candidates.size(); ++n) {
    const slot_ptr slot = roster_->find(open.work.candidates[n].provider);
    if (!slot || !slot->handle)
      continue;
    provider_target& target = slot->target(open.work.candidates[n].model);
    if (now() < target.breaker.last_trial() + pause)
      return false;
    if (!best || target.breaker.reopens_at() < best->target->breaker.reopens_at())
      best = ticket{open.work.id, open.work.deadline, {}, n, slot, &target, {}};
  }
  if (!best)
    return false;
  const breaker_state before = best->target->breaker.state();
  best->permit = best->target->breaker.acquire_early(now(), lost_by(open, *best->slot));
  note_change(*best, before);
  for (open.plan.rewind(); open.plan.candidate() != best->candidate;)
    open.plan.skip_candidate();
  start_attempt(open, std::move(*best), false);
  return true;
}

/// Where the last candidate's actor is about to be started anew, the call waits for it: it has nobody else.
bool supervisor_state::await_revival(open_call& open) {
  const slot_ptr slot = roster_->find(open.candidate().provider);
  if (!slot || slot->handle || slot->revives_at >= open.work.deadline)
    return false;
  wait(open, std::max(slot->revives_at, now() + milliseconds{1}));
  return true;
}

void supervisor_state::start_attempt(open_call& open, ticket of, bool hedge) {
  open.plan.begin_attempt();
  const auto unix_ms = std::chrono::floor<milliseconds>(world_->wall_clock()).time_since_epoch().count();
  of.id = attempt_id{make_id128(static_cast<std::uint64_t>(unix_ms), world_->random(), world_->random())};
  attempt next;
  next.id = of.id;
  next.call = open.work.id;
  next.number = open.plan.attempts();
  next.request = open.request_for(open.work.candidates[of.candidate]);
  if (open.shows())
    next.sink = open.work.sink;
  next.gap = open.gap();
  if (has_other(open, of.candidate))
    next.patience = open.work.config->limits.queue_patience;
  next.deadline = open.work.deadline;
  next.gone = open.gone;
  attempt_info& info = open.attempts.emplace_back();
  info.id = next.id;
  info.provider = of.slot->setup->config.name;
  info.model = next.request->model;
  info.waited = std::exchange(open.wait, milliseconds{0});
  info.hedge = hedge;
  open.active.push_back({next.id, of.slot->handle, now(), open.attempts.size() - 1});
  ++attempts_out_;
  ++of.slot->out;
  const route_config* const way = open.work.route;
  // Two attempts at a time could each cost what the call has left of its `max_cost`.
  const bool may_hedge = !next.sink && !open.work.request->max_cost;
  if (!hedge && way != nullptr && way->hedge_after.count() > 0 && may_hedge) {
    if (open.hedge_due)
      slow_.erase(*open.hedge_due);
    open.hedge_due = slow_.emplace(now() + way->hedge_after, ref(open));
    ticker_.arm(self_, now() + way->hedge_after);
  }
  // No timeout here: the provider ends every attempt by the deadline, and answers also when it dies.
  const provider_actor whom = of.slot->handle;
  self_->request(whom, caf::infinite, next)
      .then([this, of](attempt_end& end) { attempt_ended(of, end); },
            [this, of, next](caf::error& reason) { attempt_bounced(of, next, reason); });
}

/// Whether a candidate after this one can be asked, as far as is known.
bool supervisor_state::has_other(const open_call& open, std::size_t candidate) const {
  for (std::size_t n = candidate + 1; n < open.work.candidates.size(); ++n) {
    const slot_ptr slot = roster_->find(open.work.candidates[n].provider);
    if (slot && slot->handle &&
        slot->target(open.work.candidates[n].model).breaker.state() == breaker_state::closed)
      return true;
  }
  return false;
}

/// The call's only attempt is slow: another candidate is asked beside it, and the first to answer wins.
void supervisor_state::hedge(open_call& open) {
  if (open.active.size() != 1 || mode() == run_mode::offline ||
      open.plan.attempts() >= open.work.config->retry.max_total_attempts)
    return;
  for (std::size_t n = open.plan.candidate() + 1; n < open.work.candidates.size(); ++n)
    if (ask(open, n, true))
      return;
}

// --- an attempt ends -------------------------------------------------------------------------------------

void supervisor_state::attempt_ended(const ticket& of, attempt_end& end) {
  --attempts_out_;
  --of.slot->out;
  report(of, end);
  const auto found = calls_.find(of.call);
  if (found == calls_.end())
    return continue_drain(); // the call was answered without it
  open_call& open = found->second;
  const auto mine = std::ranges::find(open.active, of.id, &active_attempt::id);
  if (mine == open.active.end())
    return continue_drain();
  attempt_info& info = open.attempts[mine->info];
  open.active.erase(mine);
  info.latency = end.latency;
  // A sum in another currency than the ceiling's says nothing about it: nobody with such prices is asked.
  if (end.cost && open.work.request->max_cost)
    (void)open.gone.add(*end.cost);
  if (end.outcome) {
    info.status_code = 200;
    return succeed(open, std::move(*end.outcome));
  }
  const failure& error = end.outcome.error();
  info.error = error.type;
  info.status_code = error.status_code;
  info.message = error.message;
  log().debug("{} saw an attempt at '{}' fail: {}", name, error.provider, to_string(error));
  if (open.active.empty())
    return decide(open, of, end);
  // What is refused is refused: a hedge must not be used to get around it.
  if (is_final(open, error)) {
    drop_active(open, make_failure(errc::cancelled, "another attempt was refused for good"));
    return fail(open, error);
  }
  // The other one may still answer. If it does not, a hedge that failed is not asked again.
  open.last = error;
  if (of.candidate > open.plan.candidate())
    open.drop_candidate(of.candidate);
}

/// The provider's actor was dead before it read the attempt: nobody booked it, so it is done here.
void supervisor_state::attempt_bounced(const ticket& of, attempt lost, const caf::error& reason) {
  attempt_end end;
  failure error =
      make_failure(errc::server_error, "the provider's actor was down: " + to_failure(reason).message);
  error.provider = of.slot->setup->config.name.str();
  end.outcome = std::move(error);
  end.blameless = true;
  const policy::attempt_facts facts{lost.id, lost.call, lost.number, world_->wall_clock(), {}, {}, {}};
  caf::anon_send(books_, policy::make_record(facts, *lost.request, of.slot->setup->config.name, nullptr,
                                             of.slot->setup->prices_of(lost.request->model, facts.began),
                                             end.outcome));
  attempt_ended(of, end);
}

/// Whether a failure is the provider's. A call that gave it less time than it usually takes says nothing.
bool supervisor_state::is_to_blame(const ticket& of, const attempt_end& end) const {
  const errc type = end.outcome.error().type;
  if (end.blameless || !policy::policy_for(type).counts_as_broken)
    return false;
  const bool hurried =
      type == errc::timeout && now() >= of.deadline && end.latency < 2 * of.target->latency_of_late(now());
  return !hurried;
}

/// Whether nobody may be asked any more after such a failure.
bool supervisor_state::is_final(const open_call& open, const failure& error) const {
  const auto allowed = policy::policy_for(error.type, open.work.route->reroute_content_filter);
  return !(allowed.retry_here || allowed.retry_elsewhere);
}

void supervisor_state::report(const ticket& of, const attempt_end& end) {
  policy::circuit_breaker& breaker = of.target->breaker;
  const breaker_state before = breaker.state();
  if (end.outcome) {
    breaker.success(of.permit, now(), end.first_token, world_->random());
    of.slot->budget.success(now());
    of.target->measure(end.first_token.value_or(end.latency), now());
  } else {
    of.target->failed_at = now();
    if (is_to_blame(of, end))
      breaker.failure(of.permit, now(), world_->random());
    else
      breaker.release(of.permit);
  }
  note_change(of, before);
  if (end.outcome)
    return;
  const failure& error = end.outcome.error();
  if (error.type == errc::auth || error.type == errc::quota_exceeded)
    alerts_.raise(error.type, of.slot->setup->config.name, error.message, world_->wall_clock());
}

/// Writes down that a breaker has changed its state, if it has.
void supervisor_state::note_change(const ticket& of, breaker_state before) {
  const policy::circuit_breaker& breaker = of.target->breaker;
  if (breaker.state() == before)
    return;
  const provider_name& who = of.slot->setup->config.name;
  const auto entry =
      std::ranges::find_if(of.slot->targets, [&](const auto& each) { return &each.second == of.target; });
  const std::string& model = entry->first.str();
  auto& history = of.target->history;
  if (history.size() == history_room)
    history.pop_front();
  history.push_back({world_->wall_clock(), before, breaker.state(), breaker.cause()});
  log().warn("{} sees the circuit breaker of '{}', model '{}', go from {} to {}: {}", name, who.str(), model,
             to_string(before), to_string(breaker.state()), breaker.cause());
  if (breaker.state() == breaker_state::open && before == breaker_state::closed)
    alerts_.raise(errc::circuit_open, who, "the circuit breaker of the model '" + model + "' opened",
                  world_->wall_clock());
}

} // namespace weir::actors
