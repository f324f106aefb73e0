// Durations in buckets: percentiles within their bound, and sums.
#include <weir/histogram.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

using std::chrono::microseconds;
using weir::duration_histogram;

BOOST_AUTO_TEST_SUITE(histogram)

BOOST_AUTO_TEST_CASE(is_empty_at_first) {
  const duration_histogram none;
  BOOST_TEST(none.empty());
  BOOST_TEST(none.percentile(500).count() == 0);
}

BOOST_AUTO_TEST_CASE(is_exact_below_64_microseconds) {
  duration_histogram some;
  for (int value = 1; value <= 60; ++value)
    some.add(microseconds{value});
  BOOST_TEST(some.percentile(500).count() == 30);
  BOOST_TEST(some.percentile(1000).count() == 60);
  BOOST_TEST(some.percentile(1).count() == 1);
}

BOOST_AUTO_TEST_CASE(a_percentile_is_never_too_low_and_at_most_3_2_percent_too_high) {
  std::mt19937_64 random(7); // NOLINT: always the same
  for (int round = 0; round != 50; ++round) {
    duration_histogram counted;
    std::vector<std::int64_t> values;
    for (int n = 0; n != 501; ++n) {
      values.push_back(static_cast<std::int64_t>(random() >> (random() % 50 + 14)));
      counted.add(microseconds{values.back()});
    }
    std::ranges::sort(values);
    for (const std::uint32_t permille : {1U, 250U, 500U, 900U, 990U, 1000U}) {
      const std::int64_t truth = values[(501 * permille + 999) / 1000 - 1];
      const std::int64_t told = counted.percentile(permille).count();
      BOOST_TEST(told >= truth);
      BOOST_TEST(told <= truth + truth / 31 + 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(extremes_have_a_bucket) {
  duration_histogram some;
  some.add(microseconds{-5});
  some.add(microseconds::max());
  BOOST_TEST(some.count() == 2U);
  BOOST_TEST(some.percentile(1).count() == 0);
  BOOST_TEST(some.percentile(1000).count() == std::numeric_limits<std::int64_t>::max());
}

BOOST_AUTO_TEST_CASE(two_add_up_to_that_of_both) {
  duration_histogram left;
  duration_histogram right;
  duration_histogram both;
  for (int n = 0; n != 1000; ++n) {
    (n % 3 == 0 ? left : right).add(microseconds{n * n});
    both.add(microseconds{n * n});
  }
  left.add(right);
  BOOST_TEST((left == both));
}

BOOST_AUTO_TEST_CASE(a_bucket_that_does_not_exist_is_refused) {
  duration_histogram some;
  BOOST_TEST(!some.add({65'535, 1}));
  BOOST_TEST(some.empty());
  BOOST_TEST(some.add({3, 0}));
  BOOST_TEST(some.empty());
}

BOOST_AUTO_TEST_SUITE_END()
