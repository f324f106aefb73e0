// Names, ids, times, URLs, secrets, error classes.
// Knows no world: nothing is opened, sent or stored.
#include <weir/chat.hpp>
#include <weir/config.hpp>
#include <weir/health.hpp>
#include <weir/secret.hpp>
#include <weir/url.hpp>
#include <weir/usage.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <new>
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

BOOST_AUTO_TEST_CASE(what_passes_by_itself_may_be_retried) {
  for (const errc type :
       {errc::network, errc::rate_limit, errc::server_error, errc::timeout, errc::overloaded})
    BOOST_TEST(make_failure(type, "").retryable, to_string(type));
  for (const errc type :
       {errc::none, errc::auth, errc::token_limit, errc::model_not_found, errc::invalid_request,
        errc::unknown, errc::content_filter, errc::quota_exceeded, errc::cancelled, errc::budget_exceeded,
        errc::offline, errc::read_only, errc::config, errc::storage})
    BOOST_TEST(!make_failure(type, "").retryable, to_string(type));
}

BOOST_AUTO_TEST_CASE(a_failure_prints_its_place_and_the_vendors_words) {
  failure error = make_failure(errc::auth, "the key is wrong", "$.error");
  error.provider = "openai";
  error.vendor_message = "Incorrect API key";
  BOOST_TEST(to_string(error) == "auth at openai ($.error): the key is wrong — Incorrect API key");
  BOOST_TEST(to_string(make_failure(errc::timeout, "too late")) == "timeout: too late");
}

BOOST_AUTO_TEST_CASE(enumerators_have_the_names_that_people_read) {
  BOOST_TEST(to_string(record_state::intent) == "intent");
  BOOST_TEST(to_string(record_state::settled) == "settled");
  BOOST_TEST(to_string(record_state::unknown) == "unknown");
  BOOST_TEST(to_string(record_state::void_attempt) == "void");
  BOOST_TEST(to_string(metering::reported) == "reported");
  BOOST_TEST(to_string(metering::estimated) == "estimated");
  BOOST_TEST(to_string(outcome::not_sent) == "not_sent");
  BOOST_TEST(to_string(outcome::rejected_unprocessed) == "rejected_unprocessed");
  BOOST_TEST(to_string(outcome::unknown) == "unknown");
  BOOST_TEST(to_string(finish_reason::unknown) == "unknown");
  BOOST_TEST(to_string(finish_reason::stop) == "stop");
  BOOST_TEST(to_string(finish_reason::length) == "length");
  BOOST_TEST(to_string(finish_reason::tool_calls) == "tool_calls");
  BOOST_TEST(to_string(finish_reason::content_filter) == "content_filter");
  BOOST_TEST(to_string(finish_reason::pause) == "pause");
  BOOST_TEST(to_string(finish_reason::error) == "error");
  for (const role each : {role::system, role::user, role::assistant, role::tool})
    BOOST_TEST((to_role(to_string(each)) == each));
  BOOST_TEST(!to_role("developer").has_value());
}

BOOST_AUTO_TEST_CASE(modes_states_and_rescues_have_the_names_that_people_write) {
  BOOST_TEST(to_string(run_mode::normal) == "normal");
  BOOST_TEST(to_string(run_mode::offline) == "offline");
  BOOST_TEST(to_string(run_mode::read_only) == "read_only");
  for (const run_mode each : {run_mode::normal, run_mode::offline, run_mode::read_only})
    BOOST_TEST((to_run_mode(to_string(each)) == each));
  BOOST_TEST(!to_run_mode("Normal").has_value());
  BOOST_TEST(!to_run_mode("").has_value());
  BOOST_TEST(to_string(breaker_state::closed) == "closed");
  BOOST_TEST(to_string(breaker_state::open) == "open");
  BOOST_TEST(to_string(breaker_state::half_open) == "half_open");
  BOOST_TEST(to_string(rescue_policy::fail) == "fail");
  BOOST_TEST(to_string(rescue_policy::buffer) == "buffer");
  BOOST_TEST(to_string(rescue_policy::restart) == "restart");
  BOOST_TEST(to_string(rescue_policy::continue_stream) == "continue");
  for (const rescue_policy each :
       {rescue_policy::fail, rescue_policy::buffer, rescue_policy::restart, rescue_policy::continue_stream})
    BOOST_TEST((to_rescue_policy(to_string(each)) == each));
  BOOST_TEST(!to_rescue_policy("continue_stream").has_value());
  BOOST_TEST(to_string(chat_delta::kind::restart) == "restart");
}

BOOST_AUTO_TEST_CASE(a_messages_text_is_all_its_text_parts) {
  message mixed = make_message(role::user, "what is ");
  mixed.content.emplace_back(image_part{"https://a/b.png", "low"});
  mixed.content.emplace_back(text_part{"this?"});
  BOOST_TEST(text_of(mixed) == "what is this?");
  BOOST_TEST(text_of(message{}).empty());
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
  for (const char* text : {"",
                           "yesterday",
                           "2025-13-01",
                           "2025-02-30",
                           "2025-11-24T",
                           "2025-11-24T24:00:00Z",
                           "2025-11-24T12:00:00",
                           "2025-11-24T12:00:00.Z",
                           "2025-11-24T12:00:00Zx",
                           "12",
                           "2023-02-29",
                           "25-11-24",
                           "2025-1-1",
                           "2025-11-24T12:60:00Z",
                           "2025-11-24T12:00:61Z",
                           "2025-11-24T12:00:00+24:00",
                           "2025-11-24T12:00:00+0100",
                           "+1764000000",
                           " 1764000000",
                           "1764000000.5",
                           "999999999999",
                           "9999-12-31T23:59:60Z",
                           "9999-12-31T23:59:59-00:01",
                           "0000-01-01T00:00:00+00:01"})
    BOOST_TEST(parse_timestamp(text).has_error(), text);
}

BOOST_AUTO_TEST_CASE(offsets_leaps_and_fractions_lead_to_the_right_moment) {
  const auto micros = [](const char* text) {
    return parse_timestamp(text).value().time_since_epoch().count();
  };
  BOOST_TEST(micros("1970-01-01T00:00:00Z") == 0);
  BOOST_TEST(micros("1970-01-01T00:00:00-01:30") == 5'400'000'000);
  BOOST_TEST(micros("1970-01-01t00:00:00.5z") == 500'000);
  BOOST_TEST(micros("1970-01-01 00:00:00.0000019Z") == 1); // further digits are cut off
  BOOST_TEST(micros("2024-02-29") == 1'709'164'800'000'000);
  BOOST_TEST(micros("2016-12-31T23:59:60Z") == micros("2017-01-01T00:00:00Z"));
  BOOST_TEST(micros("-86400") == -86'400'000'000);
}

BOOST_AUTO_TEST_CASE(a_time_that_cannot_be_written_is_shown_as_the_nearest_that_can) {
  BOOST_TEST(to_string(timestamp::min()) == "0000-01-01T00:00:00.000000Z");
  BOOST_TEST(to_string(timestamp::max()) == "9999-12-31T23:59:59.999999Z");
  for (const timestamp edge : {timestamp::min(), timestamp::max()})
    BOOST_TEST(to_string(*parse_timestamp(to_string(edge))) == to_string(edge));
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
  for (const char* text : {"",
                           "ftp://a",
                           "https://",
                           "https://a b",
                           "https://u:p@a",
                           "https://a?x=1",
                           "https://a#b",
                           "https://a:0",
                           "https://a:65536",
                           "https://a:x",
                           "https://[::1",
                           "https://[zz]",
                           "https://[]",
                           "https://[:]",
                           "https://[1.2.3.4]",
                           "https://[::1]8080",
                           "https://[::1]x",
                           "https://[::1]:",
                           "https://a:",
                           "https://a:+80",
                           "https:///v1",
                           "https://a\r\nHost: b",
                           "//a",
                           "https://b\xc3\xbc"
                           "cher"})
    BOOST_TEST(parse_url(text).has_error(), text);
}

BOOST_AUTO_TEST_CASE(a_url_cut_off_anywhere_is_read_or_refused_but_never_thrown) {
  const std::string whole = "https://[fe80::1]:8443/v1/chat";
  for (std::size_t length = 0; length <= whole.size(); ++length)
    BOOST_CHECK_NO_THROW((void)parse_url(whole.substr(0, length)));
  // A scheme alone was once read past its end.
  for (const char* text : {"https", "http", "https:", "https:/", "HTTP", "://", "http//a"})
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
  BOOST_TEST(moved.empty()); // NOLINT(bugprone-use-after-move): what is left is the point
  static_assert(!std::is_convertible_v<secret, std::string>);
}

BOOST_AUTO_TEST_CASE(a_secret_is_assigned_over_and_to_itself) {
  secret key("sk-0123456789-0123456789-0123456789");
  key = secret("x");
  BOOST_TEST(key.reveal() == "x");
  const secret copy = key;
  const secret& same = key;
  key = same;
  BOOST_TEST((key == copy));
}

BOOST_AUTO_TEST_CASE(a_secret_leaves_nothing_where_it_was) {
  // Short enough to stand in the string itself, so that its place can be looked at afterwards.
  const std::string text = "sk-short";
  alignas(secret) std::array<unsigned char, sizeof(secret)> room{};
  // Without its first letter: an empty string overwrites that one anyway.
  const auto left = [&] {
    return std::string_view(reinterpret_cast<const char*>(room.data()), room.size()).find(text.substr(1));
  };
  auto* held = new (room.data()) secret{std::string(text)};
  BOOST_TEST(left() != std::string::npos);
  held->~secret();
  BOOST_TEST(left() == std::string::npos);
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

BOOST_AUTO_TEST_CASE(summaries_of_parts_add_up_to_the_summary_of_the_whole) {
  std::vector<usage_record> records(40);
  for (std::size_t at = 0; at != records.size(); ++at) {
    usage_record& each = records[at];
    each.time = timestamp{std::chrono::seconds{(at * 7) % 40}};
    each.success = at % 3 != 0;
    each.state = each.success  ? record_state::settled
                 : at % 2 == 0 ? record_state::unknown
                               : record_state::void_attempt;
    each.usage.prompt_tokens = at;
    each.usage.total_tokens = at;
    each.response_time = std::chrono::microseconds{at};
    const currency unit = *currency::parse(at % 2 == 0 ? "USD" : "EUR");
    if (each.success && at % 5 != 0)
      each.cost = money{static_cast<std::int64_t>(at), unit};
    if (each.state == record_state::unknown)
      each.cost_limit = money{100, unit};
  }
  usage_summary whole;
  for (const usage_record& each : records)
    whole.add(each);
  for (std::size_t cut = 0; cut <= records.size(); ++cut) {
    usage_summary first, rest;
    for (std::size_t at = 0; at != records.size(); ++at)
      (at < cut ? first : rest).add(records[at]);
    first.add(rest);
    BOOST_TEST((first == whole), "cut at " << cut);
  }
  BOOST_TEST(whole.failed_requests == 14U); // void ones included
  BOOST_TEST(whole.unknown_requests == 7U);
  BOOST_TEST(whole.total_cost.size() == 2U);
  BOOST_TEST((usage_summary{}.average_response_time() == std::chrono::microseconds{0}));
}

BOOST_AUTO_TEST_SUITE_END()
