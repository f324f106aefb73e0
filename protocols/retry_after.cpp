// Reading the hint. RFC 9110 §10.2.3; `retry-after-ms` is OpenAI's and Azure's.
#include "protocols/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace weir::protocols {

namespace {

using std::chrono::milliseconds;

constexpr double day_ms = 24.0 * 3600 * 1000;

/// A plain decimal, in milliseconds after scaling.
std::optional<milliseconds> number(std::string_view text, double scale) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  const double ms = std::ceil(value * scale);
  if (!(ms > 0) || ms > day_ms)
    return std::nullopt;
  return milliseconds{static_cast<std::int64_t>(ms)};
}

std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that may be sent today.
std::optional<std::chrono::sys_seconds> http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" || text[19] != ':' ||
      text[22] != ':')
    return std::nullopt;
  const auto month = std::ranges::find(months, text.substr(8, 3));
  const auto day = digits(text.substr(5, 2));
  const auto year = digits(text.substr(12, 4));
  const auto hour = digits(text.substr(17, 2));
  const auto minute = digits(text.substr(20, 2));
  const auto second = digits(text.substr(23, 2));
  if (month == months.end() || !day || !year || !hour || !minute || !second)
    return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year{static_cast<int>(*year)},
      std::chrono::month{static_cast<unsigned>(month - months.begin()) + 1}, std::chrono::day{*day}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second};
}

} // namespace

std::optional<milliseconds> retry_after(const http_response& response, std::chrono::sys_seconds now) {
  // A real 429 of Azure's says `retry-after-ms: 0` beside `retry-after: 1`: a zero is no hint.
  if (const auto hint = number(response.find("retry-after-ms"), 1.0))
    return hint;
  const std::string_view text = response.find("retry-after");
  if (const auto hint = number(text, 1000.0))
    return hint;
  const auto date = http_date(text);
  // The server's own clock, where it tells it, is the one that it means.
  const auto here = http_date(response.find("date")).value_or(now);
  if (!date || *date <= here || *date - here > std::chrono::hours{24})
    return std::nullopt;
  return *date - here;
}

} // namespace weir::protocols
