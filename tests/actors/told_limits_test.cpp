// What a provider told of one model, as a function of handed-in time: rates, holds, what is absurd.
#include "actors/policy/told_limits.hpp"

#include "actors/policy/by_model.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace weir;
using namespace weir::policy;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1000}};

std::int64_t wait_of(const told_limits& by, time_point at, std::uint64_t amount = 0) {
  return by.rate_wait(at, amount).time.count();
}

} // namespace

BOOST_AUTO_TEST_SUITE(told_limits_test)

BOOST_AUTO_TEST_CASE(what_nothing_was_told_of_may_go) {
  told_limits by;
  by.begin(start, 1'000'000);
  BOOST_TEST(wait_of(by, start, 1'000'000) == 0);
  BOOST_TEST((by.expected_wait(1000, 1'000'000, start).time == 0ms));
  BOOST_TEST(!by.counts_tokens());
}

BOOST_AUTO_TEST_CASE(a_hint_holds_and_a_shorter_one_does_not_shorten_it) {
  told_limits by;
  by.hold(20s, start);
  by.hold(1s, start);
  BOOST_TEST(wait_of(by, start) == 20'000);
  BOOST_TEST((by.rate_wait(start, 0).cause == wait_cause::hold));
  BOOST_TEST((by.expected_wait(3, 0, start).cause == wait_cause::hold));
  BOOST_TEST((by.held_for(start + 19s) == 1s));
  BOOST_TEST(wait_of(by, start + 20s) == 0);
  by.hold(100h, start);
  BOOST_TEST((by.held_for(start) == told_limits::longest_hold));
}

BOOST_AUTO_TEST_CASE(what_the_provider_tells_empties_buckets_and_never_fills_them) {
  told_limits by;
  by.learn({60, 60, 0ms}, {}, start);
  for (int n = 0; n != 58; ++n)
    by.begin(start, 0);
  BOOST_TEST(wait_of(by, start) == 0);
  by.learn({60, 50, 10s}, {}, start); // more than our own count has left
  by.begin(start, 0);
  by.begin(start, 0);
  BOOST_TEST(wait_of(by, start) == 1000);
  BOOST_TEST(by.rate_wait(start, 0).learned);
  by.learn({60, 1, 10s}, {}, start + 30s); // less than it
  by.begin(start + 30s, 0);
  BOOST_TEST(wait_of(by, start + 30s) == 1000);
  by.learn({}, {6000, 100, 1min}, start);
  BOOST_TEST(by.counts_tokens());
  BOOST_TEST(wait_of(by, start + 31s, 4000) > 0);
}

BOOST_AUTO_TEST_CASE(a_larger_limit_does_not_fill_what_was_emptied) {
  told_limits by;
  by.learn({60, 2, 58s}, {6000, 10, 1min}, start);
  by.learn({6000, 5990, 1ms}, {600'000, 599'000, 1ms}, start);
  by.begin(start, 10);
  by.begin(start, 0);
  BOOST_TEST((by.rate_wait(start, 0).cause == wait_cause::requests));
  BOOST_TEST(wait_of(by, start) == 10); // it fills as fast as was said last
  BOOST_TEST(wait_of(by, start, 1000) == 100);
}

BOOST_AUTO_TEST_CASE(nothing_remaining_holds_until_the_reset_and_ten_minutes_at_the_most) {
  told_limits by;
  by.learn({60, 0, 20s}, {}, start);
  BOOST_TEST(wait_of(by, start) == 20'000);
  by.learn({}, {1000, 0, 5h}, start);
  BOOST_TEST(wait_of(by, start) == 600'000);
}

BOOST_AUTO_TEST_CASE(rates_are_forgotten_on_demand_and_a_hold_stays) {
  told_limits by;
  by.learn({60, 1, 20s}, {1000, 0, 20s}, start);
  by.begin(start, 500);
  BOOST_TEST(by.counts_tokens());
  by.forget_rates();
  BOOST_TEST(!by.counts_tokens());
  BOOST_TEST(wait_of(by, start, 1000) == 20'000);
  BOOST_TEST(wait_of(by, start + 20s, 1000) == 0);
}

BOOST_AUTO_TEST_CASE(absurd_news_is_passed_over) {
  told_limits by;
  by.learn({0, 5, 1s}, {~0ULL, 5, 1s}, start);
  by.learn({60, 61, 1s}, {}, start);
  by.learn({60, 0, -5s}, {60, 0, std::nullopt}, start);
  BOOST_TEST((by.held_for(start) == 0ms));
  told_limits told;
  told.learn({2, std::nullopt, 1s}, {}, start);
  told.learn({0, std::nullopt, 1s}, {}, start);
  told.learn({~0ULL, std::nullopt, 1s}, {}, start);
  for (int n = 0; n != 2; ++n)
    told.begin(start, 0);
  BOOST_TEST(wait_of(told, start) == 30'000); // two a minute, as was said when it could be meant
}

BOOST_AUTO_TEST_CASE(ends_correct_what_was_taken_and_nothing_else) {
  told_limits by;
  by.begin(start, 500); // nothing is known yet, and so nothing is taken
  by.learn({60, 1, 59s}, {6000, 100, 1min}, start + 1s);
  ended_attempt early;
  early.began = start;
  early.reserved = 500;
  early.used = 0;
  early.sent = false;
  by.end(early, start + 1s);
  BOOST_TEST(wait_of(by, start + 1s, 600) == 5000);
  by.begin(start + 1s, 100);
  BOOST_TEST(wait_of(by, start + 1s) == 1000);
  ended_attempt late = early;
  late.began = start + 1s;
  late.reserved = 100;
  late.used.reset(); // nobody knows what it cost: the estimate stays
  by.end(late, start + 1s);
  BOOST_TEST(wait_of(by, start + 1s) == 0);
  BOOST_TEST(wait_of(by, start + 1s, 100) == 1000);
  late.used = 40;
  by.end(late, start + 1s);
  BOOST_TEST(wait_of(by, start + 1s, 100) == 400);
}

BOOST_AUTO_TEST_CASE(the_expected_wait_counts_those_before) {
  told_limits by;
  by.learn({60, 2, 58s}, {6000, 1000, 50s}, start);
  BOOST_TEST((by.expected_wait(0, 500, start).time == 0ms));
  BOOST_TEST((by.expected_wait(4, 500, start).time == 3s));
  BOOST_TEST((by.expected_wait(4, 500, start).cause == wait_cause::requests));
  BOOST_TEST((by.expected_wait(4, 2000, start).time == 10s));
  BOOST_TEST((by.expected_wait(4, 2000, start).cause == wait_cause::tokens));
  BOOST_TEST((by.expected_wait(0, 2000, start).time == 10s));
  BOOST_TEST((by.expected_wait(0, 60'000, start).time == 50s)); // alone, by a full bucket
}

BOOST_AUTO_TEST_CASE(beyond_256_models_one_is_for_all) {
  by_model<int> values;
  BOOST_TEST((values.find(model_name("0")) == nullptr));
  for (int n = 0; n != 1000; ++n)
    values.of(model_name(std::to_string(n))) += 1;
  BOOST_TEST(values.size() == 257U);
  BOOST_TEST(*values.find(model_name("255")) == 1);
  BOOST_TEST(*values.find(model_name("999")) == 744);
  BOOST_TEST(*values.find(model_name("new")) == 744);
  int sum = 0;
  values.for_each([&sum](int each) { sum += each; });
  BOOST_TEST(sum == 1000);
  values.erase_if([](int each) { return each == 744; });
  BOOST_TEST(values.size() == 256U);
  values.erase_if([](int each) { return each == 1; });
  BOOST_TEST(values.size() == 0U);
  BOOST_TEST((values.find(model_name("0")) == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
