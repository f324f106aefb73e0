// The storm, with and without what is to hold it down.
#include "tests/simulation/storm.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir::simulation;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(storm_test)

BOOST_AUTO_TEST_CASE(without_a_budget_retries_keep_the_provider_down) {
  storm_options how;
  how.budget = false;
  const storm_report seen = run_storm(1, how);
  BOOST_TEST(seen.amplification > 1.25);
  BOOST_TEST(!seen.recovery.has_value());
}

BOOST_AUTO_TEST_CASE(a_load_without_a_dip_needs_no_recovery) {
  storm_options how;
  how.budget = false;
  how.dip_capacity = how.capacity;
  const storm_report seen = run_storm(1, how);
  BOOST_TEST(seen.posts == seen.calls);
  BOOST_REQUIRE(seen.recovery.has_value());
  BOOST_TEST(seen.recovery->count() == 0);
}

BOOST_AUTO_TEST_CASE(the_budget_holds_the_storm_down) {
  for (std::uint64_t seed = 1; seed != 21; ++seed) {
    const storm_report seen = run_storm(seed, {});
    BOOST_TEST(seen.amplification <= 1.25, "seed " << seed << ": " << seen.amplification);
    BOOST_TEST((seen.recovery && *seen.recovery <= 5s), "seed " << seed << " does not recover");
  }
}

BOOST_AUTO_TEST_SUITE_END()
