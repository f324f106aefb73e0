// In which order candidates are asked, and what retries may cost.
#include "actors/policy/ordering.hpp"
#include "actors/policy/retry_budget.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <string>

using namespace weir;
using namespace weir::policy;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1000}};

std::vector<route_candidate> candidates(std::initializer_list<std::uint32_t> weights) {
  std::vector<route_candidate> made;
  for (const std::uint32_t weight : weights)
    made.push_back(
        {provider_name(std::string(1, static_cast<char>('a' + made.size()))), model_name("m"), weight});
  return made;
}

std::string ordered(std::vector<route_candidate> all, const std::vector<candidate_facts>& facts,
                    route_strategy by, std::optional<std::string_view> sticky = std::nullopt,
                    std::uint64_t random = 0) {
  order_candidates(all, facts, by, sticky, random);
  std::string text;
  for (const route_candidate& each : all)
    text += each.provider.str();
  return text;
}

std::optional<money> dollars(std::int64_t picos, std::string_view unit = "USD") {
  return money{picos, *currency::parse(unit)};
}

} // namespace

BOOST_AUTO_TEST_SUITE(ordering_test)

BOOST_AUTO_TEST_CASE(each_strategy_puts_its_best_first_and_keeps_ties_in_order) {
  std::vector<candidate_facts> facts{{5, 40ms, false, dollars(7)},
                                     {2, 0ms, false, {}},
                                     {2, 10ms, false, dollars(3)},
                                     {9, 10ms, false, dollars(1, "EUR")}};
  const auto all = candidates({1, 1, 1, 1});
  BOOST_TEST(ordered(all, facts, route_strategy::priority) == "abcd");
  BOOST_TEST(ordered(all, facts, route_strategy::least_busy) == "bcad");
  BOOST_TEST(ordered(all, facts, route_strategy::lowest_latency) == "bcda");
  BOOST_TEST(ordered(all, facts, route_strategy::lowest_cost) == "cabd");
  facts[1].fails = facts[2].fails = true; // who fails fast is not therefore the least busy, nor the fastest
  BOOST_TEST(ordered(all, facts, route_strategy::priority) == "abcd");
  BOOST_TEST(ordered(all, facts, route_strategy::least_busy) == "adbc");
  BOOST_TEST(ordered(all, facts, route_strategy::lowest_latency) == "dabc");
  BOOST_TEST(ordered(all, facts, route_strategy::lowest_cost) == "adcb");
}

BOOST_AUTO_TEST_CASE(weights_are_the_shares_of_who_is_first) {
  const std::vector<candidate_facts> facts(3);
  std::map<char, int> first;
  for (std::uint64_t n = 0; n != 1000; ++n)
    ++first[ordered(candidates({3, 0, 7}), facts, route_strategy::weighted, std::nullopt, n).front()];
  BOOST_TEST(first['a'] == 300);
  BOOST_TEST(first['b'] == 0);
  BOOST_TEST(first['c'] == 700);
  BOOST_TEST(ordered(candidates({3, 0, 7}), facts, route_strategy::weighted, std::nullopt, 9) == "cab");
  BOOST_TEST(ordered(candidates({0, 0}), std::vector<candidate_facts>(2), route_strategy::weighted) == "ab");
}

BOOST_AUTO_TEST_CASE(a_value_keeps_its_candidate_when_others_come_and_go) {
  const std::vector<candidate_facts> facts(4);
  std::map<char, int> homes;
  int moved = 0;
  for (int n = 0; n != 4000; ++n) {
    const std::string value = "user-" + std::to_string(n);
    const char four = ordered(candidates({1, 1, 1, 1}), facts, route_strategy::priority, value).front();
    const char three =
        ordered(candidates({1, 1, 1}), std::vector<candidate_facts>(3), route_strategy::priority, value)
            .front();
    ++homes[four];
    moved += four != three ? 1 : 0;
    BOOST_REQUIRE((four == three || four == 'd')); // only those of the one that went have moved
  }
  for (const char each : {'a', 'b', 'c', 'd'})
    BOOST_TEST((homes[each] > 850 && homes[each] < 1150), each << ": " << homes[each]);
  BOOST_TEST(moved == homes['d']);
}

BOOST_AUTO_TEST_CASE(a_rough_cost_is_that_of_the_text_and_the_longest_reply) {
  pricing prices;
  prices.unit = *currency::parse("USD");
  prices.input = *parse_price("4", price_unit::million_tokens);
  prices.output = *parse_price("10", price_unit::million_tokens);
  chat_request request;
  request.messages.push_back(make_message(role::user, std::string(3996, 'x'))); // 1,000 tokens
  request.max_tokens = 100;
  BOOST_TEST(to_decimal(*rough_cost(request, &prices)) == "0.005");
  BOOST_TEST(!rough_cost(request, nullptr).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(retry_budget_test)

BOOST_AUTO_TEST_CASE(a_bucketful_of_retries_and_then_one_for_ten_successes) {
  retry_budget budget({.tokens = 10, .per_success_permille = 100, .refill_time = 0ms});
  for (int n = 0; n != 10; ++n)
    BOOST_REQUIRE(budget.spend(start));
  BOOST_TEST(!budget.spend(start));
  for (int n = 0; n != 9; ++n)
    budget.success(start);
  BOOST_TEST(!budget.spend(start + 1h));
  budget.success(start);
  BOOST_TEST(budget.spend(start));
  BOOST_TEST(!budget.spend(start));
}

BOOST_AUTO_TEST_CASE(time_gives_back_a_token_at_a_time_and_never_more_than_there_is_room) {
  retry_budget budget({.tokens = 3, .refill_time = 60s});
  for (int n = 0; n != 3; ++n)
    BOOST_REQUIRE(budget.spend(start));
  BOOST_TEST(!budget.spend(start + 59s));
  BOOST_TEST(budget.spend(start + 60s));
  BOOST_TEST(!budget.spend(start + 119s));
  BOOST_TEST(budget.left_permille(start + 1h) == 3000U);
  // What was full has nothing to get back from the time before.
  BOOST_TEST(budget.spend(start + 1h + 59s));
  BOOST_TEST(budget.left_permille(start + 1h + 60s) == 2000U);
}

/// The law: never more retries than a bucketful, the share of successes, and what time has given back.
BOOST_AUTO_TEST_CASE(no_history_spends_more_than_the_law_allows) {
  for (std::uint64_t seed = 1; seed != 501; ++seed) {
    std::mt19937_64 random(seed);
    const retry_budget_config rules{.tokens = static_cast<std::uint32_t>(1 + random() % 12),
                                    .per_success_permille = static_cast<std::uint32_t>(random() % 400),
                                    .refill_time = milliseconds{random() % 90'000}};
    retry_budget budget(rules);
    time_point now = start;
    std::uint64_t spent = 0;
    std::uint64_t successes = 0;
    for (int step = 0; step != 2000; ++step) {
      now += milliseconds{random() % 200};
      if (random() % 3 == 0) {
        budget.success(now);
        ++successes;
      } else {
        spent += budget.spend(now) ? 1 : 0;
      }
      const auto refilled =
          rules.refill_time.count() == 0 ? 0 : static_cast<std::uint64_t>((now - start) / rules.refill_time);
      BOOST_REQUIRE(spent * 1000 <=
                    (rules.tokens + refilled) * 1000 + successes * rules.per_success_permille);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_larger_bucket_fills_with_time_too) {
  retry_budget budget({.tokens = 1, .refill_time = 60s});
  budget.configure({.tokens = 3, .refill_time = 60s}, start);
  BOOST_TEST(budget.left_permille(start) == 1000U);
  BOOST_TEST(budget.left_permille(start + 120s) == 3000U);
  budget.configure({.tokens = 9, .refill_time = 1s}, start + 120s); // the new pace counts from now on
  BOOST_TEST(budget.left_permille(start + 120s) == 3000U);
}

BOOST_AUTO_TEST_CASE(without_a_budget_every_retry_is_allowed) {
  retry_budget budget({.enabled = false, .tokens = 0});
  for (int n = 0; n != 1000; ++n)
    BOOST_REQUIRE(budget.spend(start));
}

BOOST_AUTO_TEST_SUITE_END()
