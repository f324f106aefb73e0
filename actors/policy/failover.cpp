// The decision after a failed attempt, in the order: is a repeat allowed at all, here, elsewhere.
#include "actors/policy/failover.hpp"

#include "actors/policy/backoff.hpp"
#include "actors/policy/error_policy.hpp"

namespace weir::policy {

namespace {

/// The exchange broke off after the request was sent, or brought a success that cannot be read: the provider
/// may have done, and billed, the work. A 5xx answer is not meant here: there the provider itself says that
/// it failed.
bool broke_off(const failure& error) noexcept {
  return error.fate == outcome::unknown && (error.type == errc::network || error.type == errc::timeout ||
                                            (error.type == errc::server_error && error.status_code < 300));
}

/// The class whose rule counts: who could not be reached in time was not reached.
errc ruled_class(const failure& error) noexcept {
  return error.type == errc::timeout && error.fate == outcome::not_sent ? errc::network : error.type;
}

} // namespace

void call_plan::skip_candidate() noexcept {
  ++candidate_;
  retries_here_ = 0;
  retries_by_class_.fill(0);
}

void call_plan::rewind() noexcept {
  candidate_ = 0;
  retries_here_ = 0;
  retries_by_class_.fill(0);
}

bool call_plan::may_repeat(const failure& error, const retry_config& rules) const noexcept {
  if (attempts_ >= rules.max_total_attempts)
    return false;
  return !broke_off(error) || unknown_repeats_ < rules.max_unknown_repeats;
}

/// How long to wait before the same candidate is asked again; nothing: it must not be.
std::optional<milliseconds> call_plan::retry_wait(const failed_attempt& what) const noexcept {
  const failure& error = what.error;
  if (what.other_key)
    return milliseconds{0};
  const auto rule = what.rules.rules.find(ruled_class(error));
  if (rule == what.rules.rules.end() || !error.retryable)
    return std::nullopt;
  const std::uint32_t done = retries_by_class_[static_cast<std::size_t>(ruled_class(error))];
  if (done >= rule->second.max_retries || retries_here_ >= what.provider_cap.value_or(UINT32_MAX))
    return std::nullopt;
  // Each candidate that has not been asked yet keeps one attempt for itself: a sick first provider must not
  // spend the whole call.
  const std::size_t reserved = candidates_ - candidate_ - 1;
  if (attempts_ + reserved >= what.rules.max_total_attempts)
    return std::nullopt;
  if (error.retry_after && *error.retry_after > what.rules.max_retry_after)
    return std::nullopt;
  const milliseconds wait =
      backoff_delay(rule->second, done + 1, error.retry_after, what.rules.jitter, what.random);
  return wait < what.remaining - what.least_time ? std::optional{wait} : std::nullopt;
}

decision call_plan::after(const failed_attempt& what) {
  const failure& error = what.error;
  error_policy allowed = policy_for(error.type, what.reroute_content_filter);
  allowed.retry_here |= what.other_key;
  if (!(allowed.retry_here || allowed.retry_elsewhere) || !may_repeat(error, what.rules))
    return {};
  std::optional<milliseconds> wait;
  if (allowed.retry_here)
    wait = retry_wait(what);
  const bool another = allowed.retry_elsewhere && candidate_ + 1 < candidates_;
  // The last repeat that may be billed twice is worth more at somebody else's.
  if (another && broke_off(error) && unknown_repeats_ + 1 >= what.rules.max_unknown_repeats)
    wait.reset();
  if (another && error.retry_after && *error.retry_after > what.patience)
    wait.reset();
  // Asked last, since asking takes the token. Another key is no burden for the provider: the one that failed
  // rests.
  if (wait && !what.other_key && !what.budget.spend(what.now))
    wait.reset();
  if (!wait && !another)
    return {};
  if (broke_off(error))
    ++unknown_repeats_;
  if (wait) {
    if (!what.other_key) {
      ++retries_here_;
      ++retries_by_class_[static_cast<std::size_t>(ruled_class(error))];
    }
    return {next_step::retry_here, *wait};
  }
  skip_candidate();
  return {next_step::next_candidate, milliseconds{0}};
}

} // namespace weir::policy
