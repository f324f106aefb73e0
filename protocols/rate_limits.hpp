// What a response's header fields say of the provider's rate limits.
// Knows no policy: what is made of them is decided elsewhere.
#pragma once

#include "protocols/http_message.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace weir::protocols {

/// One limit. What was not said, or cannot be meant, is nothing.
struct rate_limit {
  std::optional<std::uint64_t> limit;             ///< of its window, mostly a minute
  std::optional<std::uint64_t> remaining;         ///< of it
  std::optional<std::chrono::milliseconds> reset; ///< until all of it is there again; rounded up

  friend bool operator==(const rate_limit&, const rate_limit&) = default;
};

/// The limits of a response.
struct rate_limits {
  rate_limit requests;
  rate_limit tokens;

  friend bool operator==(const rate_limits&, const rate_limits&) = default;
};

/// Reads `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` (OpenAI and its like; a reset is a Go
/// duration such as `1m12.3s`, or seconds) and `anthropic-ratelimit-{requests,tokens,input-tokens,
/// output-tokens}-{limit,remaining,reset}` (a reset is a time of RFC 3339, against `now`). Where there are
/// limits of input and output alone, the tokens are their sum; whichever of them has nothing left makes the
/// tokens have nothing left until its own reset. Ignored, field by field: what is malformed, negative, larger
/// than 10¹², a limit of 0, or a reset more than a day away; one that is past is 0.
rate_limits decode_rate_limits(const http_fields& fields, std::chrono::sys_seconds now);

} // namespace weir::protocols
