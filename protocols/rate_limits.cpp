// Names, Go durations and RFC 3339 times. Integers alone: what a provider says may be anything.
#include "protocols/rate_limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace weir::protocols {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::uint64_t most = 1'000'000'000'000;
constexpr nanoseconds day = std::chrono::hours{24};

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

/// Takes a prefix off, whatever its case.
bool take(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size() || !std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, lower))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Takes digits off; nothing when there are none, or too many for a 64-bit number.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  if (text.empty() || !is_digit(text.front()))
    return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// Takes the digits after a point, as billionths; more than nine are cut off.
std::optional<std::uint64_t> take_fraction(std::string_view& text) {
  std::uint64_t value = 0;
  std::size_t digits = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits)
    if (digits < 9)
      value = value * 10 + static_cast<std::uint64_t>(text.front() - '0');
  if (digits == 0)
    return std::nullopt;
  for (; digits < 9; ++digits)
    value *= 10;
  return value;
}

std::optional<std::uint64_t> count(std::string_view text) {
  const auto value = take_number(text);
  return value && text.empty() && *value <= most ? value : std::nullopt;
}

/// The unit that a number of a Go duration has; nothing: none that is known.
std::optional<nanoseconds> take_unit(std::string_view& text) {
  using namespace std::chrono_literals;
  constexpr std::array<std::pair<std::string_view, nanoseconds>, 7> units{
      {{"ns", 1ns}, {"us", 1us}, {"\xC2\xB5s", 1us}, {"ms", 1ms}, {"h", 1h}, {"m", 1min}, {"s", 1s}}};
  for (const auto& [name, length] : units)
    if (take(text, name))
      return length;
  return std::nullopt;
}

/// `6ms`, `8.64s`, `1m12.3s`, `6m0s`; a number alone is seconds.
std::optional<milliseconds> go_duration(std::string_view text) {
  nanoseconds sum{0};
  if (text.empty())
    return std::nullopt;
  for (bool first = true; !text.empty(); first = false) {
    const auto whole = take_number(text);
    std::optional<std::uint64_t> fraction = 0;
    if (whole && text.starts_with('.')) {
      text.remove_prefix(1);
      fraction = take_fraction(text);
    }
    const bool alone = first && text.empty();
    const auto unit = alone ? std::optional<nanoseconds>(std::chrono::seconds{1}) : take_unit(text);
    if (!whole || !fraction || !unit || *whole > static_cast<std::uint64_t>(day / *unit))
      return std::nullopt;
    // A billionth of an hour is 3,600 ns: no overflow.
    const auto part =
        static_cast<std::int64_t>(*fraction) * std::max<std::int64_t>(unit->count() / 1'000'000'000, 1);
    const std::int64_t scale = unit->count() >= 1'000'000'000 ? 1 : 1'000'000'000 / unit->count();
    sum += static_cast<std::int64_t>(*whole) * *unit + nanoseconds{(part + scale - 1) / scale};
    if (sum > day)
      return std::nullopt;
  }
  return std::chrono::ceil<milliseconds>(sum);
}

std::optional<unsigned> fixed_digits(std::string_view& text, std::size_t digits, char after) {
  if (text.size() < digits || !std::ranges::all_of(text.substr(0, digits), is_digit))
    return std::nullopt;
  unsigned value = 0;
  for (const char digit : text.substr(0, digits))
    value = value * 10 + static_cast<unsigned>(digit - '0');
  text.remove_prefix(digits);
  if (after == '\0')
    return value;
  if (text.empty() || lower(text.front()) != after)
    return std::nullopt;
  text.remove_prefix(1);
  return value;
}

/// `Z`, or hours and minutes east of Greenwich.
std::optional<std::chrono::minutes> offset(std::string_view text) {
  if (text == "Z" || text == "z")
    return std::chrono::minutes{0};
  if (text.empty() || (text.front() != '+' && text.front() != '-'))
    return std::nullopt;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = fixed_digits(text, 2, ':');
  const auto minutes = hours ? fixed_digits(text, 2, '\0') : std::nullopt;
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59)
    return std::nullopt;
  return sign * (std::chrono::hours{*hours} + std::chrono::minutes{*minutes});
}

/// RFC 3339, such as `2026-11-26T07:00:00Z`: how far from now.
std::optional<milliseconds> until_time(std::string_view text, std::chrono::sys_seconds now) {
  const auto year = fixed_digits(text, 4, '-');
  const auto month = year ? fixed_digits(text, 2, '-') : std::nullopt;
  const auto day_of_month = month ? fixed_digits(text, 2, 't') : std::nullopt;
  const auto hour = day_of_month ? fixed_digits(text, 2, ':') : std::nullopt;
  const auto minute = hour ? fixed_digits(text, 2, ':') : std::nullopt;
  const auto second = minute ? fixed_digits(text, 2, '\0') : std::nullopt;
  if (!second || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  std::optional<std::uint64_t> fraction = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_fraction(text);
  }
  const auto east = offset(text);
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{*month}, std::chrono::day{*day_of_month}};
  if (!fraction || !east || !date.ok())
    return std::nullopt;
  const std::chrono::sys_seconds at = std::chrono::sys_days{date} + std::chrono::hours{*hour} +
                                      std::chrono::minutes{*minute} + std::chrono::seconds{*second} - *east;
  if (at < now)
    return milliseconds{0};
  if (at - now > std::chrono::hours{24}) // before it is taken as nanoseconds, which end in 2262
    return std::nullopt;
  return std::chrono::ceil<milliseconds>(nanoseconds{at - now} +
                                         nanoseconds{static_cast<std::int64_t>(*fraction)});
}

/// What Anthropic says of input and output, put together.
rate_limit joined(const rate_limit& whole, const rate_limit& input, const rate_limit& output) {
  rate_limit tokens = whole;
  if (tokens == rate_limit{}) {
    if (input.limit && output.limit)
      tokens.limit = *input.limit + *output.limit;
    if (input.remaining && output.remaining)
      tokens.remaining = *input.remaining + *output.remaining;
    if (input.reset && output.reset)
      tokens.reset = std::max(*input.reset, *output.reset);
  }
  for (const rate_limit* const part : {&input, &output}) {
    if (part->remaining != std::uint64_t{0} || !part->reset)
      continue;
    tokens.reset = tokens.remaining == std::uint64_t{0} && tokens.reset
                       ? std::max(*tokens.reset, *part->reset)
                       : *part->reset;
    tokens.remaining = 0;
  }
  return tokens;
}

/// Sets a member unless an earlier field of the same meaning did.
template <class Value>
void set(std::optional<Value>& where, std::optional<Value> value) {
  if (!where)
    where = value;
}

void set_limit(rate_limit& where, std::string_view text) {
  if (const auto value = count(text); value && *value != 0)
    set(where.limit, value);
}

} // namespace

rate_limits decode_rate_limits(const http_fields& fields, std::chrono::sys_seconds now) {
  rate_limits all;
  rate_limit tokens;
  rate_limit input;
  rate_limit output;
  for (const auto [field, value] : fields) {
    std::string_view name = field;
    if (take(name, "x-ratelimit-")) {
      const bool limits = take(name, "limit-");
      const bool remains = !limits && take(name, "remaining-");
      if (!limits && !remains && !take(name, "reset-"))
        continue;
      const bool of_requests = take(name, "requests");
      if ((!of_requests && !take(name, "tokens")) || !name.empty())
        continue;
      rate_limit& what = of_requests ? all.requests : tokens;
      if (limits)
        set_limit(what, value);
      else if (remains)
        set(what.remaining, count(value));
      else
        set(what.reset, go_duration(value));
    } else if (take(name, "anthropic-ratelimit-")) {
      rate_limit* const what = take(name, "requests-")        ? &all.requests
                               : take(name, "tokens-")        ? &tokens
                               : take(name, "input-tokens-")  ? &input
                               : take(name, "output-tokens-") ? &output
                                                              : nullptr;
      if (what == nullptr)
        continue;
      if (take(name, "limit") && name.empty())
        set_limit(*what, value);
      else if (take(name, "remaining") && name.empty())
        set(what->remaining, count(value));
      else if (take(name, "reset") && name.empty())
        set(what->reset, until_time(value, now));
    }
  }
  all.tokens = joined(tokens, input, output);
  return all;
}

} // namespace weir::protocols
