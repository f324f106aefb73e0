// Steps of the calendar, by the system's database of time zones.
// Knows no clock.
#include <weir/calendar.hpp>

#include <date/tz.h>

#include <array>
#include <cstdio>
#include <exception>

namespace weir {

namespace {

using std::chrono::microseconds;
using local_time = date::local_time<microseconds>;

const date::time_zone* zone_at(const void* zone) noexcept {
  return static_cast<const date::time_zone*>(zone);
}

microseconds offset_at(const void* zone, timestamp moment) {
  if (zone == nullptr)
    return microseconds{0};
  return zone_at(zone)->get_info(date::floor<std::chrono::seconds>(moment)).offset;
}

local_time to_local(const void* zone, timestamp moment) {
  return local_time{moment.time_since_epoch() + offset_at(zone, moment)};
}

timestamp to_moment(const void* zone, local_time time) {
  if (zone == nullptr)
    return timestamp{time.time_since_epoch()};
  return zone_at(zone)->to_sys(time, date::choose::earliest);
}

date::year_month_day day_of(local_time time) {
  return date::year_month_day{date::floor<date::days>(time)};
}

} // namespace

std::string_view to_string(time_step value) noexcept {
  switch (value) {
  case time_step::hour:
    return "hour";
  case time_step::day:
    return "day";
  case time_step::month:
    return "month";
  }
  return "hour";
}

std::optional<time_step> to_time_step(std::string_view name) noexcept {
  for (const time_step each : {time_step::hour, time_step::day, time_step::month})
    if (to_string(each) == name)
      return each;
  return std::nullopt;
}

result<time_zone> time_zone::find(const std::string& name) {
  if (name == "UTC")
    return time_zone();
  try {
    return time_zone(date::locate_zone(name));
  } catch (const std::exception&) {
    return make_failure(errc::invalid_request, "'" + name.substr(0, 64) +
                                                   "' is no time zone of this system; expected a name such "
                                                   "as UTC or Europe/Berlin");
  }
}

std::string time_zone::name() const {
  return zone_ == nullptr ? "UTC" : zone_at(zone_)->name();
}

timestamp time_zone::begin_of(timestamp moment, time_step step) const {
  const local_time local = to_local(zone_, moment);
  switch (step) {
  case time_step::hour: // counted back from the moment: an hour that the clock shows twice stays two
    return moment - (local - date::floor<std::chrono::hours>(local));
  case time_step::day:
    return to_moment(zone_, date::floor<date::days>(local));
  case time_step::month: {
    const date::year_month_day day = day_of(local);
    return to_moment(zone_, date::local_days{day.year() / day.month() / 1});
  }
  }
  return moment;
}

timestamp time_zone::end_of(timestamp moment, time_step step) const {
  const local_time local = to_local(zone_, moment);
  switch (step) {
  case time_step::hour:
    return begin_of(moment, step) + std::chrono::hours{1};
  case time_step::day:
    return to_moment(zone_, date::floor<date::days>(local) + date::days{1});
  case time_step::month: {
    const date::year_month_day day = day_of(local);
    return to_moment(zone_, date::local_days{(day.year() / day.month() + date::months{1}) / 1});
  }
  }
  return moment;
}

std::string time_zone::label(timestamp begin, time_step step) const {
  const local_time local = to_local(zone_, begin);
  const date::year_month_day day = day_of(local);
  const auto hour = std::chrono::floor<std::chrono::hours>(local - date::floor<date::days>(local)).count();
  std::array<char, 64> text{};
  const int year = static_cast<int>(day.year());
  const auto month = static_cast<unsigned>(day.month());
  const auto date = static_cast<unsigned>(day.day());
  int length = 0;
  if (step == time_step::month)
    length = std::snprintf(text.data(), text.size(), "%04d-%02u", year, month);
  else if (step == time_step::day)
    length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", year, month, date);
  else
    length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:00", year, month, date,
                           static_cast<int>(hour));
  return {text.data(), static_cast<std::size_t>(length)};
}

} // namespace weir
