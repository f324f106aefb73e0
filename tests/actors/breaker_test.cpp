// The circuit breaker as a state machine.
#include "actors/policy/breaker.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace weir;
using namespace weir::policy;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1000}};

/// The random word that makes no time longer or shorter: tests of other things switch the jitter off.
constexpr std::uint64_t even = 0;

breaker_config without_jitter(breaker_config limits) {
  limits.jitter_percent = 0;
  return limits;
}

} // namespace

BOOST_AUTO_TEST_SUITE(breaker_test)

BOOST_AUTO_TEST_CASE(a_breaker_that_needs_fewer_probes_than_have_succeeded_closes) {
  breaker_config limits = without_jitter({});
  limits.half_open_permits = 3;
  circuit_breaker breaker(limits);
  for (std::uint32_t n = 0; n != limits.min_calls; ++n)
    breaker.failure(*breaker.acquire(start, start + 1h, even), start, even);
  const time_point later = start + limits.open_time;
  for (int n = 0; n != 2; ++n)
    breaker.success(*breaker.acquire(later, later + 1h, even), later, std::nullopt, even);
  BOOST_REQUIRE((breaker.state() == breaker_state::half_open));
  limits.half_open_permits = 2;
  breaker.configure(limits);
  BOOST_TEST((breaker.state() == breaker_state::closed));
  BOOST_TEST(breaker.acquire(later, later + 1h, even).has_value());
}

BOOST_AUTO_TEST_CASE(a_breaker_opens_at_its_share_of_failures_and_not_before_enough_calls) {
  circuit_breaker breaker(without_jitter({.min_calls = 10, .failure_percent = 50}));
  for (int n = 0; n != 9; ++n)
    breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  BOOST_TEST((breaker.state() == breaker_state::closed));
  breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  BOOST_TEST((breaker.state() == breaker_state::open));
  BOOST_TEST(!breaker.acquire(start + 29s, start + 1min, even).has_value());
}

BOOST_AUTO_TEST_CASE(old_outcomes_do_not_open_a_breaker) {
  for (const auto age : {30s, 31s, 34s, 45s, 3600s}) {
    circuit_breaker breaker(without_jitter({.window = 30s, .min_calls = 10}));
    for (int n = 0; n != 9; ++n)
      breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
    const time_point later = start + age;
    BOOST_TEST(breaker.counted(later).calls == 0U);
    breaker.failure(*breaker.acquire(later, later + 1min, even), later, even);
    BOOST_TEST((breaker.state() == breaker_state::closed));
  }
}

BOOST_AUTO_TEST_CASE(a_breaker_that_closes_begins_anew) {
  circuit_breaker breaker(
      without_jitter({.window = 300s, .min_calls = 4, .open_time = 10s, .half_open_permits = 1}));
  const auto fail = [&](time_point now) {
    breaker.failure(*breaker.acquire(now, now + 1min, even), now, even);
  };
  for (int n = 0; n != 4; ++n)
    fail(start);
  fail(start + 10s); // a probe: open again, for twice as long
  const time_point later = start + 30s;
  breaker.success(*breaker.acquire(later, later + 1min, even), later, std::nullopt, even);
  BOOST_REQUIRE((breaker.state() == breaker_state::closed));
  BOOST_TEST(breaker.counted(later).calls == 0U);
  for (int n = 0; n != 3; ++n)
    fail(later);
  BOOST_TEST((breaker.state() == breaker_state::closed));
  fail(later);
  BOOST_TEST((breaker.reopens_at() == later + 10s));
}

BOOST_AUTO_TEST_CASE(a_result_from_before_it_closed_is_not_counted) {
  circuit_breaker breaker(without_jitter({.min_calls = 1, .open_time = 30s, .half_open_permits = 1}));
  const auto old = *breaker.acquire(start, start + 1min, even);
  breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  const time_point later = start + 30s;
  const auto probe = *breaker.acquire(later, later + 1min, even);
  const permit beyond = breaker.acquire_early(later, later + 1min);
  breaker.success(probe, later, std::nullopt, even);
  BOOST_REQUIRE((breaker.state() == breaker_state::closed));
  for (const permit& late : {old, beyond}) {
    breaker.success(late, later, 1s, even);
    breaker.failure(late, later, even);
  }
  BOOST_TEST((breaker.state() == breaker_state::closed));
  BOOST_TEST(breaker.counted(later).calls == 0U);
}

BOOST_AUTO_TEST_CASE(an_open_breaker_lets_probes_through_and_closes_when_all_succeed) {
  circuit_breaker breaker(without_jitter({.min_calls = 1, .open_time = 30s, .half_open_permits = 2}));
  breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  const time_point later = start + 30s;
  const auto first = breaker.acquire(later, later + 1min, even);
  const auto second = breaker.acquire(later, later + 1min, even);
  BOOST_REQUIRE((first && second));
  BOOST_TEST(!breaker.acquire(later, later + 1min, even).has_value());
  breaker.success(*first, later, std::nullopt, even);
  BOOST_TEST((breaker.state() == breaker_state::half_open));
  breaker.success(*second, later, std::nullopt, even);
  BOOST_TEST((breaker.state() == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(a_probe_that_never_reports_cannot_keep_a_breaker_half_open) {
  circuit_breaker breaker(without_jitter({.min_calls = 1, .open_time = 30s, .half_open_permits = 1}));
  breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  const time_point later = start + 30s;
  BOOST_REQUIRE(breaker.acquire(later, later + 10s, even).has_value());
  BOOST_TEST(!breaker.acquire(later + 9s, later + 1min, even).has_value());
  BOOST_TEST(
      !breaker.acquire(later + 10s, later + 1min, even).has_value()); // lost: open again, for twice as long
  BOOST_TEST((breaker.state() == breaker_state::open));
  BOOST_TEST(!breaker.acquire(later + 69s, later + 2min, even).has_value());
  BOOST_TEST(breaker.acquire(later + 70s, later + 2min, even).has_value());
}

BOOST_AUTO_TEST_CASE(a_result_from_before_the_break_changes_nothing) {
  circuit_breaker breaker(without_jitter({.min_calls = 1, .open_time = 30s, .half_open_permits = 1}));
  const auto old = *breaker.acquire(start, start + 1min, even);
  breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  const auto probe = *breaker.acquire(start + 30s, start + 1min, even);
  breaker.success(old, start + 30s, std::nullopt, even);
  BOOST_TEST((breaker.state() == breaker_state::half_open));
  breaker.failure(old, start + 30s, even);
  BOOST_TEST((breaker.state() == breaker_state::half_open));
  breaker.release(probe);
  BOOST_TEST(breaker.acquire(start + 30s, start + 1min, even).has_value()); // the permit was given back
}

BOOST_AUTO_TEST_CASE(time_spent_open_doubles_up_to_its_cap) {
  circuit_breaker breaker(
      without_jitter({.min_calls = 1, .open_time = 30s, .max_open_time = 100s, .half_open_permits = 1}));
  time_point now = start;
  for (const auto expected : {30s, 60s, 100s, 100s}) {
    breaker.failure(*breaker.acquire(now, now + 1min, even), now, even);
    BOOST_TEST((breaker.reopens_at() - now == expected));
    now = breaker.reopens_at();
  }
}

BOOST_AUTO_TEST_CASE(slow_streams_open_a_breaker_and_plain_calls_do_not_count_among_them) {
  circuit_breaker breaker({.min_calls = 10, .slow_after = 5s, .slow_percent = 80});
  const auto answer = [&](std::optional<std::chrono::microseconds> first_token) {
    breaker.success(*breaker.acquire(start, start + 1min, even), start, first_token, even);
  };
  for (int n = 0; n != 50; ++n)
    answer(std::nullopt);
  for (int n = 0; n != 2; ++n)
    answer(5s);
  for (int n = 0; n != 7; ++n)
    answer(6s);
  BOOST_TEST((breaker.state() == breaker_state::closed));
  answer(6s);
  BOOST_TEST((breaker.state() == breaker_state::open));
  BOOST_TEST(breaker.cause() == "8 of 10 streams were slow");
}

BOOST_AUTO_TEST_CASE(probes_that_are_slow_open_a_breaker_again) {
  circuit_breaker breaker({.min_calls = 1, .slow_after = 5s, .jitter_percent = 0});
  breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  const time_point later = breaker.reopens_at();
  for (int n = 0; n != 2; ++n)
    breaker.success(*breaker.acquire(later, later + 1min, even), later, 6s, even);
  BOOST_TEST((breaker.state() == breaker_state::open));
  const time_point again = breaker.reopens_at();
  breaker.success(*breaker.acquire(again, again + 1min, even), again, 6s, even);
  breaker.success(*breaker.acquire(again, again + 1min, even), again, 1s, even);
  BOOST_TEST((breaker.state() == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(jitter_keeps_within_its_share_and_under_the_cap) {
  std::mt19937_64 random(7);
  bool shorter = false;
  bool longer = false;
  for (int n = 0; n != 1000; ++n) {
    circuit_breaker breaker({.min_calls = 1, .open_time = 30s, .max_open_time = 33s, .jitter_percent = 20});
    breaker.failure(*breaker.acquire(start, start + 1min, random()), start, random());
    const auto open = breaker.reopens_at() - start;
    BOOST_REQUIRE((open >= 24s && open <= 33s));
    shorter = shorter || open < 27s;
    longer = longer || open > 32s;
  }
  BOOST_TEST((shorter && longer));
}

BOOST_AUTO_TEST_CASE(a_caller_without_a_choice_gets_a_probe_before_its_time) {
  circuit_breaker breaker({.min_calls = 1, .half_open_permits = 2, .jitter_percent = 0});
  breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  const permit probe = breaker.acquire_early(start + 1s, start + 1min);
  BOOST_TEST((breaker.state() == breaker_state::half_open));
  BOOST_TEST((breaker.last_trial() == start + 1s));
  BOOST_REQUIRE(breaker.acquire(start + 1s, start + 1min, even).has_value());
  BOOST_TEST(!breaker.acquire(start + 1s, start + 1min, even).has_value());
  const permit beyond = breaker.acquire_early(start + 6s, start + 1min); // both probes are out
  breaker.success(probe, start + 7s, std::nullopt, even);
  breaker.success(beyond, start + 7s, std::nullopt, even);
  BOOST_TEST((breaker.state() == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(probes_before_their_time_do_not_make_a_breaker_stay_open_for_longer) {
  circuit_breaker breaker({.min_calls = 1, .jitter_percent = 0});
  breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  for (int second = 5; second != 30; second += 5)
    breaker.failure(breaker.acquire_early(start + std::chrono::seconds{second}, start + 1min),
                    start + std::chrono::seconds{second}, even);
  BOOST_TEST((breaker.reopens_at() == start + 30s));
  breaker.failure(*breaker.acquire(start + 30s, start + 1min, even), start + 30s, even);
  BOOST_TEST((breaker.reopens_at() == start + 30s + 60s)); // a probe in time does
}

BOOST_AUTO_TEST_CASE(a_window_of_another_length_begins_empty) {
  breaker_config limits{.window = 30s, .min_calls = 10};
  circuit_breaker breaker(limits);
  for (int n = 0; n != 9; ++n)
    breaker.failure(*breaker.acquire(start, start + 1min, even), start, even);
  limits.window = 300s;
  breaker.configure(limits);
  BOOST_TEST(breaker.counted(start).calls == 0U);
}

/// From any state, while all goes well, it closes: in the time that it is open and one more call each probe.
BOOST_AUTO_TEST_CASE(every_history_ends_closed_when_the_provider_is_well) {
  for (std::uint64_t seed = 1; seed != 2001; ++seed) {
    std::mt19937_64 random(seed);
    breaker_config limits;
    limits.min_calls = 1 + static_cast<std::uint32_t>(random() % 12);
    limits.half_open_permits = 1 + static_cast<std::uint32_t>(random() % 4);
    limits.slow_after = random() % 2 == 0 ? 0s : 2s;
    limits.open_time = std::chrono::seconds{1 + random() % 40};
    circuit_breaker breaker(limits);
    time_point now = start;
    std::vector<permit> out;
    for (int step = 0; step != 300; ++step) {
      now += milliseconds{random() % 4000};
      switch (random() % 6) {
      case 0:
      case 1:
        if (random() % 8 == 0)
          out.push_back(breaker.acquire_early(now, now + 10s));
        else if (const auto got = breaker.acquire(now, now + 10s, random()))
          out.push_back(*got);
        break;
      case 2:
        limits.half_open_permits = 1 + static_cast<std::uint32_t>(random() % 4);
        breaker.configure(limits);
        break;
      default:
        if (out.empty())
          break;
        std::swap(out[random() % out.size()], out.back());
        const permit done = out.back();
        out.pop_back(); // some are never reported at all
        if (const auto fate = random() % 4; fate == 0)
          breaker.success(done, now, std::chrono::seconds{random() % 4}, random());
        else if (fate == 1)
          breaker.failure(done, now, random());
        else if (fate == 2)
          breaker.release(done);
      }
    }
    const time_point latest = now + limits.max_open_time + 30s;
    while (breaker.state() != breaker_state::closed && now <= latest) {
      now += 1s;
      while (const auto got = breaker.acquire(now, now + 10s, random())) {
        breaker.success(*got, now, std::nullopt, random());
        if (breaker.state() == breaker_state::closed)
          break;
      }
    }
    BOOST_REQUIRE_MESSAGE((breaker.state() == breaker_state::closed), "seed " << seed);
  }
}

BOOST_AUTO_TEST_SUITE_END()
