// Integer arithmetic throughout, so that a simulation repeats its waits to the millisecond.
#include "actors/policy/backoff.hpp"

#include <algorithm>

namespace weir::policy {

namespace {

/// The rule's delay before jitter, in milliseconds, never above `max_delay`.
std::int64_t plain_delay(const retry_rule& rule, std::uint32_t retry) noexcept {
  const std::int64_t cap = rule.max_delay.count();
  std::int64_t delay = std::min(rule.base_delay.count(), cap);
  switch (rule.backoff) {
  case backoff_kind::fixed:
    return delay;
  case backoff_kind::linear:
    return delay > 0 && retry > cap / delay ? cap : delay * retry;
  case backoff_kind::exponential:
    // Stops at the cap, so that neither the loop nor the product can run away.
    for (std::uint32_t n = 1; n < retry && delay < cap; ++n) {
      const std::int64_t grown = delay * rule.factor_permille / 1000;
      if (grown <= delay)
        break;
      delay = std::min(grown, cap);
    }
    return delay;
  }
  return delay;
}

} // namespace

milliseconds backoff_delay(const retry_rule& rule, std::uint32_t retry,
                           std::optional<milliseconds> server_hint, bool jitter,
                           std::uint64_t random) noexcept {
  std::int64_t delay = std::max<std::int64_t>(plain_delay(rule, std::max(retry, 1U)), 0);
  if (jitter && delay > 0)
    delay = 1 + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(delay));
  if (server_hint)
    delay = std::max<std::int64_t>(delay, server_hint->count());
  return milliseconds{delay};
}

} // namespace weir::policy
