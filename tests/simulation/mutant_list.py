"""The mutants: (name, file, exact old text, new text). The old text stands in the file exactly once."""

BREAKER = "actors/policy/breaker.cpp"
BACKOFF = "actors/policy/backoff.cpp"
FAILOVER = "actors/policy/failover.cpp"
BOOKING = "actors/policy/booking.cpp"
ERRORS = "actors/policy/error_policy.cpp"
SUPERVISOR = "actors/retry_supervisor.cpp"
ROSTER = "actors/provider_roster.cpp"
PROVIDER = "actors/provider.cpp"
STREAM = "actors/provider_stream.cpp"
ATTEMPT = "actors/open_attempt.cpp"
CREDIT = "actors/open_stream.cpp"
MANAGER = "actors/manager.cpp"
BOOKS = "actors/usage_accumulator.cpp"

MUTANTS = [
    # --- circuit breaker
    ("opens only above the share of failures", BREAKER, "failures * 100 >= calls", "failures * 100 > calls"),
    ("needs one call more than the minimum", BREAKER, "calls >= config_.min_calls", "calls > config_.min_calls"),
    ("counts failures for ever", BREAKER, "newest - part.number >= static_cast<std::int64_t>(window_.size()) || part.number < 0", "newest < 0 || part.number < 0"),
    ("time spent open does not grow", BREAKER, "  ++rounds_open_;\n", ""),
    ("time spent open has no cap", BREAKER, "time = std::min(time * 2, config_.max_open_time);", "time = time * 2;"),
    ("closing begins no generation", BREAKER, "  ++generation_;\n  state_ = breaker_state::closed;", "  state_ = breaker_state::closed;"),
    ("closing forgets nothing", BREAKER, "  window_.fill(slice{});\n", ""),
    ("closing keeps the rounds spent open", BREAKER, "  rounds_open_ = 0;\n", ""),
    ("a stale success counts", BREAKER, "void circuit_breaker::success(const permit& of, time_point now) {\n  if (of.generation != generation_)\n    return;", "void circuit_breaker::success(const permit& of, time_point now) {"),
    ("a stale failure counts", BREAKER, "void circuit_breaker::failure(const permit& of, time_point now) {\n  if (of.generation != generation_)\n    return;", "void circuit_breaker::failure(const permit& of, time_point now) {"),
    ("a released probe is not given back", BREAKER, "  if (of.generation == generation_)\n    forget_probe(of.probe);", "  static_cast<void>(of);"),
    ("lost probes are waited for", BREAKER, "  if (lost)\n    open(now);", "  static_cast<void>(lost);"),
    ("one probe too many", BREAKER, "probes_.size() + probe_successes_ >= config_.half_open_permits", "probes_.size() + probe_successes_ > config_.half_open_permits"),
    ("never half-open", BREAKER, "state_ == breaker_state::open && now >= reopens_at_", "state_ == breaker_state::open && now < reopens_at_"),
    ("one successful probe is enough", BREAKER, "++probe_successes_ >= config_.half_open_permits) {", "++probe_successes_ >= 1) {"),
    ("successes of earlier probes stay", BREAKER, "  probe_successes_ = 0;\n}", "}"),
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
    ("one retry of a class too many", FAILOVER, "done >= rule->second.max_retries", "done > rule->second.max_retries"),
    ("retries of a class are not counted", FAILOVER, "    ++retries_by_class_[static_cast<std::size_t>(error.type)];\n", ""),
    ("one retry more than the provider's cap", FAILOVER, "retries_here_ >= provider_cap.value_or(UINT32_MAX)", "retries_here_ > provider_cap.value_or(UINT32_MAX)"),
    ("nothing is kept for the other candidates", FAILOVER, "attempts_ + reserved >= rules.max_total_attempts", "attempts_ >= rules.max_total_attempts + 0 * reserved"),
    ("a hint of any length is waited for", FAILOVER, "*error.retry_after > rules.max_retry_after", "*error.retry_after > rules.max_retry_after * 1'000'000"),
    ("waits beyond the deadline", FAILOVER, "return wait < remaining ? std::optional{wait} : std::nullopt;", "return wait < remaining + std::chrono::hours{24} ? std::optional{wait} : std::nullopt;"),
    ("retries what is not retryable", FAILOVER, "rule == rules.rules.end() || !error.retryable", "rule == rules.rules.end()"),
    ("a new candidate inherits the counters", FAILOVER, "  retries_here_ = 0;\n", ""),
    ("the last candidate is asked twice", FAILOVER, "candidate_ + 1 < candidates_", "candidate_ < candidates_"),
    # --- error table
    ("rate limits open the breaker", ERRORS, "return {true, true, false};", "return {true, true, true};"),
    ("a refusal is taken elsewhere", ERRORS, "  case errc::token_limit:\n  case errc::content_filter: // another provider must not be used to get around a refusal\n", "  case errc::token_limit:\n    return give_up;\n  case errc::content_filter:\n    return elsewhere;\n"),
    # --- booking
    ("an unknown end is booked as settled", BOOKING, "record.state = record_state::unknown;", "record.state = record_state::settled;"),
    ("a refusal is booked as never sent", BOOKING, "  case outcome::rejected_unprocessed:\n    record.state = record_state::settled;", "  case outcome::rejected_unprocessed:\n    record.state = record_state::void_attempt;"),
    ("what was never sent is booked as unknown", BOOKING, "record.state = record_state::void_attempt;", "record.state = record_state::unknown;"),
    ("a success has no usage", BOOKING, "    record.usage = end->usage;\n", ""),
    ("a success does not name its request", BOOKING, "    record.request_id = end->metadata.request_id;\n", ""),
    # --- supervisor
    ("successes are not reported", SUPERVISOR, "    breaker.success(of.permit, now());", "    static_cast<void>(0);"),
    ("permits are not given back", SUPERVISOR, "    breaker.release(of.permit);", "    static_cast<void>(0);"),
    ("retries after the first delta", SUPERVISOR, "  if (end.delivered)\n    return fail", "  if (false)\n    return fail"),
    ("a lost attempt is not booked", SUPERVISOR, "  self_->send(books_, policy::make_record(facts,", "  if (false)\n    self_->send(books_, policy::make_record(facts,"),
    ("an abandoned attempt goes on", SUPERVISOR, "    self_->send(open.active->handle, cancel_attempt{open.active->id});\n", ""),
    ("deadlines are not watched", SUPERVISOR, "    if (open.work.deadline <= at)\n      late.push_back(id);", "    if (false)\n      late.push_back(id);"),
    ("back-off is not waited for", SUPERVISOR, "    const time_point due = now() + next.wait;", "    const time_point due = now();"),
    ("the drain does not end calls", SUPERVISOR, "now() >= *drain_until_ && !calls_.empty()", "now() >= *drain_until_ && calls_.empty()"),
    ("the drain does not wait for attempts", SUPERVISOR, "  --attempts_out_;\n", ""),
    ("calls are admitted while the books are full", SUPERVISOR, "  if (pressure_)\n    return pressure_;\n", ""),
    ("one call too many is admitted", SUPERVISOR, "calls_.size() > config_->limits.max_in_flight", "calls_.size() > config_->limits.max_in_flight + 1"),
    # --- providers
    ("a dead provider is not started anew", ROSTER, "  slot.handle = spawn_(slot.setup);\n}\n\nvoid provider_roster::dismiss", "}\n\nvoid provider_roster::dismiss"),
    ("one attempt too many in flight", PROVIDER, "  if (in_flight_.size() < setup_->config.max_concurrency) {", "  if (in_flight_.size() <= setup_->config.max_concurrency) {"),
    ("the queue has no bound", PROVIDER, "queue_.size() < setup_->config.max_queue", "queue_.size() < setup_->config.max_queue * 100UL"),
    ("a failed exchange frees no place", PROVIDER, "    finish(std::move(open), std::move(error));\n    return fill_places();", "    return finish(std::move(open), std::move(error));"),
    ("who waits has no deadline", PROVIDER, "return open->work().deadline <= now; };", "return open->work().deadline > now && open->work().deadline < now; };"),
    ("the deadline does not bound the exchange", PROVIDER, "std::min(most, until(open->work().deadline, now()))", "std::max(most, until(open->work().deadline, now()))"),
    ("the first token may come late", STREAM, "if (stream->first_token_by() <= at)", "if (stream->first_token_by() < time_point{})"),
    ("the sink's last batch is kept", STREAM, "    push(*open, true);", "    push(*open, false);"),
    ("a dead sink does not end its stream", STREAM, "      open->cancel(make_failure(errc::cancelled, \"the sink of the stream has ended\"));\n  std::erase_if", "      static_cast<void>(0);\n  std::erase_if"),
    ("the sink's credit is passed over", CREDIT, "pending_.empty() || (waiting_ && !last)", "pending_.empty()"),
    ("bytes are not granted back", CREDIT, "held_ >= smallest_grant ? std::exchange(held_, 0) : 0", "held_ >= smallest_grant ? 0 : 0"),
    ("a dying actor does not book", ATTEMPT, "  end(std::move(lost), began_);", "  static_cast<void>(lost);"),
    ("a dying actor takes what was sent for unsent", ATTEMPT, "exchange_ == 0 ? outcome::not_sent : outcome::unknown", "exchange_ == 0 ? outcome::not_sent : outcome::not_sent"),
    # --- manager and books
    ("cancellation is not passed on", MANAGER, "  self_->send(supervisor_, which);", "  static_cast<void>(which);"),
    ("a failed batch is forgotten", BOOKS, "  retrying_ = true;\n  settle_waiters(true);", "  in_commit_.reset();\n  settle_waiters(true);"),
    ("the books never press", BOOKS, "!pressing_ && waiting >= limits_.max_pending", "!pressing_ && waiting > limits_.max_pending * 1000ULL"),
]
