// Transitions of the circuit breaker. Every change of state starts a new generation.
#include "actors/policy/breaker.hpp"

#include <algorithm>
#include <utility>

namespace weir::policy {

namespace {

std::int64_t slice_number(time_point now, milliseconds window, std::size_t slices) {
  const auto width =
      std::max<std::int64_t>(std::chrono::nanoseconds{window}.count() / static_cast<std::int64_t>(slices), 1);
  return now.time_since_epoch().count() / width;
}

/// Whether `part` of `whole` is at least so many percent.
bool reaches(std::uint64_t part, std::uint64_t whole, std::uint64_t percent) {
  return part * 100 >= whole * percent;
}

/// A time that is up to `percent` longer or shorter.
milliseconds spread(milliseconds time, std::uint32_t percent, std::uint64_t random) {
  const std::int64_t reach = time.count() * percent / 100;
  if (reach <= 0)
    return time;
  return time - milliseconds{reach} +
         milliseconds{static_cast<std::int64_t>(random % (2 * static_cast<std::uint64_t>(reach) + 1))};
}

} // namespace

bool circuit_breaker::is_slow(std::optional<std::chrono::microseconds> first_token) const noexcept {
  return first_token && config_.slow_after.count() > 0 && *first_token > config_.slow_after;
}

circuit_breaker::counts& circuit_breaker::slice_at(time_point now) {
  const std::int64_t number = slice_number(now, config_.window, window_.size());
  slice& found = window_[static_cast<std::size_t>(number) % window_.size()];
  if (found.number != number)
    found = slice{number, {}};
  return found.seen;
}

circuit_breaker::counts circuit_breaker::counted(time_point now) const {
  const std::int64_t newest = slice_number(now, config_.window, window_.size());
  counts all;
  for (const slice& part : window_) {
    if (newest - part.number >= static_cast<std::int64_t>(window_.size()) || part.number < 0)
      continue;
    all.calls += part.seen.calls;
    all.failures += part.seen.failures;
    all.slow += part.seen.slow;
    all.timed += part.seen.timed;
  }
  return all;
}

/// Opens if what the window holds is too bad.
void circuit_breaker::judge(time_point now, std::uint64_t random) {
  const counts all = counted(now);
  if (all.calls >= config_.min_calls && reaches(all.failures, all.calls, config_.failure_percent))
    open(now, random, std::to_string(all.failures) + " of " + std::to_string(all.calls) + " calls failed");
  else if (all.timed >= config_.min_calls && all.slow > 0 &&
           reaches(all.slow, all.timed, config_.slow_percent))
    open(now, random, std::to_string(all.slow) + " of " + std::to_string(all.timed) + " streams were slow");
}

void circuit_breaker::open(time_point now, std::uint64_t random, std::string cause) {
  milliseconds time = std::min(config_.open_time, config_.max_open_time);
  for (std::uint32_t round = 0; round < rounds_open_ && time < config_.max_open_time; ++round)
    time = std::min(time * 2, config_.max_open_time);
  ++rounds_open_;
  ++generation_;
  state_ = breaker_state::open;
  reopens_at_ = now + std::min(spread(time, config_.jitter_percent, random), config_.max_open_time);
  last_trial_ = now;
  cause_ = std::move(cause);
  probes_.clear();
}

void circuit_breaker::half_open(std::string cause) {
  ++generation_;
  state_ = breaker_state::half_open;
  cause_ = std::move(cause);
  probes_.clear();
  probe_successes_ = 0;
  slow_probes_ = 0;
  early_ = false;
}

void circuit_breaker::close(std::string cause) {
  ++generation_;
  state_ = breaker_state::closed;
  cause_ = std::move(cause);
  rounds_open_ = 0;
  window_.fill(slice{});
  probes_.clear();
}

void circuit_breaker::configure(const breaker_config& config) {
  // Slices of another width hold another time.
  if (config.window != config_.window)
    window_.fill(slice{});
  config_ = config;
  // Where fewer probes are asked for than have succeeded already, no other would ever be let out to say so.
  if (state_ == breaker_state::half_open && probe_successes_ >= config_.half_open_permits)
    close("fewer probes are asked for");
}

void circuit_breaker::expire_probes(time_point now, std::uint64_t random) {
  const bool lost = std::ranges::any_of(probes_, [now](const probe& out) { return out.deadline <= now; });
  if (lost)
    probe_failed(now, random, "a probe was lost");
}

bool circuit_breaker::forget_probe(std::uint64_t id) {
  return std::erase_if(probes_, [id](const probe& out) { return out.id == id; }) != 0;
}

permit circuit_breaker::let_out_probe(time_point now, time_point deadline) {
  probes_.push_back({++last_probe_, deadline});
  last_trial_ = now;
  return {generation_, last_probe_};
}

std::optional<permit> circuit_breaker::acquire(time_point now, time_point probe_deadline,
                                               std::uint64_t random) {
  if (state_ == breaker_state::half_open)
    expire_probes(now, random);
  if (state_ == breaker_state::open && now >= reopens_at_)
    half_open("it is time to try again");
  switch (state_) {
  case breaker_state::closed:
    return permit{generation_, 0};
  case breaker_state::open:
    return std::nullopt;
  case breaker_state::half_open:
    if (probes_.size() + probe_successes_ >= config_.half_open_permits)
      return std::nullopt;
    return let_out_probe(now, probe_deadline);
  }
  return std::nullopt;
}

permit circuit_breaker::acquire_early(time_point now, time_point probe_deadline) {
  if (state_ == breaker_state::closed)
    return {generation_, 0};
  if (state_ == breaker_state::open) {
    half_open("nobody else could be asked");
    early_ = now < reopens_at_;
  }
  return let_out_probe(now, probe_deadline);
}

/// A probe that was let out before its time must not make the breaker stay open for longer.
void circuit_breaker::probe_failed(time_point now, std::uint64_t random, std::string cause) {
  const time_point until = reopens_at_;
  const bool again = early_ && until > now;
  if (again)
    --rounds_open_;
  open(now, random, std::move(cause));
  if (again)
    reopens_at_ = until;
}

/// All probes have succeeded; whether they were fast enough is the question.
void circuit_breaker::end_round(time_point now, std::uint64_t random) {
  if (slow_probes_ > 0 && reaches(slow_probes_, probe_successes_, config_.slow_percent))
    open(now, random,
         std::to_string(slow_probes_) + " of " + std::to_string(probe_successes_) + " probes were slow");
  else
    close(std::to_string(probe_successes_) + " probes succeeded");
}

void circuit_breaker::success(const permit& of, time_point now,
                              std::optional<std::chrono::microseconds> first_token, std::uint64_t random) {
  if (of.generation != generation_)
    return;
  const bool slow = is_slow(first_token);
  if (state_ == breaker_state::closed) {
    counts& here = slice_at(now);
    ++here.calls;
    here.timed += first_token ? 1 : 0;
    here.slow += slow ? 1 : 0;
    if (slow)
      judge(now, random);
  } else if (forget_probe(of.probe)) {
    slow_probes_ += slow ? 1 : 0;
    if (++probe_successes_ >= config_.half_open_permits)
      end_round(now, random);
  }
}

void circuit_breaker::failure(const permit& of, time_point now, std::uint64_t random) {
  if (of.generation != generation_)
    return;
  if (state_ == breaker_state::closed) {
    counts& here = slice_at(now);
    ++here.calls;
    ++here.failures;
    judge(now, random);
  } else if (forget_probe(of.probe)) {
    probe_failed(now, random, "a probe failed");
  }
}

void circuit_breaker::release(const permit& of) {
  if (of.generation == generation_)
    forget_probe(of.probe);
}

} // namespace weir::policy
