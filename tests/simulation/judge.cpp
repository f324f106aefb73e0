// The invariants that can be seen while a history goes on.
#include "tests/simulation/judge.hpp"

#include <algorithm>
#include <limits>

namespace weir::simulation {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t most_violations = 20;

/// A call begins when the manager reads it, and times are rounded up to milliseconds.
constexpr milliseconds slip{10};

/// A rate limit of ours may be used up at once by so much.
std::uint64_t burst_of(std::uint64_t per_minute) {
  return std::max<std::uint64_t>(per_minute / 6, 1);
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
          "records_name_their_request",
          "usage_is_as_billed",
          "concurrency_is_bounded",
          "requests_per_minute_are_bounded",
          "queues_are_bounded",
          "retries_are_within_the_budget",
          "waits_as_the_server_asked",
          "heeds_x_should_retry",
          "no_attempt_after_the_first_token",
          "no_restart_without_policy",
          "nothing_is_shown_before_a_buffered_reply_is_whole",
          "the_sink_has_the_reply",
          "a_failed_reply_has_what_was_shown",
          "no_post_after_the_deadline",
          "no_post_after_the_answer",
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
  if (violations.size() < most_violations)
    violations.push_back({std::string(invariant), trace::seconds(now_()), std::move(what)});
}

judge::call_state* judge::find(std::uint64_t call) {
  return call < calls_.size() ? &calls_[static_cast<std::size_t>(call)] : nullptr;
}

judge::site& judge::site_of(call_state& call, const post& what) {
  for (site& each : call.sites)
    if (each.host == what.host && each.model == what.said.model)
      return each;
  return call.sites.emplace_back(site{what.host, what.said.model, {}, 0, {}, false});
}

void judge::unsure(const std::string& host) {
  host_state& state = hosts_[host];
  state.posts.clear();
  ++state.fresh_buckets;
  state.unsure_until = now_() + milliseconds{130'000};
}

template <class Value>
std::uint64_t judge::most(Value of) const {
  std::uint64_t largest = 0;
  for (std::size_t n = configs_.size(); n-- != 0;) {
    largest = std::max<std::uint64_t>(largest, of(*configs_[n].second));
    if (configs_[n].first + settling < now_())
      break;
  }
  return largest;
}

template <class Value>
std::uint64_t judge::most_of(const std::string& host, Value of) const {
  return most([&](const snapshot& config) -> std::uint64_t {
    const provider_config* const found = config.find(provider_name(host));
    return found == nullptr ? 0 : of(*found);
  });
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
  const route_config* const route = route_for(*call.config, plan.request.model);
  const rescue_policy policy = plan.request.rescue.value_or(
      route == nullptr ? rescue_policy::fail : route->rescue.value_or(rescue_policy::fail));
  // Whether the route, or another configuration, counts cannot be known shortly after a reload.
  const bool unknown = !plan.request.rescue && configs_.back().first + settling >= now_();
  call.may_rescue = unknown || policy == rescue_policy::restart || policy == rescue_policy::continue_stream;
  call.may_restart = unknown || policy == rescue_policy::restart;
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

void judge::check_call(call_state& call, const post& what) {
  const std::uint64_t number = call.plan.number;
  if (what.at >= call.deadline + slip)
    blame("no_post_after_the_deadline", fmt::format("post {} of call {}", what.number, number));
  if (what.at + what.limit > call.deadline + slip)
    blame("no_post_after_the_deadline", fmt::format("post {} of call {} has {} ms, which is beyond it",
                                                    what.number, number, what.limit.count()));
  if (call.answered && *call.answered + settling < what.at)
    blame("no_post_after_the_answer", fmt::format("post {} of call {}", what.number, number));
  if (call.plan.uses_tools)
    return; // its rounds are calls of their own
  if (++call.posts > most([](const snapshot& config) { return config.retry.max_total_attempts; }) &&
      call.posts > call.config->retry.max_total_attempts)
    blame("attempts_are_bounded", fmt::format("call {} has {} posts", number, call.posts));
  if (call.first_shown && !call.may_rescue && *call.first_shown + settling < what.at)
    blame("no_attempt_after_the_first_token", fmt::format("post {} of call {}", what.number, number));
  check_retry(call, what);
}

void judge::check_retry(call_state& call, const post& what) {
  site& place = site_of(call, what);
  const bool other_key = place.posts != 0 && place.last_key != what.said.key;
  if (!other_key && what.at < place.not_before)
    blame("waits_as_the_server_asked",
          fmt::format("post {} of call {} to {} comes {} ms early", what.number, call.plan.number, what.host,
                      std::chrono::ceil<milliseconds>(place.not_before - what.at).count()));
  if (!other_key && place.never)
    blame("heeds_x_should_retry", fmt::format("post {} of call {}", what.number, call.plan.number));
  if (place.posts++ != 0 && !other_key) {
    host_state& host = hosts_[what.host];
    ++host.retries;
    const retry_budget_config& budget = call.config->retry.budget;
    const auto age =
        static_cast<std::uint64_t>(milliseconds{1 + what.at.time_since_epoch() / milliseconds{1}}.count());
    const auto refill = static_cast<std::uint64_t>(budget.refill_time.count());
    const std::uint64_t earned = budget.tokens * 1'000ULL * host.fresh_buckets +
                                 host.successes * budget.per_success_permille +
                                 (refill == 0 ? 0 : age * 1'000 / refill) + 1'000;
    if (budget.enabled && host.retries * 1'000 > earned)
      blame("retries_are_within_the_budget",
            fmt::format("{} retries at {} with {} successes", host.retries, what.host, host.successes));
  }
  place.last_key = what.said.key;
}

void judge::blew_up(const std::string& host) {
  notes_.note(now_(), "crash", 0, host);
  host_state& state = hosts_[host];
  state.posts.clear();
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
  if (how_.plant == planted_fault::lying_bill && by.head.status == 429)
    bills_[static_cast<std::size_t>(what.number - 1)].billed = true;
  call_state* const call = find(what.said.call);
  if (call == nullptr || how != by.label || by.head.status < 400)
    return;
  site& place = site_of(*call, what);
  place.never = place.never || by.do_not_retry;
  note_hint(*call, place, by);
}

/// When the call may come again. A date is read against the wall clock as it is now, in whole seconds.
void judge::note_hint(const call_state& call, site& place, const answer& by) const {
  milliseconds least = by.hint.value_or(milliseconds{0});
  milliseconds most = least;
  if (by.hint_until) {
    most = *by.hint_until - std::chrono::floor<std::chrono::seconds>(wall_());
    least = most - std::chrono::seconds{1};
    if (most > std::chrono::hours{24})
      return; // the clock has jumped: no hint
  }
  if (least <= milliseconds{0})
    return;
  const milliseconds cap = call.config->retry.max_retry_after;
  if (least > cap)
    place.not_before = time_point::max();
  else if (most <= cap)
    place.not_before =
        std::max(place.not_before, now_() + least * (how_.plant == planted_fault::secret_hint ? 3 : 1));
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
  for (const provider_health& each : health.providers) {
    const std::string& name = each.name.str();
    const auto room = [&](const provider_config& of) { return of.max_queue; };
    std::uint64_t most_queued = 0;
    // Who waits already, stays when the queue becomes shorter.
    for (const auto& [when, config] : configs_)
      if (const provider_config* const of = config->find(each.name))
        most_queued = std::max<std::uint64_t>(most_queued, room(*of));
    if (each.queued > most_queued)
      blame("queues_are_bounded", fmt::format("{} wait at {}, {} may", each.queued, name, most_queued));
  }
}

} // namespace weir::simulation
