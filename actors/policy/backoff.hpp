// How long to wait before a retry. A pure function of rule, count, hint and one random word.
// Knows no clock and no class of error.
#pragma once

#include <weir/config.hpp>

#include <cstdint>
#include <optional>

namespace weir::policy {

/// The wait before retry number `retry` (from 1): the rule's delay (exponential: base·factor^(n−1); linear:
/// base·n; fixed: base), at most `max_delay`; with `jitter` uniform in (0, delay], `random` choosing where.
/// A server's own hint is a floor: it is never undercut and never jittered.
milliseconds backoff_delay(const retry_rule& rule, std::uint32_t retry,
                           std::optional<milliseconds> server_hint, bool jitter,
                           std::uint64_t random) noexcept;

} // namespace weir::policy
