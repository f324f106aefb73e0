// What comes after an attempt: another one, or the answer. Each function either makes the next step or
// answers, never both.
#include "actors/log.hpp"
#include "actors/policy/routing.hpp"
#include "actors/retry_supervisor.hpp"
#include "protocols/reply_builder.hpp"

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

/// Says of a stream that broke, and from which nobody could go on, why not.
failure broken_for_good(failure broke, const failure& refused) {
  broke.message += "; it could not be gone on from: " + to_string(refused);
  return broke;
}

} // namespace

// --- after a failed attempt ------------------------------------------------------------------------------

void supervisor_state::decide(open_call& open, const ticket& of, attempt_end& end) {
  // A hedge was asked further down the list: the call goes on from there.
  while (open.plan.candidate() < of.candidate)
    open.plan.skip_candidate();
  const failure& error = end.outcome.error();
  if (end.delivered && !may_go_on(open, end))
    return give_up(open, end);
  if (error.type == errc::token_limit)
    keep_larger(open);
  policy::failed_attempt what{.error = error,
                              .rules = open.work.config->retry,
                              .budget = of.slot->budget,
                              .provider_cap = of.slot->setup->config.max_retries};
  what.other_key = end.other_key;
  what.patience = open.work.config->limits.queue_patience;
  what.reroute_content_filter = open.work.route != nullptr && open.work.route->reroute_content_filter;
  what.least_time = std::chrono::floor<milliseconds>(of.target->latency_of_late(now()) / 2);
  what.remaining = std::chrono::floor<milliseconds>(open.work.deadline - now());
  what.now = now();
  what.random = world_->random();
  if (!open.shown.empty() && !open.can_continue(open.candidate()))
    what.provider_cap = 0;
  const policy::decision next = open.plan.after(what);
  if (next.step == policy::next_step::give_up)
    return give_up(open, end);
  open.last = error;
  go_on(open, next, end.delivered);
}

/// Whether another attempt may follow one whose deltas the sink has.
bool supervisor_state::may_go_on(open_call& open, const attempt_end& end) const {
  switch (open.rescue) {
  case rescue_policy::fail:
  case rescue_policy::buffer: // never shown
    return false;
  case rescue_policy::restart:
    return true;
  case rescue_policy::continue_stream:
    break;
  }
  open.take_up(end.partial);
  if (!end.resumable)
    return false;
  open.broke = end.outcome.error();
  if (!open.shown.empty())
    open.keep_later([&open](const route_candidate& each) { return open.can_continue(each); });
  return true;
}

/// A request that is too long for a model may fit a larger one, and no other.
void supervisor_state::keep_larger(open_call& open) const {
  const auto window_of = [&](const route_candidate& where) {
    const model_config* const model = policy::model_at(*open.work.config, where);
    return model == nullptr ? 0 : model->context_window;
  };
  const route_candidate here = open.candidate();
  const std::uint32_t window = window_of(here);
  open.keep_later([&](const route_candidate& each) {
    const std::uint32_t other = window_of(each);
    return window != 0 && other != 0 ? other > window : each.model != here.model;
  });
}

void supervisor_state::give_up(open_call& open, attempt_end& end) {
  failure error = end.outcome.error();
  if (!end.delivered)
    end.partial.clear(); // nobody has seen it
  if (open.rescue != rescue_policy::continue_stream)
    return fail(open, std::move(error), std::move(end.partial));
  if (end.delivered || !open.broke)
    return fail(open, std::move(error), open.shown);
  fail(open, broken_for_good(std::move(*open.broke), error), open.shown);
}

void supervisor_state::go_on(open_call& open, const policy::decision& next, bool shown) {
  if (!shown || open.rescue != rescue_policy::restart)
    return begin_anew(open, next.wait);
  // The sink drops what it has before anybody begins anew.
  const call_ref which = ref(open);
  self_
      ->request(open.work.sink, caf::infinite,
                delta_batch{which.id, {{chat_delta::kind::restart, {}, 0, {}, {}}}})
      .then(
          [this, which, pause = next.wait](more_deltas) {
            if (open_call* const same = find(which))
              begin_anew(*same, pause);
          },
          [this, which](const caf::error& reason) {
            if (open_call* const same = find(which))
              fail(*same,
                   make_failure(errc::cancelled, "the sink takes no more: " + to_failure(reason).message));
          });
}

void supervisor_state::begin_anew(open_call& open, milliseconds pause) {
  if (pause.count() <= 0)
    return proceed(open);
  wait(open, now() + pause);
}

void supervisor_state::wait(open_call& open, time_point due) {
  open.wait = std::chrono::ceil<milliseconds>(due - now());
  waiting_.emplace(due, ref(open));
  ticker_.arm(self_, due);
}

// --- a call ends -----------------------------------------------------------------------------------------

void supervisor_state::succeed(open_call& open, chat_reply reply) {
  drop_active(open, make_failure(errc::cancelled, "another attempt has answered"));
  if (!open.shown.empty()) { // the reply goes on where the sink stands
    if (!reply.parts.empty())
      reply.parts.insert(reply.parts.begin(), text_part{open.shown});
    open.take_up(reply.content);
    reply.content = open.shown;
  }
  if (open.work.sink && !open.shows()) {
    std::vector<chat_delta> deltas;
    protocols::append_deltas(reply, deltas);
    if (!deltas.empty())
      tell_sink(open, std::move(deltas));
  }
  if (open.work.sink && !open.work.request->gather) {
    reply.content.clear();
    reply.reasoning.clear();
    reply.parts.clear();
  }
  reply.success = true;
  answer(open, std::move(reply));
}

/// The last deltas of a call: nobody waits for the sink's answer.
void supervisor_state::tell_sink(const open_call& open, std::vector<chat_delta> deltas) {
  self_->request(open.work.sink, caf::infinite, delta_batch{open.work.id, std::move(deltas)})
      .then([](more_deltas) {}, [](const caf::error&) {});
}

/// `partial`: the content that the sink has.
void supervisor_state::fail(open_call& open, failure error, std::string partial) {
  chat_reply reply;
  reply.model = open.work.request->model;
  reply.metadata.request_id = error.request_id;
  if (open.work.request->gather)
    reply.content = std::move(partial);
  reply.error = std::move(error);
  answer(open, std::move(reply));
}

void supervisor_state::answer(open_call& open, chat_reply reply) {
  reply.metadata.call = open.work.id;
  reply.metadata.attempts = std::move(open.attempts);
  reply.metadata.latency = std::chrono::duration_cast<std::chrono::microseconds>(now() - open.work.begin);
  open.answer.deliver(std::move(reply));
  deadlines_.erase(open.deadline);
  if (open.hedge_due)
    slow_.erase(*open.hedge_due);
  calls_.erase(call_id{open.work.id});
  continue_drain();
}

/// Tells what is out to end; each is booked when it does.
void supervisor_state::drop_active(open_call& open, const failure& error) {
  for (const active_attempt& each : open.active) {
    self_->send(each.handle, cancel_attempt{each.id});
    attempt_info& info = open.attempts[each.info];
    info.error = error.type;
    info.message = error.message;
    info.latency = std::chrono::duration_cast<std::chrono::microseconds>(now() - each.began);
  }
  open.active.clear();
}

/// Ends a call whose attempts may still be out.
void supervisor_state::abandon(open_call& open, const failure& error) {
  failure told = error;
  if (!open.active.empty()) {
    told.provider = open.attempts[open.active.front().info].provider.str();
    told.fate = outcome::unknown;
    drop_active(open, error);
  }
  fail(open, std::move(told), open.shown);
}

/// Why no candidate could be asked: what the last attempt failed of, or that every circuit breaker is open.
failure supervisor_state::nobody_left(const open_call& open) const {
  if (open.last)
    return *open.last;
  failure closed = make_failure(errc::circuit_open,
                                "no candidate can be asked: their circuit breakers are open, or they are "
                                "not in service");
  const time_point start = now();
  for (const route_candidate& each : open.work.candidates) {
    const slot_ptr slot = roster_->find(each.provider);
    if (!slot && open.work.candidates.size() == 1)
      return roster_->why_unusable(each.provider)
          .value_or(make_failure(errc::config,
                                 "the provider '" + each.provider.str() + "' is not in service any more"));
    if (!slot)
      continue;
    const policy::circuit_breaker& breaker = slot->target(each.model).breaker;
    const milliseconds resort = config_->breaker.last_resort;
    time_point again = slot->handle ? breaker.reopens_at() : slot->revives_at;
    if (breaker.state() == breaker_state::half_open) // its probes are out, and may take long
      again = breaker.last_trial() + (resort.count() > 0 ? resort : milliseconds{1'000});
    else if (slot->handle && resort.count() > 0)
      again = std::min(again, breaker.last_trial() + resort);
    const auto pause = std::max(std::chrono::ceil<milliseconds>(again - start), milliseconds{0});
    closed.retry_after = std::min(closed.retry_after.value_or(pause), pause);
  }
  return closed;
}

} // namespace weir::actors
