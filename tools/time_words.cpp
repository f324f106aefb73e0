// Reading them.
#include "tools/time_words.hpp"

#include <weir/usage.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

namespace weir::tools {

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> span_units{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", day_ms}, {"w", 7 * day_ms}}};
constexpr milliseconds longest_span{36'525 * day_ms};

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 10> size_units{{{"", 1},
                                                                                 {"B", 1},
                                                                                 {"kB", 1000},
                                                                                 {"KiB", 1ULL << 10U},
                                                                                 {"MB", 1'000'000},
                                                                                 {"MiB", 1ULL << 20U},
                                                                                 {"GB", 1'000'000'000},
                                                                                 {"GiB", 1ULL << 30U},
                                                                                 {"TB", 1'000'000'000'000},
                                                                                 {"TiB", 1ULL << 40U}}};

failure no(std::string_view text, std::string_view expected) {
  return make_failure(errc::invalid_request,
                      "'" + std::string(text.substr(0, 40)) + "' is " + std::string(expected));
}

/// A number and what stands behind it.
struct counted_unit {
  std::uint64_t count = 0;
  std::string_view unit;
};

std::optional<counted_unit> read_counted(std::string_view text) {
  counted_unit found;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found.count);
  if (error != std::errc())
    return std::nullopt;
  found.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return found;
}

std::optional<milliseconds> read_span(std::string_view text) {
  const auto read = read_counted(text);
  if (!read)
    return std::nullopt;
  for (const auto& [name, ms] : span_units)
    if (read->unit == name) {
      if (read->count > static_cast<std::uint64_t>(longest_span.count() / ms))
        return std::nullopt;
      return milliseconds{static_cast<std::int64_t>(read->count) * ms};
    }
  return std::nullopt;
}

bool is_date(std::string_view text) {
  constexpr std::string_view shape = "dddd-dd-dd";
  if (text.size() != shape.size())
    return false;
  for (std::size_t at = 0; at != shape.size(); ++at)
    if (shape[at] == '-' ? text[at] != '-' : text[at] < '0' || text[at] > '9')
      return false;
  return true;
}

/// Where that date begins in the zone. Zones are up to twelve hours behind UTC and up to fourteen ahead.
timestamp begin_of_date(std::string_view date, timestamp midnight, const time_zone& zone) {
  for (const int hours : {12, 0, 23, -12}) {
    const timestamp begin = zone.begin_of(midnight + std::chrono::hours{hours}, time_step::day);
    if (zone.label(begin, time_step::day) == date)
      return begin;
  }
  return midnight;
}

std::optional<timestamp> named_moment(std::string_view text, timestamp now, const time_zone& zone) {
  constexpr std::chrono::microseconds moment{1};
  const auto before = [&](time_step step) { return zone.begin_of(zone.begin_of(now, step) - moment, step); };
  if (text == "now")
    return now;
  if (text == "this-hour")
    return zone.begin_of(now, time_step::hour);
  if (text == "today")
    return zone.begin_of(now, time_step::day);
  if (text == "yesterday")
    return before(time_step::day);
  if (text == "this-month")
    return zone.begin_of(now, time_step::month);
  if (text == "last-month")
    return before(time_step::month);
  return std::nullopt;
}

} // namespace

result<milliseconds> parse_span(std::string_view text) {
  const auto span = read_span(text);
  if (!span || span->count() == 0)
    return no(text, "no span of time; expected one such as 90d, 24h, 30m, 10s or 500ms");
  return *span;
}

result<timestamp> parse_moment(std::string_view text, timestamp now, const time_zone& zone) {
  if (const auto named = named_moment(text, now, zone))
    return *named;
  if (const auto span = read_span(text))
    return now - *span;
  const auto read = parse_timestamp(text);
  if (!read)
    return no(text, "no time; expected 2026-11-24, 2026-11-24T12:00:00Z, Unix seconds, a span ago such as "
                    "7d or 24h, or one of now, today, yesterday, this-hour, this-month, last-month");
  return is_date(text) ? begin_of_date(text, *read, zone) : *read;
}

result<std::uint64_t> parse_size(std::string_view text) {
  if (const auto read = read_counted(text); read && read->count != 0)
    for (const auto& [name, bytes] : size_units)
      if (read->unit == name && read->count <= UINT64_MAX / bytes)
        return read->count * bytes;
  return no(text, "no size; expected one such as 2GiB, 500MB or a number of bytes");
}

std::string size_words(std::uint64_t bytes) {
  constexpr std::array names{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024)
    return std::to_string(bytes) + " B";
  std::size_t unit = 0;
  std::uint64_t whole = 1024;
  while (unit + 1 != names.size() && bytes / whole >= 1024) {
    whole *= 1024;
    ++unit;
  }
  const std::uint64_t tenths = (bytes / whole) * 10 + (bytes % whole) * 10 / whole;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + names[unit];
}

std::string span_words(milliseconds span) {
  for (std::size_t at = span_units.size() - 1; at-- > 0;) // weeks are not what people count in
    if (const auto& [name, ms] = span_units[at]; span.count() % ms == 0 && span.count() != 0)
      return std::to_string(span.count() / ms) + std::string(name);
  return std::to_string(span.count()) + "ms";
}

} // namespace weir::tools
