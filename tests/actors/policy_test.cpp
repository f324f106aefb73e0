// The policies as functions: waits, decisions, routes, bookings.
#include "actors/policy/backoff.hpp"
#include "actors/policy/booking.hpp"
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

decision judged(call_plan& plan, const failure& error, const retry_config& rules, milliseconds remaining,
                std::optional<std::uint32_t> cap = std::nullopt) {
  retry_budget budget(rules.budget);
  failed_attempt what{.error = error, .rules = rules, .budget = budget, .provider_cap = cap};
  what.remaining = remaining;
  what.now = start;
  what.random = 7;
  return plan.after(what);
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
    if (judged(plan, error, rules, 1h, cap).step == next_step::give_up)
      break;
  }
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy_test)

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

BOOST_AUTO_TEST_CASE(only_what_a_provider_can_help_counts_against_it) {
  for (int n = 0; n <= static_cast<int>(errc::storage); ++n) {
    const errc type = static_cast<errc>(n);
    const bool fault = type == errc::network || type == errc::server_error || type == errc::timeout;
    BOOST_TEST(policy_for(type).counts_as_broken == fault, to_string(type));
  }
}

BOOST_AUTO_TEST_CASE(each_candidate_has_retries_of_its_own) {
  retry_config rules = retry_config::defaults();
  rules.max_total_attempts = 20;
  BOOST_TEST((attempts_until_end(2, failed(errc::server_error), rules) == std::vector{3U, 3U}));
  BOOST_TEST((attempts_until_end(2, failed(errc::server_error), rules, 1) == std::vector{2U, 2U}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_mended_by_repeating_is_not_repeated_at_the_same_candidate) {
  const retry_config rules = retry_config::defaults();
  failure error = failed(errc::server_error);
  error.retryable = false;
  BOOST_TEST((attempts_until_end(2, error, rules) == std::vector{1U, 1U}));
}

BOOST_AUTO_TEST_CASE(who_could_not_be_reached_in_time_is_tried_again_like_who_was_not_reached) {
  const retry_config rules = retry_config::defaults();
  BOOST_TEST((attempts_until_end(1, failed(errc::timeout), rules) == std::vector{4U}));
  BOOST_TEST((attempts_until_end(1, failed(errc::timeout, outcome::unknown), rules) == std::vector{1U}));
}

BOOST_AUTO_TEST_CASE(a_sick_provider_never_spends_the_attempts_of_the_others) {
  const retry_config rules = retry_config::defaults();
  const auto made = attempts_until_end(3, failed(errc::rate_limit), rules);
  BOOST_TEST((made == std::vector{4U, 1U, 1U}));
}

BOOST_AUTO_TEST_CASE(a_request_that_may_have_been_billed_is_repeated_once_at_most) {
  retry_config rules = retry_config::defaults();
  BOOST_TEST((attempts_until_end(1, failed(errc::network, outcome::unknown), rules) == std::vector{2U}));
  // The only repeat is worth more at somebody else's.
  BOOST_TEST(
      (attempts_until_end(3, failed(errc::network, outcome::unknown), rules) == std::vector{1U, 1U, 0U}));
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
  BOOST_TEST((judged(plan, error, rules, 4s).step == next_step::next_candidate));
  BOOST_TEST((plan.candidate() == 1U));
  error.retry_after = 121s;
  BOOST_TEST((judged(plan, error, rules, 1h).step == next_step::give_up));
}

BOOST_AUTO_TEST_CASE(a_retry_that_would_end_after_the_deadline_is_not_made) {
  retry_config rules = retry_config::defaults();
  rules.jitter = false;
  retry_budget budget(rules.budget);
  const failure error = failed(errc::network);
  failed_attempt what{.error = error, .rules = rules, .budget = budget};
  what.now = start;
  what.remaining = 3s;
  what.least_time = 2s;
  call_plan late(1);
  late.begin_attempt();
  BOOST_TEST((late.after(what).step == next_step::give_up));
  what.least_time = 1999ms;
  call_plan in_time(1);
  in_time.begin_attempt();
  BOOST_TEST((in_time.after(what).step == next_step::retry_here));
}

BOOST_AUTO_TEST_CASE(another_key_is_tried_at_once_and_without_a_rule) {
  const retry_config rules = retry_config::defaults();
  retry_budget budget(rules.budget);
  const failure error = failed(errc::auth, outcome::rejected_unprocessed);
  failed_attempt what{.error = error, .rules = rules, .budget = budget, .provider_cap = 0};
  what.now = start;
  what.remaining = 1h;
  what.other_key = true;
  call_plan plan(2);
  for (std::uint32_t n = 1; n != rules.max_total_attempts; ++n) {
    plan.begin_attempt();
    const decision next = plan.after(what);
    BOOST_REQUIRE((next.step == next_step::retry_here && next.wait == 0ms));
  }
  plan.begin_attempt();
  BOOST_TEST((plan.after(what).step == next_step::give_up));
}

BOOST_AUTO_TEST_CASE(another_key_takes_no_retry_from_what_fails_later) {
  retry_config rules = retry_config::defaults();
  rules.jitter = false;
  retry_budget budget(rules.budget);
  const failure held = failed(errc::rate_limit, outcome::rejected_unprocessed);
  failed_attempt what{.error = held, .rules = rules, .budget = budget, .provider_cap = 1};
  what.now = start;
  what.remaining = 1h;
  what.other_key = true;
  call_plan plan(1);
  for (int n = 0; n != 3; ++n) {
    plan.begin_attempt();
    BOOST_REQUIRE((plan.after(what).step == next_step::retry_here));
  }
  what.other_key = false;
  plan.begin_attempt();
  const decision next = plan.after(what);
  BOOST_TEST((next.step == next_step::retry_here));
  BOOST_TEST((next.wait == rules.rules.at(errc::rate_limit).base_delay)); // the first of its class
}

BOOST_AUTO_TEST_CASE(without_a_token_a_call_moves_on_or_ends) {
  retry_config rules = retry_config::defaults();
  rules.budget.tokens = 1;
  retry_budget budget(rules.budget);
  const failure error = failed(errc::server_error);
  failed_attempt what{.error = error, .rules = rules, .budget = budget};
  what.now = start;
  what.remaining = 1h;
  call_plan plan(2);
  plan.begin_attempt();
  BOOST_TEST((plan.after(what).step == next_step::retry_here));
  plan.begin_attempt();
  BOOST_TEST((plan.after(what).step == next_step::next_candidate));
  plan.begin_attempt();
  BOOST_TEST((plan.after(what).step == next_step::give_up));
}

BOOST_AUTO_TEST_CASE(a_refusal_by_safety_rules_is_taken_elsewhere_only_when_told) {
  const retry_config rules = retry_config::defaults();
  retry_budget budget(rules.budget);
  const failure error = failed(errc::content_filter, outcome::rejected_unprocessed);
  failed_attempt what{.error = error, .rules = rules, .budget = budget};
  what.remaining = 1h;
  call_plan plan(2);
  plan.begin_attempt();
  BOOST_TEST((plan.after(what).step == next_step::give_up));
  what.reroute_content_filter = true;
  BOOST_TEST((plan.after(what).step == next_step::next_candidate));
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

BOOST_AUTO_TEST_CASE(a_route_gives_each_provider_its_own_name_of_the_model) {
  const auto config = tests::providers({"a", "b", "c"});
  config->providers[1].enabled = false;
  route_config way;
  way.name = model_name("alias");
  way.candidates = {{provider_name("b"), model_name("x")},
                    {provider_name("c"), model_name("m")},
                    {provider_name("a"), model_name("y"), 3}};
  config->routes.push_back(way);
  chat_request request;
  request.model = model_name("alias");
  const auto found = find_route(*config, request);
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->by == &config->routes.front());
  BOOST_REQUIRE(found->candidates.size() == 2U);
  BOOST_TEST(found->candidates[0].model.str() == "m");
  BOOST_TEST(found->candidates[1].provider.str() == "a");
  BOOST_TEST(found->candidates[1].model.str() == "y");
  BOOST_TEST(found->candidates[1].weight == 3U);
  request.provider = provider_name("a");
  BOOST_TEST(find_route(*config, request)->candidates.size() == 1U);
  config->providers[0].enabled = false;
  config->providers[2].enabled = false;
  config->providers[1].enabled = true;
  config->default_provider = provider_name("b");
  request.provider = {};
  BOOST_TEST(find_route(*config, request)->candidates.front().model.str() == "x");
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
    return make_record({}, request, provider.name, &model, {&*model.prices, 7}, error);
  };
  const auto refused = booked(failed(errc::rate_limit, outcome::rejected_unprocessed));
  BOOST_TEST((refused.state == record_state::settled));
  BOOST_TEST(to_decimal(*refused.cost) == "0");
  BOOST_TEST(refused.price_version == 7U);
  BOOST_TEST((booked(failed(errc::network)).state == record_state::void_attempt));
  const auto lost = booked(failed(errc::network, outcome::unknown));
  BOOST_TEST((lost.state == record_state::unknown));
  BOOST_TEST(!lost.cost.has_value());
  // 16 + 6 bytes of input at 30, 100 tokens of output at 60 per million
  BOOST_TEST(to_decimal(*lost.cost_limit) == "0.00666");
  BOOST_TEST(!make_record({}, request, provider.name, &model, {}, failed(errc::auth)).cost.has_value());
}

BOOST_AUTO_TEST_CASE(an_upper_bound_takes_the_dearest_tier_that_can_be_reached) {
  const auto config = tests::providers({"a"});
  const provider_config& provider = config->providers[0];
  const model_config& model = provider.models[0];
  const chat_request request = tests::stage::question(); // at most 22 tokens
  pricing prices = *model.prices;                        // 30 and 60 per million
  const auto bound = [&] {
    return to_decimal(*make_record({}, request, provider.name, &model, {&prices, 0},
                                   failed(errc::network, outcome::unknown))
                           .cost_limit);
  };
  prices.tiers = {{.above = 22, .input = price{1'000'000'000'000'000}}};
  BOOST_TEST(bound() == "0.00666");
  prices.tiers.front().above = 21;
  BOOST_TEST(bound() == "0.028");
  prices.tiers.clear();
  prices.reasoning = price{70'000'000'000'000};
  BOOST_TEST(bound() == "0.00766");
  prices.request_fee = 1'000'000'000;
  BOOST_TEST(bound() == "0.00866");
  prices.image_fee = 1; // there is none in the request
  BOOST_TEST(bound() == "0.00866");
}

BOOST_AUTO_TEST_SUITE_END()
