// Names, sums and times of usage records.
// Knows no clock, no disk and no price list.
#include <weir/usage.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace weir {

namespace {

using std::chrono::microseconds;

// RFC 3339 has years of four digits.
constexpr timestamp first_moment{std::chrono::sys_days{std::chrono::year{0} / 1 / 1}};
constexpr timestamp last_moment =
    timestamp{std::chrono::sys_days{std::chrono::year{10000} / 1 / 1}} - microseconds{1};

void add_to(std::map<currency, money_sum>& sums, const money& amount) {
  auto [entry, fresh] = sums.try_emplace(amount.unit, money_sum(amount.unit));
  (void)entry->second.add(amount); // one entry a currency: never refused
}

void add_to(std::map<currency, money_sum>& sums, const std::map<currency, money_sum>& more) {
  for (const auto& [unit, sum] : more)
    (void)sums.try_emplace(unit, money_sum(unit)).first->second.add(sum);
}

/// A strict reader of fixed-width decimal fields.
class field_reader {
public:
  explicit field_reader(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool take(char letter) {
    if (text_.empty() || text_.front() != letter)
      return false;
    text_.remove_prefix(1);
    return true;
  }
  std::optional<int> number(std::size_t width) {
    if (text_.size() < width)
      return std::nullopt;
    int value = 0;
    for (const char digit : text_.substr(0, width)) {
      if (digit < '0' || digit > '9')
        return std::nullopt;
      value = value * 10 + (digit - '0');
    }
    text_.remove_prefix(width);
    return value;
  }
  /// Digits after a point, as microseconds; further digits are cut off.
  std::optional<microseconds> fraction() {
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9'; ++digits)
      if (digits < 6)
        value = value * 10 + (text_[digits] - '0');
    if (digits == 0)
      return std::nullopt;
    for (std::size_t place = digits; place < 6; ++place)
      value *= 10;
    text_.remove_prefix(digits);
    return microseconds{value};
  }

private:
  std::string_view text_;
};

std::optional<timestamp> read_date(field_reader& in) {
  const auto year = in.number(4);
  if (!year || !in.take('-'))
    return std::nullopt;
  const auto month = in.number(2);
  if (!month || !in.take('-'))
    return std::nullopt;
  const auto day = in.number(2);
  if (!day)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok())
    return std::nullopt;
  return timestamp{std::chrono::sys_days{date}};
}

/// `hh:mm:ss[.fraction]` and `Z` or an offset, as what is to be added to the date's midnight in UTC.
std::optional<microseconds> read_time(field_reader& in) {
  const auto hour = in.number(2);
  if (!hour || *hour > 23 || !in.take(':'))
    return std::nullopt;
  const auto minute = in.number(2);
  if (!minute || *minute > 59 || !in.take(':'))
    return std::nullopt;
  const auto second = in.number(2);
  if (!second || *second > 60)
    return std::nullopt;
  microseconds time =
      std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
  if (in.take('.')) {
    const auto fraction = in.fraction();
    if (!fraction)
      return std::nullopt;
    time += *fraction;
  }
  if (in.take('Z') || in.take('z'))
    return time;
  const bool east = in.take('+');
  if (!east && !in.take('-'))
    return std::nullopt;
  const auto hours = in.number(2);
  if (!hours || *hours > 23 || !in.take(':'))
    return std::nullopt;
  const auto minutes = in.number(2);
  if (!minutes || *minutes > 59)
    return std::nullopt;
  const microseconds offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  return east ? time - offset : time + offset;
}

/// Any of the forms, whatever year it leads to.
std::optional<timestamp> read_timestamp(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  // Twelve digits reach past the year 9999; up to four are a year, or a slip.
  if (error == std::errc{} && end == text.data() + text.size() && text.size() <= 12 && text.size() > 4)
    return timestamp{std::chrono::seconds{seconds}};
  field_reader in(text);
  if (auto date = read_date(in)) {
    if (in.done())
      return *date;
    if (in.take('T') || in.take('t') || in.take(' '))
      if (const auto time = read_time(in); time && in.done())
        return *date + *time;
  }
  return std::nullopt;
}

} // namespace

std::string_view to_string(metering value) noexcept {
  return value == metering::reported ? "reported" : "estimated";
}

std::string_view to_string(record_state value) noexcept {
  switch (value) {
  case record_state::intent:
    return "intent";
  case record_state::settled:
    return "settled";
  case record_state::unknown:
    return "unknown";
  case record_state::void_attempt:
    return "void";
  }
  return "unknown";
}

std::string_view to_string(usage_status value) noexcept {
  switch (value) {
  case usage_status::succeeded:
    return "succeeded";
  case usage_status::failed:
    return "failed";
  case usage_status::unknown:
    return "unknown";
  case usage_status::void_attempt:
    return "void";
  }
  return "unknown";
}

std::optional<usage_status> to_usage_status(std::string_view name) noexcept {
  for (const auto each :
       {usage_status::succeeded, usage_status::failed, usage_status::unknown, usage_status::void_attempt})
    if (to_string(each) == name)
      return each;
  return std::nullopt;
}

usage_status status_of(const usage_record& record) noexcept {
  switch (record.state) {
  case record_state::settled:
    return record.success ? usage_status::succeeded : usage_status::failed;
  case record_state::void_attempt:
    return usage_status::void_attempt;
  case record_state::intent:
  case record_state::unknown:
    break;
  }
  return usage_status::unknown;
}

bool matches(const usage_filter& filter, const usage_record& record) noexcept {
  return (!filter.since || record.time >= *filter.since) && (!filter.until || record.time < *filter.until) &&
         (!filter.model || record.model == *filter.model) &&
         (!filter.provider || record.provider == *filter.provider) &&
         (!filter.status || status_of(record) == *filter.status) &&
         (!filter.error_type || record.error_type == *filter.error_type) &&
         std::ranges::all_of(filter.tags, [&](const auto& tag) {
           return std::ranges::find(record.tags, tag) != record.tags.end();
         });
}

void usage_summary::add(const usage_record& record) {
  first_request_time = total_requests == 0 ? record.time : std::min(first_request_time, record.time);
  last_request_time = total_requests == 0 ? record.time : std::max(last_request_time, record.time);
  ++total_requests;
  if (record.success) {
    ++successful_requests;
    total_response_time += record.response_time;
    response_times.add(record.response_time);
    if (record.first_token_time)
      first_token_times.add(*record.first_token_time);
    unpriced_requests += record.cost ? 0U : 1U;
  } else {
    ++failed_requests;
    unknown_requests += record.state == record_state::unknown ? 1U : 0U;
    void_requests += record.state == record_state::void_attempt ? 1U : 0U;
  }
  estimated_requests += record.usage.source == metering::estimated ? 1U : 0U;
  total_prompt_tokens += record.usage.prompt_tokens;
  total_completion_tokens += record.usage.completion_tokens;
  total_tokens += record.usage.total_tokens;
  total_cached_tokens += record.usage.cached_tokens.value_or(0);
  total_cache_write_tokens += record.usage.cache_write_tokens.value_or(0);
  total_reasoning_tokens += record.usage.reasoning_tokens.value_or(0);
  if (record.cost)
    add_to(total_cost, *record.cost);
  if (record.usage.reported_cost)
    add_to(reported_cost, *record.usage.reported_cost);
  if (record.state == record_state::unknown && record.cost_limit)
    add_to(unknown_cost_limit, *record.cost_limit);
}

void usage_summary::add(const usage_summary& other) {
  if (other.total_requests == 0)
    return;
  first_request_time =
      total_requests == 0 ? other.first_request_time : std::min(first_request_time, other.first_request_time);
  last_request_time =
      total_requests == 0 ? other.last_request_time : std::max(last_request_time, other.last_request_time);
  total_requests += other.total_requests;
  successful_requests += other.successful_requests;
  failed_requests += other.failed_requests;
  unknown_requests += other.unknown_requests;
  void_requests += other.void_requests;
  unpriced_requests += other.unpriced_requests;
  estimated_requests += other.estimated_requests;
  total_prompt_tokens += other.total_prompt_tokens;
  total_completion_tokens += other.total_completion_tokens;
  total_tokens += other.total_tokens;
  total_cached_tokens += other.total_cached_tokens;
  total_cache_write_tokens += other.total_cache_write_tokens;
  total_reasoning_tokens += other.total_reasoning_tokens;
  total_response_time += other.total_response_time;
  response_times.add(other.response_times);
  first_token_times.add(other.first_token_times);
  add_to(total_cost, other.total_cost);
  add_to(reported_cost, other.reported_cost);
  add_to(unknown_cost_limit, other.unknown_cost_limit);
}

std::string to_string(timestamp time) {
  // A damaged record may hold any number; what cannot be written is shown as the nearest that can.
  time = std::clamp(time, first_moment, last_moment);
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

result<timestamp> parse_timestamp(std::string_view text) {
  if (const auto time = read_timestamp(text); time && *time >= first_moment && *time <= last_moment)
    return *time;
  return make_failure(errc::invalid_request,
                      "'" + std::string(text.substr(0, 40)) +
                          "' is no time; expected 2026-11-24T12:00:00Z, 2026-11-24 or Unix "
                          "seconds");
}

} // namespace weir
