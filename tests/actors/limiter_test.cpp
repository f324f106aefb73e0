// Limits of ours as functions of handed-in time: places, rates, adaption.
#include "actors/policy/limiter.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <random>

using namespace weir;
using namespace weir::policy;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1000}};

limiter_config places(std::uint32_t count, bool adaptive = false) {
  limiter_config config;
  config.max_concurrency = count;
  config.adaptive_concurrency = adaptive;
  return config;
}

limiter_config requests(std::uint32_t per_minute) {
  limiter_config config = places(1000);
  config.requests_per_minute = per_minute;
  return config;
}

limiter_config tokens(std::uint64_t per_minute) {
  limiter_config config = places(1000);
  config.tokens_per_minute = per_minute;
  return config;
}

ended_attempt ended(time_point began, load_sign sign) {
  ended_attempt made;
  made.began = began;
  made.sign = sign;
  return made;
}

/// Begins `count` attempts at once and ends them all after `took`.
void serve(limiter& by, std::uint32_t count, time_point at, milliseconds took,
           load_sign sign = load_sign::success) {
  for (std::uint32_t n = 0; n != count; ++n)
    by.begin(at, 0);
  for (std::uint32_t n = 0; n != count; ++n)
    by.end(ended(at, sign), at + took);
}

std::int64_t wait_of(const limiter& by, time_point at, std::uint64_t amount = 0) {
  return by.rate_wait(at, amount).time.count();
}

} // namespace

BOOST_AUTO_TEST_SUITE(limiter_test)

BOOST_AUTO_TEST_CASE(places_are_given_out_and_come_back) {
  limiter by(places(2), start);
  by.begin(start, 0);
  BOOST_TEST(by.has_place());
  by.begin(start, 0);
  BOOST_TEST(!by.has_place());
  by.end(ended(start, load_sign::none), start);
  BOOST_TEST(by.has_place());
}

BOOST_AUTO_TEST_CASE(requests_per_minute_have_a_burst_of_a_sixth) {
  limiter by(requests(60), start);
  std::uint32_t begun = 0;
  time_point now = start;
  for (; now != start + 1h; now += 10ms)
    while (by.rate_wait(now, 0).time.count() == 0) {
      by.begin(now, 0);
      by.end(ended(now, load_sign::success), now);
      ++begun;
    }
  BOOST_TEST(begun == 3600U + 10U - 1U); // the last one is due at the hour's end
  limiter slow(requests(1), start);
  slow.begin(start, 0);
  BOOST_TEST(wait_of(slow, start) == 60'000);
  BOOST_TEST((slow.rate_wait(start, 0).cause == wait_cause::requests));
}

BOOST_AUTO_TEST_CASE(a_request_that_was_not_sent_comes_back) {
  limiter by(requests(1), start);
  by.begin(start, 0);
  ended_attempt end = ended(start, load_sign::none);
  end.sent = false;
  by.end(end, start);
  BOOST_TEST(wait_of(by, start) == 0);
}

BOOST_AUTO_TEST_CASE(tokens_are_corrected_by_what_was_used) {
  for (const std::uint64_t used : {0ULL, 100ULL, 600ULL, 1000ULL, 1600ULL}) {
    limiter by(tokens(6000), start); // a burst of 1000, 100 a second
    by.begin(start, 600);
    ended_attempt end = ended(start, load_sign::success);
    end.reserved = 600;
    end.used = used;
    by.end(end, start);
    const auto left = 1000 - static_cast<std::int64_t>(used);
    BOOST_TEST(wait_of(by, start, 1000) == (1000 - left) * 10);
  }
  limiter unknown(tokens(6000), start);
  unknown.begin(start, 600);
  ended_attempt end = ended(start, load_sign::none);
  end.reserved = 600;
  unknown.end(end, start);
  BOOST_TEST(wait_of(unknown, start, 1000) == 6000); // the estimate stays
}

BOOST_AUTO_TEST_CASE(the_expected_wait_follows_the_service_time) {
  limiter by(places(4), start);
  for (int n = 0; n != 4; ++n)
    by.begin(start, 0);
  BOOST_TEST((by.expected_wait(0, 0, start).cause == wait_cause::concurrency));
  BOOST_TEST(by.expected_wait(100, 0, start).time.count() == 0); // nobody knows yet
  for (int n = 0; n != 4; ++n)
    by.end(ended(start, load_sign::success), start + 2s);
  BOOST_TEST(by.expected_wait(3, 0, start + 2s).time.count() == 0);
  for (int n = 0; n != 4; ++n)
    by.begin(start + 2s, 0);
  BOOST_TEST(std::abs(by.expected_wait(0, 0, start).time.count() - 500) <= 1);
  BOOST_TEST(std::abs(by.expected_wait(7, 0, start).time.count() - 4000) <= 1);
  limiter slow(requests(60), start);
  for (int n = 0; n != 10; ++n)
    slow.begin(start, 0);
  BOOST_TEST(slow.expected_wait(4, 0, start).time.count() == 5000);
  limiter thirsty(tokens(6000), start);
  thirsty.begin(start, 1000);
  BOOST_TEST(thirsty.expected_wait(2, 3000, start).time.count() == 30'000);
  BOOST_TEST(thirsty.expected_wait(0, 3000, start).time.count() == 10'000); // alone, by a full bucket
}

BOOST_AUTO_TEST_CASE(a_fast_failure_does_not_count_as_service) {
  limiter by(places(4), start);
  serve(by, 1, start, 800ms);
  serve(by, 100, start, 1ms, load_sign::overload);
  BOOST_TEST((by.service_time() == 800ms));
  serve(by, 1, start, 1600ms, load_sign::overload);
  BOOST_TEST((by.service_time() == 900ms));
}

BOOST_AUTO_TEST_CASE(overload_takes_a_tenth_once_per_service_time) {
  limiter by(places(100, true), start);
  BOOST_TEST(by.concurrency_limit() == 100U);
  serve(by, 1, start, 1s);
  serve(by, 50, start, 1s, load_sign::overload);
  BOOST_TEST(by.concurrency_limit() == 90U);
  serve(by, 50, start, 1900ms, load_sign::overload);
  BOOST_TEST(by.concurrency_limit() == 90U);
  for (int n = 0; n != 200; ++n)
    serve(by, 1, start + (n + 1) * 10s, 1s, load_sign::overload);
  BOOST_TEST(by.concurrency_limit() == 1U);
  limiter fixed(places(100), start);
  serve(fixed, 50, start, 1s, load_sign::overload);
  BOOST_TEST(fixed.concurrency_limit() == 100U);
}

BOOST_AUTO_TEST_CASE(successes_add_a_place_while_half_of_them_are_in_use) {
  limiter by(places(12, true), start);
  serve(by, 1, start, 1s, load_sign::overload);
  serve(by, 1, start + 1min, 1s, load_sign::overload);
  const std::uint32_t low = by.concurrency_limit();
  BOOST_TEST(low == 9U); // 12 · 0.9 = 10, and 10 · 0.9 = 9, rounded down
  for (int n = 0; n != 100; ++n)
    serve(by, 3, start + 2min, 1s); // less than half in use
  BOOST_TEST(by.concurrency_limit() == low);
  serve(by, low - 1, start + 2min, 1s);
  BOOST_TEST(by.concurrency_limit() == low);
  serve(by, low, start + 2min, 1s); // those that count are the first five, while at least half are in use
  BOOST_TEST(by.concurrency_limit() == low + 1);
  for (int n = 0; n != 1000; ++n)
    serve(by, by.concurrency_limit(), start + 2min, 1s);
  BOOST_TEST(by.concurrency_limit() == 12U);
}

BOOST_AUTO_TEST_CASE(the_adaptive_limit_stays_within_its_bounds_in_any_history) {
  std::mt19937_64 random(3);
  for (int history = 0; history != 200; ++history) {
    const auto most = static_cast<std::uint32_t>(1 + random() % 40);
    limiter by(places(most, true), start);
    std::deque<time_point> open;
    time_point now = start;
    for (int step = 0; step != 500; ++step) {
      now += milliseconds(random() % 300);
      if (by.has_place() && random() % 3 != 0) {
        by.begin(now, 0);
        open.push_back(now);
      } else if (!open.empty()) {
        const auto sign = static_cast<load_sign>(random() % 3);
        by.end(ended(open.front(), sign), now);
        open.pop_front();
      }
      BOOST_REQUIRE(by.in_use() == open.size());
      BOOST_REQUIRE(by.concurrency_limit() >= 1 && by.concurrency_limit() <= most);
    }
  }
}

BOOST_AUTO_TEST_CASE(new_limits_count_at_once_and_keep_what_was_taken) {
  limiter by(places(10, true), start);
  serve(by, 1, start, 1s, load_sign::overload);
  BOOST_TEST(by.concurrency_limit() == 9U);
  by.configure(places(20, true), start);
  BOOST_TEST(by.concurrency_limit() == 9U);
  by.configure(places(5, true), start);
  BOOST_TEST(by.concurrency_limit() == 5U);
  by.configure(places(30, true), start); // it was never lowered below the most
  BOOST_TEST(by.concurrency_limit() == 30U);
  limiter rated(requests(60), start);
  for (int n = 0; n != 10; ++n)
    rated.begin(start, 0);
  rated.configure(requests(6), start);
  BOOST_TEST(wait_of(rated, start) == 10'000);
  rated.configure(requests(0), start);
  BOOST_TEST(wait_of(rated, start) == 0);
}

BOOST_AUTO_TEST_CASE(what_began_before_there_was_a_limit_gives_nothing_back_to_it) {
  limiter by(places(10), start);
  by.begin(start, 900); // reserved for a limit of somebody else's
  limiter_config config = tokens(6000);
  config.requests_per_minute = 60;
  by.configure(config, start + 1s); // bursts of 1000 and 10
  by.begin(start + 1s, 600);
  ended_attempt early = ended(start, load_sign::none);
  early.reserved = 900;
  early.used = 0;
  early.sent = false;
  by.end(early, start + 1s);
  BOOST_TEST(wait_of(by, start + 1s, 1000) == 6000);
  for (int n = 0; n != 9; ++n)
    by.begin(start + 1s, 0);
  BOOST_TEST(wait_of(by, start + 1s) == 1000);
}

BOOST_AUTO_TEST_SUITE_END()
