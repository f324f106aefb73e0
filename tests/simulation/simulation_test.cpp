// Histories under every invariant, their repetition, and the proof that an invariant can fail.
#include "tests/simulation/simulation.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

using namespace weir::simulation;

namespace {

constexpr std::uint64_t first_seed = 1;

/// How many histories: few in the usual run, more for the mutation check.
std::uint64_t seeds() {
  const char* const wanted = std::getenv("WEIR_SIMULATION_SEEDS");
  return wanted == nullptr ? 40 : std::strtoull(wanted, nullptr, 10);
}

options usual() {
  options how;
  return how;
}

/// Whether a planted fault is seen by that invariant within some histories.
bool finds(planted_fault plant, const std::string& invariant) {
  options how;
  how.calls = 100;
  how.plant = plant;
  for (std::uint64_t seed = first_seed; seed != first_seed + 12; ++seed)
    for (const violation& each : run(seed, how).violations)
      if (each.invariant == invariant)
        return true;
  return false;
}

/// The same invariant is quiet in the same histories when nothing is planted.
bool is_quiet(const std::string& invariant) {
  options how;
  how.calls = 100;
  for (std::uint64_t seed = first_seed; seed != first_seed + 12; ++seed)
    for (const violation& each : run(seed, how).violations)
      if (each.invariant == invariant)
        return false;
  return true;
}

} // namespace

BOOST_AUTO_TEST_SUITE(simulation_test)

BOOST_AUTO_TEST_CASE(every_history_holds) {
  std::map<std::string, std::uint64_t> outcomes;
  for (std::uint64_t seed = first_seed; seed != first_seed + seeds(); ++seed) {
    const report seen = run(seed, usual());
    for (const violation& each : seen.violations)
      BOOST_ERROR("seed " << seed << ", at " << each.at_s << " s: " << each.invariant << ": " << each.what
                          << "\n  weir-bench simulate --seed " << seed << " --runs 1 --verbose");
    BOOST_TEST(seen.calls >= 200U);
    for (const auto& [error, count] : seen.outcomes)
      outcomes[error] += count;
  }
  // The histories are worth something only if much goes well and much goes wrong.
  for (const char* each : {"none", "network", "timeout", "rate_limit", "server_error", "cancelled",
                           "circuit_open", "invalid_request", "auth"})
    BOOST_TEST(outcomes[each] > 0U, "no call ended as " << each);
}

BOOST_AUTO_TEST_CASE(a_seed_has_one_history) {
  for (std::uint64_t seed = first_seed; seed != first_seed + 5; ++seed) {
    const report once = run(seed, usual());
    const report again = run(seed, usual());
    BOOST_TEST(once.hash == again.hash);
    BOOST_TEST(once.steps == again.steps);
  }
}

BOOST_AUTO_TEST_CASE(two_seeds_have_two_histories) {
  BOOST_TEST(run(first_seed, usual()).hash != run(first_seed + 1, usual()).hash);
}

BOOST_AUTO_TEST_CASE(an_invariant_can_be_switched_off) {
  options how = usual();
  how.plant = planted_fault::lost_reply;
  how.ignore.insert(
      {"every_call_ends_once", "every_call_ends_by_its_deadline", "every_attempt_is_booked_once"});
  const report seen = run(first_seed, how);
  BOOST_TEST(seen.ignored.at("every_call_ends_once") == 1U);
  BOOST_TEST(std::ranges::none_of(
      seen.violations, [](const violation& each) { return each.invariant == "every_call_ends_once"; }));
}

BOOST_AUTO_TEST_CASE(finds_a_record_that_is_kept_twice) {
  BOOST_TEST(finds(planted_fault::double_booking, "every_attempt_is_booked_once"));
  BOOST_TEST(finds(planted_fault::early_answer, "nothing_is_sent_before_its_intent_is_durable"));
  BOOST_TEST(finds(planted_fault::early_answer, "an_answer_waits_for_its_settlement"));
}

BOOST_AUTO_TEST_CASE(finds_a_record_that_is_lost) {
  BOOST_TEST(finds(planted_fault::lost_booking, "every_attempt_is_booked_once"));
  BOOST_TEST(finds(planted_fault::lost_booking, "every_post_is_booked"));
  BOOST_TEST(is_quiet("every_post_is_booked"));
}

BOOST_AUTO_TEST_CASE(finds_a_bill_that_is_not_in_the_books) {
  BOOST_TEST(finds(planted_fault::lying_bill, "the_bill_is_in_the_books"));
  BOOST_TEST(is_quiet("the_bill_is_in_the_books"));
}

BOOST_AUTO_TEST_CASE(finds_a_retry_that_comes_before_the_hint) {
  BOOST_TEST(finds(planted_fault::secret_hint, "waits_as_the_server_asked"));
  BOOST_TEST(is_quiet("waits_as_the_server_asked"));
}

BOOST_AUTO_TEST_CASE(finds_a_host_that_is_asked_too_much_at_once) {
  BOOST_TEST(finds(planted_fault::tight_host, "concurrency_is_bounded"));
  BOOST_TEST(is_quiet("concurrency_is_bounded"));
}

BOOST_AUTO_TEST_CASE(finds_a_sink_that_reads_something_else) {
  BOOST_TEST(finds(planted_fault::changed_text, "the_sink_has_the_reply"));
  BOOST_TEST(is_quiet("the_sink_has_the_reply"));
}

BOOST_AUTO_TEST_CASE(finds_a_call_without_a_reply) {
  BOOST_TEST(finds(planted_fault::lost_reply, "every_call_ends_once"));
  BOOST_TEST(is_quiet("every_call_ends_once"));
}

BOOST_AUTO_TEST_SUITE_END()
