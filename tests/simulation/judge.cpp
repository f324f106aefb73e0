// The invariants that can be seen while a history goes on.
#include "tests/simulation/judge.hpp"

#include <algorithm>
#include <limits>

namespace weir::simulation {

namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t most_of_one_kind = 3;

/// A rate limit of ours may be used up at once by so much.
std::uint64_t burst_of(std::uint64_t per_minute) {
  return std::max<std::uint64_t>(per_minute / 6, 1);
}

/// The route that a request takes, or null.
const route_config* route_of(const snapshot& config, const chat_request& request) {
  const route_config* const named = route_for(config, request.model);
  const auto leads = [&](const route_candidate& each) {
    const provider_config* const to = config.find(each.provider);
    return to != nullptr && to->enabled && (request.provider.empty() || request.provider == each.provider);
  };
  return named != nullptr && std::ranges::any_of(named->candidates, leads) ? named : nullptr;
}

} // namespace

std::vector<std::string_view> invariants() {
  return {"every_call_ends_once",
          "every_call_ends_by_its_deadline",
          "a_cancelled_call_ends_at_once",
          "attempts_are_bounded",
          "attempts_have_one_id",
          "every_attempt_is_booked_once",
          "every_post_is_booked",
          "the_bill_is_in_the_books",
          "nothing_is_sent_before_its_intent_is_durable",
          "an_answer_waits_for_its_settlement",
          "every_intent_has_an_end",
          "records_name_their_request",
          "usage_is_as_billed",
          "concurrency_is_bounded",
          "requests_per_minute_are_bounded",
          "queues_are_bounded",
          "who_waits_gets_a_place",
          "calls_are_bounded",
          "retries_are_within_the_budget",
          "waits_as_the_server_asked",
          "heeds_x_should_retry",
          "backoff_is_waited_for",
          "retries_of_a_class_are_bounded",
          "unknown_repeats_are_bounded",
          "hopeless_requests_are_not_repeated",
          "a_refusal_is_not_taken_elsewhere",
          "a_route_is_followed",
          "candidates_are_asked_in_order",
          "no_attempt_after_the_first_token",
          "no_restart_without_policy",
          "nothing_is_shown_before_a_buffered_reply_is_whole",
          "the_sink_has_the_reply",
          "a_failed_reply_has_what_was_shown",
          "no_post_after_the_deadline",
          "no_post_after_the_answer",
          "no_exchange_outlives_its_call",
          "no_post_while_offline",
          "calls_are_refused_in_a_mode",
          "breakers_recover",
          "counters_come_back_to_zero",
          "a_drain_ends_in_time",
          "the_history_ends"};
}

void judge::blame(std::string_view invariant, std::string what) {
  if (how_.ignore.contains(std::string(invariant))) {
    ++ignored[std::string(invariant)];
    return;
  }
  notes_.note(now_(), "VIOLATION", 0, std::string(invariant) + ": " + what);
  if (++counts_[std::string(invariant)] <= most_of_one_kind)
    violations.push_back({std::string(invariant), trace::seconds(now_()), std::move(what)});
}

judge::call_state* judge::find(std::uint64_t call) {
  return call < calls_.size() ? &calls_[static_cast<std::size_t>(call)] : nullptr;
}

judge::site& judge::site_of(call_state& call, const post& what) {
  for (site& each : call.sites)
    if (each.host == what.host && each.model == what.said.model)
      return each;
  site& made = call.sites.emplace_back();
  made.host = what.host;
  made.model = what.said.model;
  return made;
}

void judge::unsure(const std::string& host) {
  host_state& state = hosts_[host];
  state.posts.clear();
  ++state.fresh_buckets;
  state.unsure_until = now_() + milliseconds{130'000};
}

// --- what the history does -------------------------------------------------------------------------------

void judge::adopted(const snapshot_ptr& config) {
  if (!configs_.empty())
    for (const provider_config& each : configs_.back().second->providers) {
      const provider_config* const next = config->find(each.name);
      if (next == nullptr || !next->enabled)
        unsure(each.name.str());
      else if (next->requests_per_minute != each.requests_per_minute)
        hosts_[each.name.str()].posts.clear();
    }
  configs_.emplace_back(now_(), config);
  notes_.note(now_(), "config", config->version);
}

void judge::went(run_mode mode) {
  mode_ = mode;
  mode_since_ = now_();
  notes_.note(now_(), "mode", 0, to_string(mode));
}

void judge::sent(const planned_call& plan) {
  call_state& call = calls_.emplace_back();
  call.plan = plan;
  call.sent = now_();
  call.config = configs_.back().second;
  call.deadline = call.sent + plan.request.timeout.value();
  call.mode = mode_;
  call.refused = mode_ != run_mode::normal && mode_since_ + settling < now_();
  // Whether a route, or which, counts cannot be known shortly after a reload.
  call.unsure = configs_.size() > 1 && configs_.back().first + settling >= now_();
  call.route = route_of(*call.config, plan.request);
  const route_config* const route = call.route;
  const rescue_policy policy = plan.request.rescue.value_or(
      route == nullptr ? rescue_policy::fail : route->rescue.value_or(rescue_policy::fail));
  const bool unknown = !plan.request.rescue && call.unsure;
  call.may_rescue = unknown || policy == rescue_policy::restart || policy == rescue_policy::continue_stream;
  call.may_restart = unknown || policy == rescue_policy::restart;
  call.may_hedge = call.unsure || (route != nullptr && route->hedge_after.count() != 0);
  deadlines_.emplace(call.deadline + std::chrono::seconds{1}, plan.number);
  ++open_;
  notes_.note(now_(), "call", plan.number, plan.request.model.str());
}

void judge::cancelled(std::uint64_t number) {
  call_state* const call = find(number);
  if (call != nullptr && !call->answered)
    call->cancelled = now_();
  notes_.note(now_(), "cancel", number);
}

// --- posts -----------------------------------------------------------------------------------------------

void judge::posted(const post& what) {
  ++posts;
  if (notes_.verbose())
    notes_.note(now_(), "post", what.number,
                fmt::format("call {} to {} as {} with {}{}", what.said.call, what.host, what.said.model,
                            what.said.key, what.streamed ? ", streamed" : ""));
  else
    notes_.note(now_(), "post", what.number, what.host);
  bills_.push_back({what.said.call, what.host, {}, false, false});
  if (mode_ == run_mode::offline && mode_since_ + settling < now_())
    blame("no_post_while_offline", fmt::format("post {} to {}", what.number, what.host));
  check_host(what);
  if (call_state* const call = find(what.said.call); call != nullptr && what.said.has_call)
    check_call(*call, what);
}

void judge::check_host(const post& what) {
  host_state& host = hosts_[what.host];
  host.posts.push_back(what.at);
  while (host.posts.front() + std::chrono::minutes{1} < what.at)
    host.posts.pop_front();
  if (what.at < host.unsure_until) {
    host.posts.clear();
    return;
  }
  std::uint64_t most_at_once =
      most_of(what.host, [](const provider_config& each) { return each.max_concurrency; });
  if (how_.plant == planted_fault::tight_host)
    most_at_once /= 2;
  if (most_at_once != 0 && what.in_flight > most_at_once)
    blame("concurrency_is_bounded",
          fmt::format("{} in flight at {}, {} are configured", what.in_flight, what.host, most_at_once));
  const std::uint64_t rate =
      most_of(what.host, [](const provider_config& each) { return each.requests_per_minute; });
  const bool limited = rate != 0 && configs_.back().second->find(provider_name(what.host)) != nullptr &&
                       configs_.back().second->find(provider_name(what.host))->requests_per_minute != 0;
  if (limited && host.posts.size() > rate + burst_of(rate) + 1)
    blame("requests_per_minute_are_bounded",
          fmt::format("{} posts to {} in a minute, {} are configured", host.posts.size(), what.host, rate));
}

void judge::blew_up(const std::string& host) {
  notes_.note(now_(), "crash", 0, host);
  host_state& state = hosts_[host];
  state.posts.clear();
  state.crashed = now_();
}

void judge::billed(const post& what, const spoken& text) {
  bill& entry = bills_[static_cast<std::size_t>(what.number - 1)];
  entry.billed = true;
  entry.text = text;
  notes_.note(now_(), "bill", what.number);
}

void judge::answered_well(const post& what) {
  bills_[static_cast<std::size_t>(what.number - 1)].whole = true;
  ++hosts_[what.host].successes;
  if (call_state* const call = find(what.said.call))
    call->whole = true;
}

void judge::ended(const post& what, const answer& by, bool complete, std::string_view how) {
  notes_.note(now_(), complete ? "done" : "end", what.number, how);
  if (how == by.label && by.is == fault::refuse) { // the provider saw nothing of it
    auto& lately = hosts_[what.host].posts;
    if (const auto mine = std::ranges::find(lately, what.at); mine != lately.end())
      lately.erase(mine);
  }
  if (how_.plant == planted_fault::lying_bill && by.head.status == 429)
    bills_[static_cast<std::size_t>(what.number - 1)].billed = true;
  call_state* const call = find(what.said.call);
  if (call == nullptr)
    return;
  // A cancelled stream may be read on for its usage.
  const milliseconds drain{most(
      [](const snapshot& config) {
        return static_cast<std::uint64_t>(config.ledger.cancel_drain_time.count());
      },
      call->answered)};
  const milliseconds after = what.streamed ? settling + drain : settling;
  if (call->answered && *call->answered + after < now_() && !call->plan.uses_tools)
    blame("no_exchange_outlives_its_call", fmt::format("post {} of call {}", what.number, what.said.call));
  if (how == by.label)
    learn(*call, what, by);
  else
    site_of(*call, what).error = errc::none; // what the caller's side makes of it
}

// --- replies ---------------------------------------------------------------------------------------------

void judge::answered(std::uint64_t number, const chat_reply& reply) {
  if (how_.plant == planted_fault::lost_reply && number == 7)
    return;
  call_state* const call = find(number);
  if (call == nullptr)
    return blame("every_call_ends_once", fmt::format("call {} was never made", number));
  const errc error = reply.error ? reply.error->type : errc::none;
  notes_.note(now_(), "reply", number,
              notes_.verbose()
                  ? fmt::format("{} after {} attempts{}", to_string(error), reply.metadata.attempts.size(),
                                reply.error ? ": " + reply.error->message : "")
                  : std::string(to_string(error)));
  if (call->answered)
    return blame("every_call_ends_once", fmt::format("call {} is answered again", number));
  --open_;
  call->answered = now_();
  call->success = reply.success;
  call->error = error;
  call->content = reply.content;
  ++outcomes[std::string(to_string(error))];
  if (reply.success != (error == errc::none))
    blame("every_call_ends_once", fmt::format("call {} neither succeeded nor failed", number));
  if (now_() > call->deadline + std::chrono::seconds{1})
    blame("every_call_ends_by_its_deadline", fmt::format("call {} is late", number));
  if (call->cancelled && *call->cancelled + settling < now_() && !call->plan.uses_tools)
    blame("a_cancelled_call_ends_at_once", fmt::format("call {} was answered later", number));
  for (const attempt_info& each : reply.metadata.attempts)
    call->attempts.push_back(each.id);
  if (reply.metadata.attempts.size() > call->config->retry.max_total_attempts &&
      reply.metadata.attempts.size() >
          most([](const snapshot& config) { return config.retry.max_total_attempts; }))
    blame("attempts_are_bounded",
          fmt::format("call {} has {} attempts", number, reply.metadata.attempts.size()));
  check_refusal(*call);
  check_settled(reply);
}

void judge::check_refusal(const call_state& call) {
  if (!call.refused || mode_ != call.mode)
    return;
  const errc wanted = call.mode == run_mode::offline ? errc::offline : errc::read_only;
  const bool earlier = call.error == errc::model_not_found || call.error == errc::invalid_request ||
                       call.error == errc::config || call.error == errc::cancelled;
  if (call.error != wanted && !earlier)
    blame("calls_are_refused_in_a_mode", fmt::format("call {} was answered {} while {}", call.plan.number,
                                                     to_string(call.error), to_string(call.mode)));
}

void judge::shown(std::uint64_t number, const delta_batch& batch) {
  call_state* const call = find(number);
  if (call == nullptr)
    return;
  notes_.note(now_(), "show", number);
  for (const chat_delta& each : batch.deltas) {
    if (each.type == chat_delta::kind::restart) {
      call->text.clear();
      if (!call->may_restart)
        blame("no_restart_without_policy", fmt::format("the sink of call {}", number));
      continue;
    }
    if (!call->first_shown)
      call->first_shown = now_();
    if (each.type == chat_delta::kind::content)
      call->text += each.text;
  }
  if (how_.plant == planted_fault::changed_text && number % 16 == 0)
    call->text += "?";
  if (call->plan.request.rescue == rescue_policy::buffer && !call->whole)
    blame("nothing_is_shown_before_a_buffered_reply_is_whole", fmt::format("the sink of call {}", number));
}

void judge::look() {
  while (!deadlines_.empty() && deadlines_.begin()->first < now_()) {
    const call_state* const call = find(deadlines_.begin()->second);
    if (!call->answered)
      blame("every_call_ends_by_its_deadline", fmt::format("call {} is still open", call->plan.number));
    deadlines_.erase(deadlines_.begin());
  }
}

void judge::saw(const health_report& health) {
  std::uint32_t most_calls = 0;
  // Who is in already, stays when the limit is lowered.
  for (const auto& [when, config] : configs_)
    most_calls = std::max(most_calls, config->limits.max_in_flight);
  if (health.calls_in_flight > most_calls)
    blame("calls_are_bounded", fmt::format("{} are in flight, {} may", health.calls_in_flight, most_calls));
  for (const provider_health& each : health.providers) {
    const std::string& name = each.name.str();
    const auto room = [&](const provider_config& of) { return of.max_queue; };
    std::uint64_t most_queued = 0;
    // Who waits already, stays when the queue becomes shorter.
    for (const auto& [when, config] : configs_)
      if (const provider_config* const of = config->find(each.name))
        most_queued = std::max<std::uint64_t>(most_queued, room(*of));
    const bool held = each.held_for.count() != 0 || std::ranges::any_of(each.keys, [](const key_health& key) {
                        return key.resting != errc::none;
                      });
    const bool limited = most_of(name, [](const provider_config& of) {
                           return of.requests_per_minute + of.tokens_per_minute + (of.learn_limits ? 1 : 0);
                         }) != 0;
    // Twice in a row, since a hold may have ended this very moment.
    const bool idle = each.queued != 0 && each.in_flight == 0 && !held && !limited;
    auto& since = hosts_[name].idle_since;
    if (idle && since && *since + std::chrono::seconds{1} < now_())
      blame("who_waits_gets_a_place",
            fmt::format("{} wait at {}, and nothing is in flight", each.queued, name));
    since = idle ? std::optional(since.value_or(now_())) : std::nullopt;
    if (each.queued > most_queued)
      blame("queues_are_bounded", fmt::format("{} wait at {}, {} may", each.queued, name, most_queued));
  }
}

} // namespace weir::simulation
