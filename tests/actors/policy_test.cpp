// The policies as functions: waits, breakers, decisions, routes, bookings.
#include "actors/policy/backoff.hpp"
#include "actors/policy/booking.hpp"
#include "actors/policy/breaker.hpp"
#include "actors/policy/error_policy.hpp"
#include "actors/policy/failover.hpp"
#include "actors/policy/routing.hpp"
#include "tests/actors/stage.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace weir;
using namespace weir::policy;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1000}};

std::int64_t wait(const retry_rule& rule, std::uint32_t retry) {
  return backoff_delay(rule, retry, std::nullopt, false, 0).count();
}

failure failed(errc type, outcome fate = outcome::not_sent) {
  failure error = make_failure(type, "x");
  error.fate = fate;
  return error;
}

/// What the plan does with the same failure until it gives up: how many attempts at each candidate.
std::vector<std::uint32_t> attempts_until_end(std::size_t candidates, const failure& error,
                                              const retry_config& rules,
                                              std::optional<std::uint32_t> cap = std::nullopt) {
  std::vector<std::uint32_t> made(candidates);
  call_plan plan(candidates);
  for (int guard = 0; plan.has_candidate() && guard != 1000; ++guard) {
    plan.begin_attempt();
    ++made[plan.candidate()];
    if (plan.after(error, rules, cap, 1h, 7).step == next_step::give_up)
      break;
  }
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy_test)

BOOST_AUTO_TEST_CASE(a_breaker_that_needs_fewer_probes_than_have_succeeded_closes) {
  breaker_config limits;
  limits.half_open_permits = 3;
  circuit_breaker breaker(limits);
  for (std::uint32_t n = 0; n != limits.min_calls; ++n)
    breaker.failure(*breaker.acquire(start, start + 1h), start);
  const time_point later = start + limits.open_time;
  for (int n = 0; n != 2; ++n)
    breaker.success(*breaker.acquire(later, later + 1h), later);
  BOOST_REQUIRE((breaker.state() == breaker_state::half_open));
  limits.half_open_permits = 2;
  breaker.configure(limits);
  BOOST_TEST((breaker.state() == breaker_state::closed));
  BOOST_TEST(breaker.acquire(later, later + 1h).has_value());
}

BOOST_AUTO_TEST_CASE(waits_grow_as_the_rule_says_and_stop_at_the_cap) {
  const retry_rule exponential{.base_delay = 1000ms, .max_delay = 10'000ms};
  BOOST_TEST(wait(exponential, 1) == 1000);
  BOOST_TEST(wait(exponential, 2) == 2000);
  BOOST_TEST(wait(exponential, 4) == 8000);
  BOOST_TEST(wait(exponential, 5) == 10'000);
  BOOST_TEST(wait(exponential, 4'000'000'000U) == 10'000);
  const retry_rule linear{.backoff = backoff_kind::linear, .base_delay = 1500ms, .max_delay = 10'000ms};
  BOOST_TEST(wait(linear, 3) == 4500);
  BOOST_TEST(wait(linear, 4'000'000'000U) == 10'000);
  const retry_rule fixed{.backoff = backoff_kind::fixed, .base_delay = 700ms};
  BOOST_TEST(wait(fixed, 9) == 700);
}

BOOST_AUTO_TEST_CASE(jitter_stays_within_the_delay_and_above_the_hint) {
  std::mt19937_64 random(7);
  const retry_rule rule{.base_delay = 1000ms};
  for (int n = 0; n != 10'000; ++n) {
    const auto jittered = backoff_delay(rule, 1, std::nullopt, true, random());
    BOOST_REQUIRE(jittered > 0ms);
    BOOST_REQUIRE(jittered <= 1000ms);
    BOOST_REQUIRE(backoff_delay(rule, 1, 1500ms, true, random()) == 1500ms);
  }
}

BOOST_AUTO_TEST_CASE(a_breaker_opens_at_its_share_of_failures_and_not_before_enough_calls) {
  circuit_breaker breaker({.min_calls = 10, .failure_percent = 50});
  for (int n = 0; n != 9; ++n)
    breaker.failure(*breaker.acquire(start, start + 1min), start);
  BOOST_TEST((breaker.state() == breaker_state::closed));
  breaker.failure(*breaker.acquire(start, start + 1min), start);
  BOOST_TEST((breaker.state() == breaker_state::open));
  BOOST_TEST(!breaker.acquire(start + 29s, start + 1min).has_value());
}

BOOST_AUTO_TEST_CASE(old_outcomes_do_not_open_a_breaker) {
  circuit_breaker breaker({.window = 30s, .min_calls = 10});
  for (int n = 0; n != 9; ++n)
    breaker.failure(*breaker.acquire(start, start + 1min), start);
  const time_point later = start + 31s;
  breaker.failure(*breaker.acquire(later, later + 1min), later);
  BOOST_TEST((breaker.state() == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(an_open_breaker_lets_probes_through_and_closes_when_all_succeed) {
  circuit_breaker breaker({.min_calls = 1, .open_time = 30s, .half_open_permits = 2});
  breaker.failure(*breaker.acquire(start, start + 1min), start);
  const time_point later = start + 30s;
  const auto first = breaker.acquire(later, later + 1min);
  const auto second = breaker.acquire(later, later + 1min);
  BOOST_REQUIRE((first && second));
  BOOST_TEST(!breaker.acquire(later, later + 1min).has_value());
  breaker.success(*first, later);
  BOOST_TEST((breaker.state() == breaker_state::half_open));
  breaker.success(*second, later);
  BOOST_TEST((breaker.state() == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(a_probe_that_never_reports_cannot_keep_a_breaker_half_open) {
  circuit_breaker breaker({.min_calls = 1, .open_time = 30s, .half_open_permits = 1});
  breaker.failure(*breaker.acquire(start, start + 1min), start);
  const time_point later = start + 30s;
  BOOST_REQUIRE(breaker.acquire(later, later + 10s).has_value());
  BOOST_TEST(!breaker.acquire(later + 9s, later + 1min).has_value());
  BOOST_TEST(!breaker.acquire(later + 10s, later + 1min).has_value()); // lost: open again, for twice as long
  BOOST_TEST((breaker.state() == breaker_state::open));
  BOOST_TEST(!breaker.acquire(later + 69s, later + 2min).has_value());
  BOOST_TEST(breaker.acquire(later + 70s, later + 2min).has_value());
}

BOOST_AUTO_TEST_CASE(a_result_from_before_the_break_changes_nothing) {
  circuit_breaker breaker({.min_calls = 1, .open_time = 30s, .half_open_permits = 1});
  const auto old = *breaker.acquire(start, start + 1min);
  breaker.failure(*breaker.acquire(start, start + 1min), start);
  const auto probe = *breaker.acquire(start + 30s, start + 1min);
  breaker.success(old, start + 30s);
  BOOST_TEST((breaker.state() == breaker_state::half_open));
  breaker.failure(old, start + 30s);
  BOOST_TEST((breaker.state() == breaker_state::half_open));
  breaker.release(probe);
  BOOST_TEST(breaker.acquire(start + 30s, start + 1min).has_value()); // the permit was given back
}

BOOST_AUTO_TEST_CASE(time_spent_open_doubles_up_to_its_cap) {
  circuit_breaker breaker({.min_calls = 1, .open_time = 30s, .max_open_time = 100s, .half_open_permits = 1});
  time_point now = start;
  for (const auto expected : {30s, 60s, 100s, 100s}) {
    breaker.failure(*breaker.acquire(now, now + 1min), now);
    BOOST_TEST((breaker.reopens_at() - now == expected));
    now = breaker.reopens_at();
  }
}

BOOST_AUTO_TEST_CASE(each_class_is_retried_as_often_as_its_rule_says) {
  const retry_config rules = retry_config::defaults();
  BOOST_TEST((attempts_until_end(1, failed(errc::network), rules) == std::vector{4U}));
  BOOST_TEST((attempts_until_end(1, failed(errc::rate_limit), rules) == std::vector{6U}));
  BOOST_TEST((attempts_until_end(1, failed(errc::server_error), rules) == std::vector{3U}));
  BOOST_TEST((attempts_until_end(2, failed(errc::auth), rules) == std::vector{1U, 1U}));
  BOOST_TEST((attempts_until_end(2, failed(errc::invalid_request), rules) == std::vector{1U, 0U}));
  BOOST_TEST((attempts_until_end(2, failed(errc::content_filter), rules) == std::vector{1U, 0U}));
  BOOST_TEST((attempts_until_end(1, failed(errc::network), rules, 1) == std::vector{2U}));
  BOOST_TEST((attempts_until_end(1, failed(errc::network), rules, 0) == std::vector{1U}));
}

BOOST_AUTO_TEST_CASE(a_sick_provider_never_spends_the_attempts_of_the_others) {
  const retry_config rules = retry_config::defaults();
  const auto made = attempts_until_end(3, failed(errc::rate_limit), rules);
  BOOST_TEST((made == std::vector{4U, 1U, 1U}));
}

BOOST_AUTO_TEST_CASE(a_request_that_may_have_been_billed_is_repeated_once_at_most) {
  retry_config rules = retry_config::defaults();
  BOOST_TEST(
      (attempts_until_end(3, failed(errc::network, outcome::unknown), rules) == std::vector{2U, 0U, 0U}));
  BOOST_TEST(
      (attempts_until_end(3, failed(errc::timeout, outcome::unknown), rules) == std::vector{1U, 1U, 0U}));
  rules.max_unknown_repeats = 0;
  BOOST_TEST(
      (attempts_until_end(3, failed(errc::network, outcome::unknown), rules) == std::vector{1U, 0U, 0U}));
}

BOOST_AUTO_TEST_CASE(a_wait_that_reaches_the_deadline_is_no_use) {
  call_plan plan(2);
  plan.begin_attempt();
  failure error = failed(errc::rate_limit);
  error.retry_after = 5s;
  const retry_config rules = retry_config::defaults();
  BOOST_TEST((plan.after(error, rules, std::nullopt, 4s, 0).step == next_step::next_candidate));
  BOOST_TEST((plan.candidate() == 1U));
  error.retry_after = 121s;
  BOOST_TEST((plan.after(error, rules, std::nullopt, 1h, 0).step == next_step::give_up));
}

BOOST_AUTO_TEST_CASE(routes_begin_at_the_default_and_keep_to_who_offers_the_model) {
  const auto config = tests::providers({"a", "b", "c"});
  config->providers[1].enabled = false;
  config->default_provider = provider_name("c");
  chat_request request;
  request.model = model_name("m");
  const auto names = [](const route& way) {
    std::string text;
    for (const route_candidate& each : way.candidates)
      text += each.provider.str();
    return text;
  };
  BOOST_TEST(names(*find_route(*config, request)) == "ca");
  request.provider = provider_name("a");
  BOOST_TEST(names(*find_route(*config, request)) == "a");
  request.provider = provider_name("b");
  BOOST_TEST((find_route(*config, request).error().type == errc::invalid_request));
  request.provider = {};
  request.model = model_name("other");
  BOOST_TEST((find_route(*config, request).error().type == errc::model_not_found));
  config->providers[0].models.clear();
  BOOST_TEST((find_route(*config, request).error().type == errc::model_not_found));
  config->providers[2].models.clear();
  BOOST_TEST(names(*find_route(*config, request)) == "ca");
  request.model = {};
  BOOST_TEST(find_route(*config, request).error().place == "model");
}

BOOST_AUTO_TEST_CASE(what_the_ledger_would_refuse_is_refused_at_the_door) {
  const auto config = tests::providers({"a"});
  chat_request request = tests::stage::question();
  request.tags.assign(64, {std::string(1024, 'k'), std::string(1024, 'v')});
  BOOST_TEST(find_route(*config, request).has_value());
  request.tags.front().second += 'v';
  BOOST_TEST(find_route(*config, request).error().place == "tags");
  request.tags.assign(65, {"k", "v"});
  BOOST_TEST(find_route(*config, request).error().place == "tags");
  request = tests::stage::question();
  request.model = model_name(std::string(1025, 'm'));
  BOOST_TEST((find_route(*config, request).error().type == errc::invalid_request));
}

BOOST_AUTO_TEST_CASE(books_tell_free_from_paid_from_unknown) {
  const auto config = tests::providers({"a"});
  const provider_config& provider = config->providers[0];
  const model_config& model = provider.models[0];
  const chat_request request = tests::stage::question();
  const auto booked = [&](const failure& error) {
    return make_record({}, request, provider.name, &model, &*model.prices, error);
  };
  const auto refused = booked(failed(errc::rate_limit, outcome::rejected_unprocessed));
  BOOST_TEST((refused.state == record_state::settled));
  BOOST_TEST(to_decimal(*refused.cost) == "0");
  BOOST_TEST((booked(failed(errc::network)).state == record_state::void_attempt));
  const auto lost = booked(failed(errc::network, outcome::unknown));
  BOOST_TEST((lost.state == record_state::unknown));
  BOOST_TEST(!lost.cost.has_value());
  // 16 + 6 bytes of input at 30, 100 tokens of output at 60 per million
  BOOST_TEST(to_decimal(*lost.cost_limit) == "0.00666");
  BOOST_TEST(!make_record({}, request, provider.name, &model, nullptr, failed(errc::auth)).cost.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
