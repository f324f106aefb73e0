// What the supervisor does for all calls together: modes, timers, health, the drain.
#include "actors/log.hpp"
#include "actors/retry_supervisor.hpp"

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

caf::error stopped() {
  return to_error(make_failure(errc::cancelled, "weir has stopped"));
}

/// One model's breaker, as it is told.
breaker_health told(const model_name& model, const provider_target& target, time_point now) {
  breaker_health seen;
  seen.model = model;
  seen.state = target.breaker.state();
  const auto counts = target.breaker.counted(now);
  seen.calls = counts.calls;
  seen.failures = counts.failures;
  seen.slow = counts.slow;
  if (seen.state == breaker_state::open)
    seen.reopens_in =
        std::max(std::chrono::ceil<milliseconds>(target.breaker.reopens_at() - now), milliseconds{0});
  seen.history.assign(target.history.begin(), target.history.end());
  return seen;
}

/// What the supervisor knows of a provider, beside what the provider itself does.
void add_supervision(provider_health& seen, provider_slot& slot, time_point now) {
  seen.name = slot.setup->config.name;
  seen.restarts = slot.restarts;
  seen.retry_tokens = static_cast<double>(slot.budget.left_permille(now)) / 1000;
  const auto worse = [](breaker_state left, breaker_state right) {
    constexpr auto rank = [](breaker_state each) {
      return each == breaker_state::open ? 2 : each == breaker_state::half_open ? 1 : 0;
    };
    return rank(left) < rank(right) ? right : left;
  };
  std::int64_t known = 0;
  std::chrono::microseconds sum{0};
  for (const auto& [model, target] : slot.targets) {
    seen.breakers.push_back(told(model, target, now));
    seen.breaker = worse(seen.breaker, target.breaker.state());
    if (const auto latency = target.latency_of_late(now); latency.count() != 0) {
      sum += latency;
      ++known;
    }
  }
  if (known != 0)
    seen.average_latency = std::chrono::ceil<milliseconds>(sum / known);
}

} // namespace

// --- modes -----------------------------------------------------------------------------------------------

run_mode supervisor_state::mode() const {
  const auto says = [this](run_mode which) { return config_->mode == which || ordered_ == which; };
  if (says(run_mode::offline))
    return run_mode::offline;
  const bool no_books = pressure_ && pressure_->type == errc::read_only;
  return says(run_mode::read_only) || no_books ? run_mode::read_only : run_mode::normal;
}

/// Why a call is refused if there are so many then, itself included.
std::optional<failure> supervisor_state::refusal(std::size_t calls) const {
  if (drain_until_)
    return make_failure(errc::cancelled, "weir is stopping");
  if (mode() == run_mode::offline)
    return make_failure(errc::offline, "weir is offline", "mode");
  if (mode() == run_mode::read_only && !(pressure_ && pressure_->type == errc::read_only))
    return make_failure(errc::read_only, "weir is read-only, and a call would have to be booked", "mode");
  if (pressure_)
    return pressure_;
  if (calls <= config_->limits.max_in_flight)
    return std::nullopt;
  failure full = make_failure(
      errc::overloaded, "there are " + std::to_string(config_->limits.max_in_flight) + " calls in flight",
      "limits.max_in_flight");
  full.retry_after = milliseconds{1'000};
  return full;
}

void supervisor_state::change_mode(const set_mode& order) {
  const run_mode before = mode();
  ordered_ = order.mode;
  announce_mode(before);
}

void supervisor_state::adopt(const snapshot_ptr& next) {
  const run_mode before = mode();
  if (next->mode != config_->mode)
    ordered_ = run_mode::normal;
  config_ = next;
  roster_->adopt(next, now());
  announce_mode(before);
}

void supervisor_state::press(ledger_pressure& news) {
  const run_mode before = mode();
  pressure_ = std::move(news.refuse);
  if (pressure_)
    alerts_.raise(pressure_->type, {}, pressure_->message, world_->wall_clock());
  announce_mode(before);
}

void supervisor_state::announce_mode(run_mode before) {
  if (mode() == before)
    return;
  log().warn("{} goes from {} to {}", name, to_string(before), to_string(mode()));
  for (const auto& [who, slot] : roster_->slots())
    if (slot->handle)
      self_->send(slot->handle, set_mode{mode()});
}

// --- time ------------------------------------------------------------------------------------------------

void supervisor_state::somebody_died(const caf::down_msg& death) {
  if (death.source == books_.address()) {
    // Only a fault of ours ends them before us. What cannot be booked must not be sent.
    ledger_pressure lost{
        make_failure(errc::read_only, "the books have ended: " + to_failure(death.reason).message)};
    return press(lost);
  }
  if (const slot_ptr slot = roster_->on_death(death, now())) {
    alerts_.raise(errc::server_error, slot->setup->config.name,
                  "the provider's actor died: " + to_failure(death.reason).message, world_->wall_clock());
    if (!slot->handle)
      ticker_.arm(self_, slot->revives_at);
  }
  leave_when_alone();
}

void supervisor_state::on_tick() {
  const time_point at = now();
  ticker_.arrived(at);
  const time_point next_revival = roster_->revive(at);
  const auto take_due = [&](due_calls& from, auto&& then) {
    while (!from.empty() && from.begin()->first <= at) {
      const call_ref which = from.begin()->second;
      from.erase(from.begin());
      if (open_call* const open = find(which))
        then(*open);
    }
  };
  take_due(waiting_, [this](open_call& open) { proceed(open); });
  while (!slow_.empty() && slow_.begin()->first <= at) {
    open_call& open = *find(slow_.begin()->second);
    open.hedge_due.reset();
    slow_.erase(slow_.begin());
    hedge(open);
  }
  while (!deadlines_.empty() && deadlines_.begin()->first <= at)
    abandon(*find(deadlines_.begin()->second),
            make_failure(errc::timeout, "the call's deadline passed", "timeout"));
  continue_drain();
  for (const due_calls* each : {&deadlines_, &waiting_, &slow_})
    if (!each->empty())
      ticker_.arm(self_, each->begin()->first);
  if (next_revival != time_point::max())
    ticker_.arm(self_, next_revival);
}

// --- health and the end ----------------------------------------------------------------------------------

supervisor_state::health_promise supervisor_state::check(const health_query& question) {
  struct round {
    promise_guard<health_report, caf::error> answer;
    health_report report;
    std::size_t missing = 0;
  };
  health_promise promise = self_->make_response_promise<health_report>();
  const auto asked = std::make_shared<round>(round{{promise, stopped}, {}, 0});
  health_report& report = asked->report;
  report.mode = mode();
  report.refusing = refusal(calls_.size() + 1);
  report.alerts = alerts_.all();
  report.config_version = config_->version;
  report.calls_in_flight = static_cast<std::uint32_t>(calls_.size());
  const auto wanted = [&question](const provider_name& who) {
    return question.provider.empty() || question.provider == who;
  };
  for (const auto& [who, why] : roster_->unusable()) {
    if (!wanted(who))
      continue;
    provider_health& entry = report.providers.emplace_back();
    entry.name = who;
    entry.reachable = false;
    entry.last_error = why;
  }
  const auto arrived = [this, asked](const slot_ptr& slot, provider_health seen) {
    add_supervision(seen, *slot, now());
    asked->report.providers.push_back(std::move(seen));
    if (--asked->missing == 0) {
      std::ranges::sort(asked->report.providers, {}, &provider_health::name);
      asked->answer.deliver(std::move(asked->report));
    }
  };
  std::vector<slot_ptr> answering;
  for (const auto& [who, slot] : roster_->slots())
    if (wanted(who))
      answering.push_back(slot);
  asked->missing = answering.size() + 1; // and us, who come last
  for (const slot_ptr& slot : answering) {
    if (!slot->handle) {
      provider_health seen;
      seen.reachable = false;
      seen.last_error = make_failure(errc::server_error, "the provider's actor is about to be started anew");
      arrived(slot, std::move(seen));
      continue;
    }
    self_->request(slot->handle, caf::infinite, provider_probe{question.probe})
        .then([arrived, slot](provider_health& seen) { arrived(slot, std::move(seen)); },
              [arrived, slot](caf::error& reason) {
                provider_health seen;
                seen.last_error = to_failure(reason);
                arrived(slot, std::move(seen));
              });
  }
  if (--asked->missing == 0) {
    std::ranges::sort(report.providers, {}, &provider_health::name);
    asked->answer.deliver(std::move(report));
  }
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

/// Answers who drains when nothing is out any more; ends what is left when the shortest patience is over. An
/// attempt whose end waits for a sick disk is not waited for: who flushes the books next is told of it.
void supervisor_state::continue_drain() {
  constexpr milliseconds grace{500}; // for what was cancelled to end
  if (drain_answers_.empty())
    return;
  if (now() >= *drain_until_ && !calls_.empty()) {
    open_calls left;
    left.swap(calls_);
    cancelled_ = static_cast<std::uint32_t>(left.size());
    for (auto& [id, open] : left)
      abandon(open, make_failure(errc::cancelled, "weir is stopping"));
  }
  const bool is_out = !calls_.empty() || attempts_out_ != 0;
  if (const time_point last = *drain_until_ + grace; is_out && now() < last)
    return ticker_.arm(self_, now() < *drain_until_ ? *drain_until_ : last);
  for (drain_guard& each : std::exchange(drain_answers_, {}))
    each.deliver(drained{cancelled_});
}

} // namespace weir::actors
