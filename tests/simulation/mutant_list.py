"""The mutants: (name, file, exact old text, new text). The old text stands in the file exactly once."""

BREAKER = "actors/policy/breaker.cpp"
BACKOFF = "actors/policy/backoff.cpp"
FAILOVER = "actors/policy/failover.cpp"
BUDGET = "actors/policy/retry_budget.cpp"
ORDERING = "actors/policy/ordering.cpp"
BOOKING = "actors/policy/booking.cpp"
ERRORS = "actors/policy/error_policy.cpp"
LIMITER = "actors/policy/limiter.cpp"
TOLD = "actors/policy/told_limits.cpp"
KEYS = "actors/policy/key_ring.cpp"
ADMISSION = "actors/admission.cpp"
REFUSALS = "actors/admission_refusals.cpp"
SUPERVISOR = "actors/retry_supervisor.cpp"
DECISIONS = "actors/supervisor_decisions.cpp"
SERVICE = "actors/supervisor_service.cpp"
CALL = "actors/open_call.cpp"
ROSTER = "actors/provider_roster.cpp"
PROVIDER = "actors/provider.cpp"
STREAM = "actors/provider_stream.cpp"
ATTEMPT = "actors/open_attempt.cpp"
CREDIT = "actors/open_stream.cpp"
MANAGER = "actors/manager.cpp"
BOOKS = "actors/usage_accumulator.cpp"
BOOKS_BUDGETS = "actors/accumulator_budgets.cpp"
HELD = "actors/held_answers.cpp"

MUTANTS = [
    # --- circuit breaker
    ("opens only above the share of failures", BREAKER, "return part * 100 >= whole * percent;", "return part * 100 > whole * percent;"),
    ("needs one call more than the minimum", BREAKER, "all.calls >= config_.min_calls", "all.calls > config_.min_calls"),
    ("counts failures for ever", BREAKER, "newest - part.number >= static_cast<std::int64_t>(window_.size()) || part.number < 0", "newest < 0 || part.number < 0"),
    ("time spent open does not grow", BREAKER, "  ++rounds_open_;\n", ""),
    ("jitter goes beyond the longest time open", BREAKER, "std::min(spread(time, config_.jitter_percent, random), config_.max_open_time)", "spread(time, config_.jitter_percent, random)"),
    ("jitter only makes it longer", BREAKER, "return time - milliseconds{reach} +", "return time +"),
    ("closing begins no generation", BREAKER, "  ++generation_;\n  state_ = breaker_state::closed;", "  state_ = breaker_state::closed;"),
    ("closing forgets nothing", BREAKER, "  window_.fill(slice{});\n  probes_.clear();", "  probes_.clear();"),
    ("closing keeps the rounds spent open", BREAKER, "  rounds_open_ = 0;\n", ""),
    ("a stale success counts", BREAKER, "std::uint64_t random) {\n  if (of.generation != generation_)\n    return;\n  const bool slow", "std::uint64_t random) {\n  const bool slow"),
    ("a stale failure counts", BREAKER, "void circuit_breaker::failure(const permit& of, time_point now, std::uint64_t random) {\n  if (of.generation != generation_)\n    return;", "void circuit_breaker::failure(const permit& of, time_point now, std::uint64_t random) {"),
    ("a released probe is not given back", BREAKER, "  if (of.generation == generation_)\n    forget_probe(of.probe);", "  static_cast<void>(of);"),
    ("lost probes are waited for", BREAKER, "  if (lost)\n    probe_failed", "  if (false && lost)\n    probe_failed"),
    ("one probe too many", BREAKER, "probes_.size() + probe_successes_ >= config_.half_open_permits", "probes_.size() + probe_successes_ > config_.half_open_permits"),
    ("never half-open", BREAKER, "state_ == breaker_state::open && now >= reopens_at_", "state_ == breaker_state::open && now < reopens_at_"),
    ("one successful probe is enough", BREAKER, "if (++probe_successes_ >= config_.half_open_permits)", "if (++probe_successes_ >= 1)"),
    ("successes of earlier probes stay", BREAKER, "  probe_successes_ = 0;\n", ""),
    ("slow streams are not counted", BREAKER, "    here.slow += slow ? 1 : 0;\n", ""),
    ("plain calls hide slow streams", BREAKER, "reaches(all.slow, all.timed, config_.slow_percent)", "reaches(all.slow, all.calls, config_.slow_percent)"),
    ("slow probes close it", BREAKER, "if (slow_probes_ > 0 && reaches", "if (slow_probes_ > 1000 && reaches"),
    ("early probes escalate", BREAKER, "  if (again)\n    --rounds_open_;\n", ""),
    ("an early probe makes it stay open for longer", BREAKER, "  if (again)\n    reopens_at_ = until;\n", ""),
    ("a reload to fewer probes leaves it half-open", BREAKER, "  if (state_ == breaker_state::half_open && probe_successes_ >= config_.half_open_permits)\n    close", "  if (false)\n    close"),
    # --- backoff
    ("grows once too often", BACKOFF, "n < retry && delay < cap", "n <= retry && delay < cap"),
    ("has no cap", BACKOFF, "delay = std::min(grown, cap);", "delay = grown;"),
    ("linear does not grow", BACKOFF, "cap : delay * retry;", "cap : delay;"),
    ("jitter may wait for nothing", BACKOFF, "delay = 1 + static_cast", "delay = 0 * static_cast"),
    ("the server's hint is passed over", BACKOFF, "    delay = std::max<std::int64_t>(delay, server_hint->count());", "    delay = std::max<std::int64_t>(delay, 0);"),
    ("the server's hint is shortened", BACKOFF, "std::max<std::int64_t>(delay, server_hint->count())", "std::max<std::int64_t>(delay, server_hint->count() / 2)"),
    # --- failover
    ("one attempt too many", FAILOVER, "attempts_ >= rules.max_total_attempts)\n    return false;", "attempts_ > rules.max_total_attempts)\n    return false;"),
    ("one unknown repeat too many", FAILOVER, "unknown_repeats_ < rules.max_unknown_repeats", "unknown_repeats_ <= rules.max_unknown_repeats"),
    ("unknown repeats are not counted", FAILOVER, "    ++unknown_repeats_;", "    static_cast<void>(0);"),
    ("the last unknown repeat is made at the same candidate", FAILOVER, "if (another && broke_off(error) && unknown_repeats_", "if (false && unknown_repeats_"),
    ("a server's error is taken for a broken exchange", FAILOVER, "error.status_code < 300", "error.status_code < 600"),
    ("who could not be reached in time has answered late", FAILOVER, "error.fate == outcome::not_sent ? errc::network : error.type", "error.fate == outcome::not_sent ? errc::timeout : error.type"),
    ("one retry of a class too many", FAILOVER, "done >= rule->second.max_retries", "done > rule->second.max_retries"),
    ("retries of a class are not counted", FAILOVER, "      ++retries_by_class_[static_cast<std::size_t>(ruled_class(error))];\n", ""),
    ("one retry more than the provider's cap", FAILOVER, "retries_here_ >= what.provider_cap.value_or", "retries_here_ > what.provider_cap.value_or"),
    ("nothing is kept for the other candidates", FAILOVER, "attempts_ + reserved >= what.rules.max_total_attempts", "attempts_ >= what.rules.max_total_attempts + 0 * reserved"),
    ("a hint of any length is waited for", FAILOVER, "*error.retry_after > what.rules.max_retry_after", "*error.retry_after > what.rules.max_retry_after * 1'000'000"),
    ("a hint is waited for although another can be asked", FAILOVER, "*error.retry_after > what.patience", "*error.retry_after > milliseconds::max() - 0 * what.patience"),
    ("waits beyond the deadline", FAILOVER, "return wait < what.remaining - what.least_time", "return wait < what.remaining + std::chrono::hours{24}"),
    ("leaves no time for the retry", FAILOVER, "return wait < what.remaining - what.least_time", "return wait < what.remaining"),
    ("retries what is not retryable", FAILOVER, "rule == what.rules.rules.end() || !error.retryable", "rule == what.rules.rules.end()"),
    ("a new candidate inherits the counters", FAILOVER, "  ++candidate_;\n  retries_here_ = 0;\n  retries_by_class_.fill(0);\n", "  ++candidate_;\n"),
    ("the last candidate is asked twice", FAILOVER, "candidate_ + 1 < candidates_", "candidate_ < candidates_"),
    ("another key does not help", FAILOVER, "  allowed.retry_here |= what.other_key;\n", ""),
    ("another key has to wait", FAILOVER, "  if (what.other_key)\n    return milliseconds{0};\n", ""),
    ("another key counts as a retry", FAILOVER, "    if (!what.other_key) {\n", "    if (true) {\n"),
    ("another key spends the budget", FAILOVER, "wait && !what.other_key && !what.budget", "wait && !what.budget"),
    ("the budget is not asked", FAILOVER, "if (wait && !what.other_key && !what.budget.spend(what.now))", "if (false)"),
    # --- retry budget
    ("retries cost nothing", BUDGET, "  permille_ -= token;\n", ""),
    ("each success pays for a whole retry", BUDGET, "permille_ + rules_.per_success_permille", "permille_ + token"),
    ("time brings no token back", BUDGET, "    permille_ += std::min(back, std::uint64_t{rules_.tokens}) * token;\n", ""),
    ("begun time is lost", BUDGET, "refilled_ += static_cast<std::int64_t>(back) * rules_.refill_time;", "refilled_ = now;"),
    # --- order of candidates
    ("weights are not heeded", ORDERING, "if (at < candidates[n].weight)", "if (at < 1)"),
    ("a value's home is not heeded", ORDERING, "  if (sticky)\n", "  if (false)\n"),
    ("who fails is asked first for his speed", ORDERING, "std::pair(facts[n].fails, facts[n].latency)", "std::pair(false, facts[n].latency)"),
    ("an unknown price is the lowest", ORDERING, "std::tuple(facts[n].fails, !known,", "std::tuple(facts[n].fails, known,"),
    # --- error table
    ("rate limits open the breaker", ERRORS, "return {true, true, false};", "return {true, true, true};"),
    ("a wrong request is taken elsewhere", ERRORS, "  case errc::invalid_request: // wrong everywhere\n", "  case errc::invalid_request:\n    return elsewhere;\n"),
    ("a refusal is taken elsewhere", ERRORS, "return reroute_content_filter ? elsewhere : give_up;", "return elsewhere;"),
    # --- booking
    ("an unknown end is booked as settled", BOOKING, "record.state = record_state::unknown;", "record.state = record_state::settled;"),
    ("a refusal is booked as never sent", BOOKING, "  case outcome::rejected_unprocessed:\n    record.state = record_state::settled;", "  case outcome::rejected_unprocessed:\n    record.state = record_state::void_attempt;"),
    ("what was never sent is booked as unknown", BOOKING, "record.state = record_state::void_attempt;", "record.state = record_state::unknown;"),
    ("a success has no usage", BOOKING, "    record.usage = end->usage;\n", ""),
    ("a success does not name its request", BOOKING, "    record.request_id = end->metadata.request_id;\n", ""),
    # --- limits and keys
    ("tokens are not corrected", LIMITER, "    tokens.give_back(attempt.reserved - *attempt.used, now);", "    static_cast<void>(0);"),
    ("a hold is passed over", TOLD, "  keep_if_longer(longest, {held_for(now), wait_cause::hold});\n", ""),
    ("a whole minute's requests may go at once", LIMITER, "bursts_per_minute = 6;", "bursts_per_minute = 1;"),
    ("a refused key does not rest", KEYS, "  refuse(*which, why, which->quarantine, now);\n", ""),
    ("refused keys are tried at once", KEYS, "return last + trial_interval;", "return last;"),
    ("an expected wait refuses nobody", REFUSALS, "if (wait.time > patience || patience.count() <= 0)", "if (false)"),
    ("a place is not given back", ADMISSION, "  limiter_.end(end, now);\n", ""),
    ("a newcomer takes nobody's place", ADMISSION, "  if (queue_.size() <= config().max_queue)\n", "  if (queue_.size() <= 1000 * config().max_queue)\n"),
    # --- supervisor: reports
    ("successes are not reported", SUPERVISOR, "    breaker.success(of.permit, now(), end.first_token, world_->random());\n", ""),
    ("permits are not given back", SUPERVISOR, "    breaker.release(of.permit);", "    static_cast<void>(0);"),
    ("who is blameless is blamed", SUPERVISOR, "if (end.blameless || !policy", "if (!policy"),
    ("hurried calls count", SUPERVISOR, "return !hurried;", "return hurried || !hurried;"),
    ("successes do not fill the budget", SUPERVISOR, "    of.slot->budget.success(now());\n", ""),
    ("nobody notes who failed of late", SUPERVISOR, "    of.target->failed_at = now();\n", ""),
    ("a lost attempt is not booked", SUPERVISOR, "  caf::anon_send(books_, policy::make_record(facts,", "  if (false)\n    caf::anon_send(books_, policy::make_record(facts,"),
    # --- supervisor: attempts
    ("a due step is taken for a later call of the same id", SUPERVISOR, "found == calls_.end() || found->second.serial != which.serial ?", "found == calls_.end() ?"),
    ("deadlines are not watched", SUPERVISOR, "open.work.deadline + deadline_grace, ref(open)", "open.work.deadline + std::chrono::hours{24}, ref(open)"),
    ("what is offline is let through", SUPERVISOR, "  if (mode() == run_mode::offline)\n    return fail(open", "  if (false)\n    return fail(open"),
    ("an abandoned attempt goes on", DECISIONS, "    self_->send(each.handle, cancel_attempt{each.id});\n", ""),
    ("a hedge that lost goes on", DECISIONS, "  drop_active(open, make_failure(errc::cancelled, \"another attempt has answered\"));\n", ""),
    ("a hedge needs no budget", SUPERVISOR, "if (hedge && !slot->budget.spend(now()))", "if (false)"),
    ("a hedge that failed is asked again", SUPERVISOR, "  if (of.candidate > open.plan.candidate())\n    open.drop_candidate(of.candidate);\n", ""),
    ("a hedge gets around a refusal", SUPERVISOR, "  if (is_final(open, error)) {", "  if (false) {"),
    ("a hedge is one attempt too many", SUPERVISOR, "open.plan.attempts() >= open.work.config->retry.max_total_attempts)", "open.plan.attempts() > open.work.config->retry.max_total_attempts)"),
    ("the last resort is asked without a pause", SUPERVISOR, "    if (now() < target.breaker.last_trial() + pause)\n      return false;\n", ""),
    ("nobody is the last resort", SUPERVISOR, "  if (pause.count() == 0)\n", "  if (pause.count() >= 0)\n"),
    ("nobody waits for a revival", SUPERVISOR, "  if (!slot || slot->handle || slot->revives_at >= open.work.deadline)\n    return false;\n", "  if (now() != time_point{})\n    return false;\n"),
    ("who can be asked elsewhere is patient", SUPERVISOR, "  if (has_other(open, of.candidate))\n", "  if (false)\n"),
    # --- supervisor: decisions
    ("retries after the first delta", DECISIONS, "if (end.delivered && !may_go_on(open, end))", "if (false)"),
    ("the call goes back to whom the hedge passed", DECISIONS, "while (open.plan.candidate() < of.candidate)", "while (false)"),
    ("a request that is too long goes to who is no larger", DECISIONS, "if (error.type == errc::token_limit)", "if (false)"),
    ("back-off is not waited for", DECISIONS, "wait(open, now() + pause);", "wait(open, now());"),
    ("the sink is not told of a restart", DECISIONS, "if (!shown || open.rescue != rescue_policy::restart)", "if (true)"),
    ("a restart begins before the sink has heard of it", DECISIONS, "[this, which, pause = next.wait](more_deltas) {\n            if (open_call* const same = find(which))\n              begin_anew(*same, pause);\n          },", "[begun = (begin_anew(open, next.wait), 0)](more_deltas) {},"),
    ("a stream is gone on from by any model", DECISIONS, "keep_later([&open](const route_candidate& each) { return open.can_continue(each); });", "keep_later([](const route_candidate&) { return true; });"),
    ("a stream is gone on from at any end", DECISIONS, "  if (!end.resumable)\n    return false;\n", ""),
    ("what was shown is not told", DECISIONS, "    reply.content = std::move(partial);\n", "    static_cast<void>(0);\n"),
    ("a whole reply is not shown", DECISIONS, "if (open.work.sink && !open.shows()) {", "if (false) {"),
    ("a continued request does not have what was shown", CALL, "  if (!shown.empty()) {\n", "  if (false) {\n"),
    ("the gap is shown twice", SUPERVISOR, "  next.gap = open.gap();\n", ""),
    ("the gap is told twice", CALL, "shown += content.substr(static_cast<std::size_t>(repeated));", "shown += content.substr(0 * static_cast<std::size_t>(repeated));"),
    # --- supervisor: modes, admission, the drain
    ("what waits at a provider is sent although weir is offline", PROVIDER, "  if (offline_)\n    end_waiting(is_offline());", "  static_cast<void>(0);"),
    ("who set the mode is forgotten", SERVICE, "mode() == run_mode::read_only && !(pressure_ && pressure_->type == errc::read_only)", "mode() == run_mode::read_only"),
    ("an order outlives a reload", SERVICE, "  if (next->mode != config_->mode)\n    ordered_ = run_mode::normal;\n", ""),
    ("calls are admitted while the books are full", SERVICE, "  if (pressure_)\n    return pressure_;\n", ""),
    ("one call too many is admitted", SERVICE, "calls <= config_->limits.max_in_flight", "calls <= config_->limits.max_in_flight + 1"),
    ("the drain does not end calls", SERVICE, "now() >= *drain_until_ && !calls_.empty()", "now() >= *drain_until_ && calls_.empty()"),
    ("the drain does not wait for attempts", SERVICE, "const bool is_out = !calls_.empty() || attempts_out_ != 0;", "const bool is_out = !calls_.empty();"),
    # --- providers
    ("a dead provider is not started anew", ROSTER, "  if (slot.quick_deaths < 2)\n    start(slot, now);", "  if (slot.quick_deaths < 2)\n    slot.revives_at = now + std::chrono::hours{24};"),
    ("who dies again and again does not rest", ROSTER, "  if (slot.quick_deaths < 2)\n", "  if (true)\n"),
    ("the rest does not grow", ROSTER, "    rest *= 2;", "    rest *= 1;"),
    ("a failed exchange frees no place", PROVIDER, "    finish(std::move(open), std::move(error));\n    return fill_places();", "    return finish(std::move(open), std::move(error));"),
    ("the deadline does not bound the exchange", PROVIDER, "      std::min(open.work().deadline, open.place()->at", "      std::max(open.work().deadline, open.place()->at"),
    ("the first token may come late", STREAM, "stream->first_token_by() <= at)", "stream->first_token_by() < time_point{})"),
    ("the sink's last batch is kept", STREAM, "    push(*open, true);", "    push(*open, false);"),
    ("a dead sink does not end its stream", STREAM, "      give_up(*open, why);\n", "      static_cast<void>(0);\n"),
    ("a sink is shown what came too late", STREAM, "if (!open.cancelled() || open.has_delivered())", "if (true)"),
    ("the sink's credit is passed over", CREDIT, "pending_.empty() || (waiting_ && !last)", "pending_.empty()"),
    ("what the sink has is not counted", CREDIT, "content_sent_ += each.type == chat_delta::kind::content ? each.text.size() : 0;", "content_sent_ += 0 * each.text.size();"),
    ("the gap that it has is not counted", CREDIT, "    content_sent_ += static_cast<std::size_t>(rest - each->text.begin());\n", ""),
    ("bytes are not granted back", CREDIT, "held_ >= smallest_grant ? std::exchange(held_, 0) : 0", "held_ >= smallest_grant ? 0 : 0"),
    ("a dying actor does not book", ATTEMPT, "  end(std::move(lost), began_);", "  static_cast<void>(lost);"),
    ("a dying actor takes what was sent for unsent", ATTEMPT, "is_sent() ? outcome::unknown : outcome::not_sent", "is_sent() ? outcome::not_sent : outcome::not_sent"),
    ("a provider is blamed for a slow sink", ATTEMPT, "|| answer_lost_ || held_up;", "|| answer_lost_;"),
    # --- manager and books
    ("cancellation is not passed on", MANAGER, "  self_->send(supervisor_, which);", "  static_cast<void>(which);"),
    ("a failed batch is forgotten", BOOKS, "  retrying_ = true;\n  press();", "  in_commit_.reset();\n  press();"),
    ("an intent is not waited for", BOOKS_BUDGETS, "  if (waits_for_disk())\n    held_.hold(health_.booked + 1, promise, true);", "  if (false)\n    held_.hold(health_.booked + 1, promise, true);"),
    ("a settlement is not waited for", BOOKS, "waits_for_disk() && done.record.state != record_state::void_attempt", "false && done.record.state != record_state::void_attempt"),
    ("an answer is released before its batch is durable", BOOKS, "  retrying_ = false;\n  ++tries_;\n", "  retrying_ = false;\n  ++tries_;\n  held_.release_all();\n"),
    ("an intent that failed is sent", HELD, "    record->who.deliver(to_error(why));\n    return true;", "    record->who.deliver(booked{});\n    return true;"),
    ("a budget is not asked", BOOKS_BUDGETS, "if (auto refused = budgets_.reserve(intent, intent.cost_limit.has_value()))", "if (auto refused = budgets_.reserve(intent, intent.cost_limit.has_value()); false)"),
    ("what was spent before is counted twice", BOOKS, "(in_commit_ && !retrying_) || seeds_out_ != 0", "in_commit_ && !retrying_"),
    ("a cancelled stream is read on for ever", STREAM, "    if (open->drain_until() <= at)\n", "    if (open->drain_until() <= time_point{})\n"),
    ("any number of streams is read on", STREAM, "draining_ < mine.max_draining", "draining_ < 1'000'000"),
    ("what is unknown is booked as nothing", ATTEMPT, "    known.seen = guessed_usage();\n", "    known.seen = token_usage{};\n"),
    ("a stream may pass the ceiling", STREAM, "      if (auto over = open.over_ceiling())", "      if (auto over = open.over_ceiling(); false)"),
    ("what earlier attempts cost does not count", SUPERVISOR, "    (void)open.gone.add(*end.cost);", "    (void)open.gone;"),
    ("the books never press", BOOKS, "else if (waiting >= limits_.max_pending ||", "else if (waiting > limits_.max_pending * 1000ULL ||"),
]
