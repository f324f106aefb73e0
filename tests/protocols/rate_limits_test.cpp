// What rate-limit header fields say, and what is not believed of them.
#include "protocols/rate_limits.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace weir;
using namespace weir::protocols;
using namespace std::chrono_literals;

namespace {

/// 2026-11-26T07:00:00Z
const std::chrono::sys_seconds now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 26} + 7h;

std::optional<std::chrono::milliseconds> go_reset(std::string_view text) {
  return decode_rate_limits({{"x-ratelimit-reset-requests", std::string(text)}}, now).requests.reset;
}

std::optional<std::chrono::milliseconds> time_reset(std::string_view text) {
  return decode_rate_limits({{"anthropic-ratelimit-requests-reset", std::string(text)}}, now).requests.reset;
}

std::optional<std::uint64_t> remaining(std::string_view text) {
  return decode_rate_limits({{"x-ratelimit-remaining-tokens", std::string(text)}}, now).tokens.remaining;
}

} // namespace

BOOST_AUTO_TEST_SUITE(rate_limits_test)

BOOST_AUTO_TEST_CASE(openai_s_fields_are_read) {
  const rate_limits all = decode_rate_limits({{"x-ratelimit-limit-requests", "10000"},
                                              {"X-RateLimit-Remaining-Requests", "9999"},
                                              {"x-ratelimit-reset-requests", "6ms"},
                                              {"x-ratelimit-limit-tokens", "200000"},
                                              {"x-ratelimit-remaining-tokens", "199980"},
                                              {"x-ratelimit-reset-tokens", "6m0s"},
                                              {"content-type", "application/json"}},
                                             now);
  BOOST_TEST((all.requests == rate_limit{10'000, 9999, 6ms}));
  BOOST_TEST((all.tokens == rate_limit{200'000, 199'980, 6min}));
}

BOOST_AUTO_TEST_CASE(anthropic_s_fields_are_read) {
  const rate_limits all =
      decode_rate_limits({{"anthropic-ratelimit-requests-limit", "50"},
                          {"anthropic-ratelimit-requests-remaining", "49"},
                          {"anthropic-ratelimit-requests-reset", "2026-11-26T07:00:02Z"},
                          {"anthropic-ratelimit-input-tokens-limit", "40000"},
                          {"anthropic-ratelimit-input-tokens-remaining", "39000"},
                          {"anthropic-ratelimit-input-tokens-reset", "2026-11-26T07:00:03Z"},
                          {"anthropic-ratelimit-output-tokens-limit", "8000"},
                          {"anthropic-ratelimit-output-tokens-remaining", "7000"},
                          {"anthropic-ratelimit-output-tokens-reset", "2026-11-26T07:00:09Z"}},
                         now);
  BOOST_TEST((all.requests == rate_limit{50, 49, 2s}));
  BOOST_TEST((all.tokens == rate_limit{48'000, 46'000, 9s}));
}

BOOST_AUTO_TEST_CASE(whichever_of_input_and_output_has_nothing_left_counts) {
  http_fields fields{{"anthropic-ratelimit-tokens-limit", "48000"},
                     {"anthropic-ratelimit-tokens-remaining", "20000"},
                     {"anthropic-ratelimit-tokens-reset", "2026-11-26T07:01:00Z"},
                     {"anthropic-ratelimit-output-tokens-remaining", "0"},
                     {"anthropic-ratelimit-output-tokens-reset", "2026-11-26T07:00:07Z"}};
  BOOST_TEST((decode_rate_limits(fields, now).tokens == rate_limit{48'000, 0, 7s}));
  fields.add("anthropic-ratelimit-input-tokens-remaining", "0");
  fields.add("anthropic-ratelimit-input-tokens-reset", "2026-11-26T07:00:05Z");
  BOOST_TEST((decode_rate_limits(fields, now).tokens == rate_limit{48'000, 0, 7s}));
}

BOOST_AUTO_TEST_CASE(go_durations_are_read_and_rounded_up) {
  BOOST_TEST((go_reset("1s") == 1s));
  BOOST_TEST((go_reset("20ms") == 20ms));
  BOOST_TEST((go_reset("8.64s") == 8640ms));
  BOOST_TEST((go_reset("1m12.3s") == 72'300ms));
  BOOST_TEST((go_reset("6m0s") == 6min));
  BOOST_TEST((go_reset("1h2m3s") == 1h + 2min + 3s));
  BOOST_TEST((go_reset("17.399999999s") == 17'400ms));
  BOOST_TEST((go_reset("0.5h") == 30min));
  BOOST_TEST((go_reset("1.5ms") == 2ms));
  BOOST_TEST((go_reset("120us") == 1ms));
  BOOST_TEST((go_reset("7\xC2\xB5s") == 1ms));
  BOOST_TEST((go_reset("1ns") == 1ms));
  BOOST_TEST((go_reset("0s") == 0ms));
  BOOST_TEST((go_reset("59") == 59s));
  BOOST_TEST((go_reset("0.25") == 250ms));
  BOOST_TEST((go_reset("24h") == 24h));
}

BOOST_AUTO_TEST_CASE(what_is_no_duration_is_ignored) {
  for (const char* const text : {"",
                                 "-1s",
                                 "+1s",
                                 "s",
                                 "1x",
                                 "1s2",
                                 "1.s",
                                 ".5s",
                                 "1..5s",
                                 "1e3s",
                                 "1e99",
                                 "NaN",
                                 "inf",
                                 "0x10",
                                 "1 s",
                                 "25h",
                                 "24h1ns",
                                 "90000",
                                 "99999999999999999999s",
                                 "18446744073709551615h",
                                 "9223372036854775807ns1h",
                                 "1m1m1m99999h",
                                 "2026-11-26T07:00:00Z",
                                 "\xC2\xB5s"})
    BOOST_TEST(!go_reset(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(times_are_read_against_now) {
  BOOST_TEST((time_reset("2026-11-26T07:00:00.25Z") == 250ms));
  BOOST_TEST((time_reset("2026-11-26t07:00:10z") == 10s));
  BOOST_TEST((time_reset("2026-11-26T09:30:00+02:00") == 30min));
  BOOST_TEST((time_reset("2026-11-26T02:00:01-05:00") == 1s));
  BOOST_TEST((time_reset("2026-11-26T06:59:59.9Z") == 0ms));
  BOOST_TEST((time_reset("1970-01-01T00:00:00Z") == 0ms));
  BOOST_TEST((time_reset("2026-11-27T07:00:00Z") == 24h));
}

BOOST_AUTO_TEST_CASE(what_is_no_time_or_far_away_is_ignored) {
  for (const char* const text :
       {"", "2026-11-27T07:00:01Z", "9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-11-26T24:00:00Z", "2026-11-26T07:60:00Z", "2026-11-26T07:00:61Z", "2026-11-26T07:00:00",
        "2026-11-26T07:00:00.Z", "2026-11-26T07:00:00+24:00", "2026-11-26T07:00:00+1:00", "2026-11-26",
        "2026-11-26 07:00:00Z", "-026-11-26T07:00:00Z", "2026-11-26T07:00:00Zx", "10s", "1764000000"})
    BOOST_TEST(!time_reset(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(what_is_no_count_is_ignored_field_by_field) {
  BOOST_TEST((remaining("0") == 0U));
  BOOST_TEST((remaining("1000000000000") == 1'000'000'000'000U));
  for (const char* const text : {"", "-1", "+1", "1.5", "1e9", "1e99", "NaN", "inf", "1,000", "0x10", "1 2",
                                 "1000000000001", "18446744073709551616", "99999999999999999999999"})
    BOOST_TEST(!remaining(text).has_value(), text);
  const rate_limits all = decode_rate_limits({{"x-ratelimit-limit-requests", "0"},
                                              {"x-ratelimit-remaining-requests", "-1"},
                                              {"x-ratelimit-reset-requests", "3s"},
                                              {"x-ratelimit-limit-tokens", "NaN"},
                                              {"x-ratelimit-remaining-tokens", "7"}},
                                             now);
  BOOST_TEST((all.requests == rate_limit{std::nullopt, std::nullopt, 3s}));
  BOOST_TEST((all.tokens == rate_limit{std::nullopt, 7, std::nullopt}));
}

BOOST_AUTO_TEST_CASE(other_fields_are_passed_over_and_the_first_of_a_name_counts) {
  const rate_limits all = decode_rate_limits({{"x-ratelimit-limit", "1"},
                                              {"x-ratelimit-limit-requests-day", "2"},
                                              {"x-ratelimit-requests-limit", "3"},
                                              {"anthropic-ratelimit-requests", "4"},
                                              {"anthropic-ratelimit-requests-limit-x", "5"},
                                              {"x-ratelimit-limit-requests", "6"},
                                              {"x-ratelimit-limit-requests", "7"}},
                                             now);
  BOOST_TEST((all == rate_limits{{6, std::nullopt, std::nullopt}, {}}));
}

BOOST_AUTO_TEST_CASE(random_text_never_gives_more_than_the_bounds) {
  std::mt19937_64 random(21);
  const std::string_view letters = "0123456789.hmsunTZ:-+eE ";
  for (int n = 0; n != 200'000; ++n) {
    std::string text;
    for (auto size = random() % 24; size != 0; --size)
      text.push_back(letters[random() % letters.size()]);
    for (const auto& reset : {go_reset(text), time_reset(text)})
      BOOST_REQUIRE(!reset || (*reset >= 0ms && *reset <= 24h));
    BOOST_REQUIRE(remaining(text).value_or(0) <= 1'000'000'000'000U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
