// Names, ids, times, URLs, secrets, error classes.
#include <weir/chat.hpp>
#include <weir/config.hpp>
#include <weir/secret.hpp>
#include <weir/url.hpp>
#include <weir/usage.hpp>

#include <boost/test/unit_test.hpp>

#include <type_traits>

using namespace weir;

BOOST_AUTO_TEST_SUITE(values_test)

BOOST_AUTO_TEST_CASE(ids_are_ordered_by_time_and_come_back_from_their_text) {
  const id128 early = make_id128(1'700'000'000'000, ~0ULL, ~0ULL);
  const id128 late = make_id128(1'700'000'000'001, 0, 0);
  BOOST_TEST((early < late));
  BOOST_TEST((to_id128(to_string(early)) == early));
  BOOST_TEST(to_string(early).size() == 32U);
  BOOST_TEST((early.bytes[6] >> 4U) == 7); // the version of RFC 9562
  BOOST_TEST((early.bytes[8] >> 6U) == 2); // its variant
  for (const char* text :
       {"", "0123", "0123456789abcdef0123456789abcdeg", "0123456789ABCDEF0123456789ABCDEF"})
    BOOST_TEST(!to_id128(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(every_class_of_error_has_a_name_that_leads_back) {
  for (int n = 0; n <= static_cast<int>(errc::storage); ++n)
    BOOST_TEST((to_errc(to_string(static_cast<errc>(n))) == static_cast<errc>(n)));
  BOOST_TEST(!to_errc("Network").has_value());
}

BOOST_AUTO_TEST_CASE(times_come_back_from_their_text) {
  const timestamp time{std::chrono::microseconds{1'764'000'000'123'456}};
  BOOST_TEST(to_string(time) == "2025-11-24T16:00:00.123456Z");
  BOOST_TEST((*parse_timestamp(to_string(time)) == time));
  BOOST_TEST((*parse_timestamp("2025-11-24T17:00:00.123456+01:00") == time));
  BOOST_TEST((*parse_timestamp("2025-11-24") ==
              timestamp{std::chrono::sys_days{std::chrono::year{2025} / 11 / 24}}));
  BOOST_TEST((*parse_timestamp("1764000000") == timestamp{std::chrono::seconds{1'764'000'000}}));
  BOOST_TEST(to_string(timestamp{std::chrono::microseconds{-1}}) == "1969-12-31T23:59:59.999999Z");
}

BOOST_AUTO_TEST_CASE(what_is_no_time_is_refused) {
  for (const char* text : {"", "yesterday", "2025-13-01", "2025-02-30", "2025-11-24T", "2025-11-24T24:00:00Z",
                           "2025-11-24T12:00:00", "2025-11-24T12:00:00.Z", "2025-11-24T12:00:00Zx", "12"})
    BOOST_TEST(parse_timestamp(text).has_error(), text);
}

BOOST_AUTO_TEST_CASE(base_urls_are_taken_apart) {
  const auto parsed = parse_url("HTTPS://API.example.com:8443/v1/");
  BOOST_REQUIRE(parsed.has_value());
  BOOST_TEST(parsed->tls);
  BOOST_TEST(parsed->host == "api.example.com");
  BOOST_TEST(parsed->port == 8443);
  BOOST_TEST(parsed->path == "/v1");
  BOOST_TEST(parsed->authority() == "api.example.com:8443");
  BOOST_TEST(parse_url("http://[::1]:80")->authority() == "[::1]");
  BOOST_TEST(parse_url("https://a")->port == 443);
}

BOOST_AUTO_TEST_CASE(urls_that_hide_something_are_refused) {
  for (const char* text : {"", "ftp://a", "https://", "https://a b", "https://u:p@a", "https://a?x=1",
                           "https://a#b", "https://a:0", "https://a:65536", "https://a:x", "https://[::1",
                           "https://[zz]", "https://a\r\nHost: b", "//a",
                           "https://b\xc3\xbc"
                           "cher"})
    BOOST_TEST(parse_url(text).has_error(), text);
}

BOOST_AUTO_TEST_CASE(only_this_machine_is_loopback) {
  for (const char* host : {"localhost", "api.localhost", "127.0.0.1", "127.255.0.3", "::1"})
    BOOST_TEST(is_loopback(host), host);
  for (const char* host : {"127.example.org", "128.0.0.1", "localhost.example.org", "::2", "10.0.0.1", ""})
    BOOST_TEST(!is_loopback(host), host);
}

BOOST_AUTO_TEST_CASE(a_secret_shows_its_tail_at_most) {
  BOOST_TEST(secret("sk-1234567890abcdef").masked() == "****cdef");
  BOOST_TEST(secret("short").masked() == "****");
  BOOST_TEST(secret().masked().empty());
  secret moved("sk-1234567890abcdef");
  const secret taken = std::move(moved);
  BOOST_TEST(taken.reveal() == "sk-1234567890abcdef");
  static_assert(!std::is_convertible_v<secret, std::string>);
}

BOOST_AUTO_TEST_CASE(a_summary_adds_settled_costs_and_keeps_unknown_ones_apart) {
  const currency usd = *currency::parse("USD");
  usage_record good;
  good.time = timestamp{std::chrono::seconds{10}};
  good.success = true;
  good.usage.prompt_tokens = 5;
  good.usage.total_tokens = 5;
  good.cost = money{100, usd};
  good.response_time = std::chrono::milliseconds{4};
  usage_record lost;
  lost.time = timestamp{std::chrono::seconds{5}};
  lost.state = record_state::unknown;
  lost.cost_limit = money{900, usd};
  usage_record unpriced = good;
  unpriced.cost.reset();
  usage_summary sum;
  for (const usage_record& each : {good, lost, unpriced})
    sum.add(each);
  BOOST_TEST(sum.total_requests == 3U);
  BOOST_TEST(sum.failed_requests == 1U);
  BOOST_TEST(sum.unknown_requests == 1U);
  BOOST_TEST(sum.unpriced_requests == 1U);
  BOOST_TEST((sum.total_cost.at(usd).picos() == 100));
  BOOST_TEST((sum.unknown_cost_limit.at(usd).picos() == 900));
  BOOST_TEST((sum.first_request_time == lost.time));
  BOOST_TEST((sum.average_response_time() == std::chrono::milliseconds{4}));
  usage_summary doubled = sum;
  doubled.add(sum);
  BOOST_TEST(doubled.total_requests == 6U);
  BOOST_TEST((doubled.total_cost.at(usd).picos() == 200));
}

BOOST_AUTO_TEST_SUITE_END()
