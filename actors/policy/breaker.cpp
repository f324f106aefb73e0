// Transitions of the circuit breaker. Every change of state starts a new generation.
#include "actors/policy/breaker.hpp"

#include <algorithm>

namespace weir::policy {

namespace {

std::int64_t slice_number(time_point now, milliseconds window, std::size_t slices) {
  const auto width =
      std::max<std::int64_t>(std::chrono::nanoseconds{window}.count() / static_cast<std::int64_t>(slices), 1);
  return now.time_since_epoch().count() / width;
}

} // namespace

circuit_breaker::slice& circuit_breaker::slice_at(time_point now) {
  const std::int64_t number = slice_number(now, config_.window, window_.size());
  slice& found = window_[static_cast<std::size_t>(number) % window_.size()];
  if (found.number != number)
    found = slice{number, 0, 0};
  return found;
}

bool circuit_breaker::broken(time_point now) const {
  const std::int64_t newest = slice_number(now, config_.window, window_.size());
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  for (const slice& part : window_) {
    if (newest - part.number >= static_cast<std::int64_t>(window_.size()) || part.number < 0)
      continue;
    calls += part.successes + part.failures;
    failures += part.failures;
  }
  return calls >= config_.min_calls && failures * 100 >= calls * config_.failure_percent;
}

void circuit_breaker::open(time_point now) {
  milliseconds time = std::min(config_.open_time, config_.max_open_time);
  for (std::uint32_t round = 0; round < rounds_open_ && time < config_.max_open_time; ++round)
    time = std::min(time * 2, config_.max_open_time);
  ++rounds_open_;
  ++generation_;
  state_ = breaker_state::open;
  reopens_at_ = now + time;
  probes_.clear();
}

void circuit_breaker::half_open() {
  ++generation_;
  state_ = breaker_state::half_open;
  probe_successes_ = 0;
}

void circuit_breaker::close() {
  ++generation_;
  state_ = breaker_state::closed;
  rounds_open_ = 0;
  window_.fill(slice{});
  probes_.clear();
}

void circuit_breaker::configure(const breaker_config& config) {
  config_ = config;
  // Where fewer probes are asked for than have succeeded already, no other would ever be let out to say so.
  if (state_ == breaker_state::half_open && probe_successes_ >= config_.half_open_permits)
    close();
}

void circuit_breaker::expire_probes(time_point now) {
  const bool lost = std::ranges::any_of(probes_, [now](const probe& out) { return out.deadline <= now; });
  if (lost)
    open(now);
}

bool circuit_breaker::forget_probe(std::uint64_t id) {
  return std::erase_if(probes_, [id](const probe& out) { return out.id == id; }) != 0;
}

std::optional<permit> circuit_breaker::acquire(time_point now, time_point probe_deadline) {
  if (state_ == breaker_state::half_open)
    expire_probes(now);
  if (state_ == breaker_state::open && now >= reopens_at_)
    half_open();
  switch (state_) {
  case breaker_state::closed:
    return permit{generation_, 0};
  case breaker_state::open:
    return std::nullopt;
  case breaker_state::half_open:
    if (probes_.size() + probe_successes_ >= config_.half_open_permits)
      return std::nullopt;
    probes_.push_back({++last_probe_, probe_deadline});
    return permit{generation_, last_probe_};
  }
  return std::nullopt;
}

void circuit_breaker::success(const permit& of, time_point now) {
  if (of.generation != generation_)
    return;
  if (state_ == breaker_state::closed) {
    ++slice_at(now).successes;
  } else if (forget_probe(of.probe) && ++probe_successes_ >= config_.half_open_permits) {
    close();
  }
}

void circuit_breaker::failure(const permit& of, time_point now) {
  if (of.generation != generation_)
    return;
  if (state_ == breaker_state::closed) {
    ++slice_at(now).failures;
    if (broken(now))
      open(now);
  } else if (forget_probe(of.probe)) {
    open(now);
  }
}

void circuit_breaker::release(const permit& of) {
  if (of.generation == generation_)
    forget_probe(of.probe);
}

} // namespace weir::policy
