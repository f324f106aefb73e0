// Token buckets over handed-in time: the law, debt, bounds.
#include "actors/policy/rate_bucket.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

using namespace weir;
using namespace weir::policy;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1000}};

} // namespace

BOOST_AUTO_TEST_SUITE(rate_bucket_test)

BOOST_AUTO_TEST_CASE(in_any_span_a_bucket_gives_its_burst_and_what_the_span_fills) {
  std::mt19937_64 random(11);
  for (int history = 0; history != 300; ++history) {
    const std::uint64_t per_minute = 1 + random() % (history % 2 == 0 ? 50 : 100'000);
    const std::uint64_t burst = std::max<std::uint64_t>(per_minute / 6, 1);
    rate_bucket bucket;
    bucket.configure(per_minute, burst, start);
    time_point now = start;
    std::vector<std::pair<time_point, std::uint64_t>> taken;
    for (int step = 0; step != 400; ++step) {
      now += std::chrono::microseconds(random() % 5'000'000);
      const std::uint64_t amount = 1 + random() % burst;
      if (const milliseconds wait = bucket.wait(amount, now); wait.count() != 0) {
        BOOST_REQUIRE(bucket.wait(amount, now + wait).count() == 0); // the wait is long enough
        if (random() % 2 == 0)
          continue;
        now += wait;
      }
      bucket.take(amount, now);
      taken.emplace_back(now, amount);
    }
    for (std::size_t from = 0; from < taken.size(); from += 7) {
      std::uint64_t sum = 0;
      for (std::size_t to = from; to != taken.size(); ++to) {
        sum += taken[to].second;
        const auto span = std::chrono::ceil<milliseconds>(taken[to].first - taken[from].first) + 1ms;
        const auto filled = static_cast<std::uint64_t>(span.count()) * per_minute;
        BOOST_REQUIRE_LE(sum * 60'000, burst * 60'000 + filled);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_wait_is_as_short_as_it_can_be) {
  rate_bucket bucket;
  bucket.configure(60, 10, start);
  bucket.take(10, start);
  BOOST_TEST(bucket.wait(1, start).count() == 1000);
  BOOST_TEST(bucket.wait(3, start + 500ms).count() == 2500);
  BOOST_TEST(bucket.wait(99, start).count() == 10'000); // more than the burst: when it is full
  BOOST_TEST(bucket.time_for(99, start).count() == 99'000);
  BOOST_TEST(bucket.left(start + 2999ms) == 2U);
  rate_bucket odd;
  odd.configure(7, 1, start);
  odd.take(1, start);
  BOOST_TEST(odd.wait(1, start).count() == 8572); // 60,000 ÷ 7, rounded up
  BOOST_TEST(odd.wait(1, start + 8571ms).count() == 1);
  odd.give_back(5, start);
  BOOST_TEST(odd.left(start) == 1U); // there is no room for more
}

BOOST_AUTO_TEST_CASE(parts_of_a_millisecond_are_not_lost) {
  rate_bucket bucket;
  bucket.configure(60'000, 1000, start); // one a millisecond
  bucket.take(1000, start);
  for (int step = 1; step <= 30; ++step)
    bucket.take(0, start + std::chrono::microseconds(300 * step));
  BOOST_TEST(bucket.left(start + 9ms) == 9U);
}

BOOST_AUTO_TEST_CASE(debt_is_waited_for_and_bounded) {
  rate_bucket bucket;
  bucket.configure(60, 10, start);
  bucket.take(20, start);
  BOOST_TEST(bucket.wait(1, start).count() == 11'000);
  bucket.take(~0ULL, start);
  BOOST_TEST(bucket.wait(1, start).count() == 601'000);
  BOOST_TEST(bucket.left(start) == 0U);
}

BOOST_AUTO_TEST_CASE(the_largest_limits_and_amounts_do_not_overflow) {
  rate_bucket bucket;
  bucket.configure(~0ULL, ~0ULL, start);
  bucket.give_back(~0ULL, start + 24h * 365 * 100);
  for (int n = 0; n != 100; ++n)
    bucket.take(~0ULL, start + 24h * 365 * 100);
  BOOST_TEST(bucket.wait(~0ULL, start + 24h * 365 * 100).count() <= 11 * 60'000);
  BOOST_TEST(bucket.left(start + 24h * 365 * 101) == rate_bucket::most);
}

BOOST_AUTO_TEST_CASE(a_new_limit_keeps_the_level_as_far_as_it_fits) {
  rate_bucket bucket;
  bucket.configure(600, 100, start);
  bucket.take(95, start);
  bucket.configure(60, 10, start);
  BOOST_TEST(bucket.left(start) == 5U);
  bucket.configure(600, 100, start);
  BOOST_TEST(bucket.left(start) == 5U);
  BOOST_TEST((bucket.since() == start));
  bucket.configure(0, 0, start);
  BOOST_TEST(bucket.wait(1000, start).count() == 0);
  bucket.configure(60, 10, start + 1s);
  BOOST_TEST((bucket.since() == start + 1s));
}

BOOST_AUTO_TEST_SUITE_END()
