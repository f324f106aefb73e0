// The server's own hint of when to come back, from a response's header fields.
// Knows no policy: what is made of the hint is decided elsewhere.
#pragma once

#include "protocols/http_message.hpp"

#include <chrono>
#include <optional>

namespace weir::protocols {

/// `retry-after-ms` (milliseconds), else `retry-after` (seconds, or an HTTP date against the response's own
/// `date`, else against `now`). Fractions round up. Nothing for what is malformed, not positive, in the past,
/// or more than a day away: a hint that cannot be meant.
std::optional<std::chrono::milliseconds> retry_after(const http_response& response,
                                                     std::chrono::sys_seconds now);

} // namespace weir::protocols
