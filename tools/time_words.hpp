// Moments, spans and sizes as people type them: `7d`, `this-month`, `90d`, `2GiB`.
// Knows no option and no clock: what time it is, it is told.
#pragma once

#include <weir/calendar.hpp>
#include <weir/error.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace weir::tools {

/// A span with its unit: `500ms`, `10s`, `5m`, `24h`, `7d`, `2w`. Errors (`invalid_request`): another text,
/// zero, or more than a hundred years.
result<std::chrono::milliseconds> parse_span(std::string_view text);

/// A moment. A span means so long ago; `now`, `today`, `yesterday`, `this-hour`, `this-month`, `last-month`
/// mean where that begins in the zone, and so does a date alone; `2026-11-24T12:00:00Z` and Unix seconds are
/// what they are. Errors: `invalid_request`.
result<timestamp> parse_moment(std::string_view text, timestamp now, const time_zone& zone);

/// A number of bytes: `1000000`, `500MB`, `2GiB`. Errors (`invalid_request`): another text, or zero.
result<std::uint64_t> parse_size(std::string_view text);

/// Bytes for people, to a tenth: `1.5 GiB`, `12 B`.
std::string size_words(std::uint64_t bytes);

/// A span in its largest whole unit: `90d`, `36h`, `500ms`.
std::string span_words(std::chrono::milliseconds span);

} // namespace weir::tools
