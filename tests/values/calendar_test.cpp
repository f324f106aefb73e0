// Hours, days and months of a time zone.
#include <weir/calendar.hpp>
#include <weir/usage.hpp>

#include <boost/test/unit_test.hpp>

using weir::time_step;
using weir::time_zone;
using weir::timestamp;

namespace {

timestamp at(const char* text) {
  return weir::parse_timestamp(text).value();
}

std::string text(timestamp moment) {
  return weir::to_string(moment).substr(0, 19);
}

} // namespace

BOOST_AUTO_TEST_SUITE(calendar)

BOOST_AUTO_TEST_CASE(utc_needs_no_database) {
  const time_zone utc;
  const timestamp moment = at("2026-11-26T10:35:20.5Z");
  BOOST_TEST(utc.name() == "UTC");
  BOOST_TEST(text(utc.begin_of(moment, time_step::hour)) == "2026-11-26T10:00:00");
  BOOST_TEST(text(utc.begin_of(moment, time_step::day)) == "2026-11-26T00:00:00");
  BOOST_TEST(text(utc.begin_of(moment, time_step::month)) == "2026-11-01T00:00:00");
  BOOST_TEST(text(utc.end_of(moment, time_step::month)) == "2026-12-01T00:00:00");
  BOOST_TEST(text(utc.end_of(at("2026-12-31T23:59:59Z"), time_step::month)) == "2027-01-01T00:00:00");
  BOOST_TEST(text(utc.begin_of(at("1969-12-31T23:59:59.999999Z"), time_step::day)) == "1969-12-31T00:00:00");
}

BOOST_AUTO_TEST_CASE(days_are_those_of_the_zone) {
  const time_zone berlin = time_zone::find("Europe/Berlin").value();
  const timestamp late = at("2026-11-26T23:30:00Z");
  BOOST_TEST(text(berlin.begin_of(late, time_step::day)) == "2026-11-26T23:00:00");
  BOOST_TEST(berlin.label(berlin.begin_of(late, time_step::day), time_step::day) == "2026-11-27");
  BOOST_TEST(berlin.label(berlin.begin_of(late, time_step::month), time_step::month) == "2026-11");
  BOOST_TEST(berlin.label(berlin.begin_of(late, time_step::hour), time_step::hour) == "2026-11-27 00:00");
}

BOOST_AUTO_TEST_CASE(a_day_may_have_23_or_25_hours) {
  const time_zone berlin = time_zone::find("Europe/Berlin").value();
  const timestamp spring = at("2026-03-29T12:00:00Z");
  BOOST_TEST((berlin.end_of(spring, time_step::day) - berlin.begin_of(spring, time_step::day) ==
              std::chrono::hours{23}));
  const timestamp autumn = at("2026-10-25T12:00:00Z");
  BOOST_TEST((berlin.end_of(autumn, time_step::day) - berlin.begin_of(autumn, time_step::day) ==
              std::chrono::hours{25}));
}

BOOST_AUTO_TEST_CASE(an_hour_that_the_clock_shows_twice_stays_two) {
  const time_zone berlin = time_zone::find("Europe/Berlin").value();
  BOOST_TEST(text(berlin.begin_of(at("2026-10-25T00:30:00Z"), time_step::hour)) == "2026-10-25T00:00:00");
  BOOST_TEST(text(berlin.begin_of(at("2026-10-25T01:30:00Z"), time_step::hour)) == "2026-10-25T01:00:00");
}

BOOST_AUTO_TEST_CASE(offsets_need_not_be_whole_hours) {
  const time_zone kathmandu = time_zone::find("Asia/Kathmandu").value();
  BOOST_TEST(text(kathmandu.begin_of(at("2026-11-26T10:35:00Z"), time_step::hour)) == "2026-11-26T10:15:00");
}

BOOST_AUTO_TEST_CASE(an_unknown_zone_is_refused_by_name) {
  const auto none = time_zone::find("Mars/Olympus");
  BOOST_REQUIRE(!none);
  BOOST_TEST(none.error().message.find("Mars/Olympus") != std::string::npos);
  BOOST_TEST((none.error().type == weir::errc::invalid_request));
}

BOOST_AUTO_TEST_SUITE_END()
