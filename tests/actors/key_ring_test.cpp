// Keys as numbers over handed-in time: turns, rests, trials.
#include "actors/policy/key_ring.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <vector>

using namespace weir;
using namespace weir::policy;
using namespace std::chrono_literals;

namespace {

const time_point start{std::chrono::hours{1000}};
const model_name m("m");
const model_name n("n");

/// A key is picked and fails at once; nothing: none passed.
std::optional<std::size_t> fail(key_ring& ring, errc why, time_point now,
                                std::optional<milliseconds> hint = std::nullopt) {
  const auto picked = ring.pick(m, now);
  if (!picked)
    return std::nullopt;
  ring.failed(picked->serial, m, why, hint, now, now);
  return picked->index;
}

std::vector<std::size_t> picks(key_ring& ring, time_point now, int count) {
  std::vector<std::size_t> all;
  for (int each = 0; each != count; ++each)
    if (const auto picked = ring.pick(m, now))
      all.push_back(picked->index);
  return all;
}

using places = std::vector<std::size_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(key_ring_test)

BOOST_AUTO_TEST_CASE(keys_are_used_in_turn) {
  key_ring ring(3);
  BOOST_TEST((picks(ring, start, 5) == places{0, 1, 2, 0, 1}));
}

BOOST_AUTO_TEST_CASE(a_refused_key_rests_for_a_minute_that_doubles_up_to_an_hour) {
  key_ring ring(2);
  time_point now = start;
  for (const milliseconds rest : {60s, 120s, 240s, 480s, 960s, 1920s, 3600s, 3600s}) {
    const auto bad = ring.pick(m, now);
    BOOST_REQUIRE(bad->index == 0U);
    BOOST_TEST((ring.failed(bad->serial, m, errc::auth, std::nullopt, now, now) == rest));
    BOOST_TEST(ring.has_other(bad->serial, m, now));
    BOOST_TEST((picks(ring, now + rest - 1ms, 2) == places{1, 1}));
    now += rest;
  }
  const auto good = ring.pick(m, now);
  BOOST_TEST((good->rested == errc::auth));
  BOOST_TEST(ring.success(good->serial, now));
  BOOST_TEST(!ring.success(good->serial, now));
  BOOST_TEST((ring.failed(good->serial, m, errc::auth, std::nullopt, now + 1s, now + 1s) == 60s));
}

BOOST_AUTO_TEST_CASE(attempts_that_were_under_way_when_a_key_was_refused_are_one_refusal) {
  key_ring ring(2);
  const auto bad = ring.pick(m, start);
  BOOST_TEST((ring.failed(bad->serial, m, errc::auth, std::nullopt, start, start + 1s) == 60s));
  BOOST_TEST(!ring.failed(bad->serial, m, errc::auth, std::nullopt, start, start + 2s).has_value());
  BOOST_TEST(ring.has_other(bad->serial, m, start + 2s));
  BOOST_TEST(!ring.has_other(ring.pick(m, start + 2s)->serial, m, start + 2s)); // itself is no other
  BOOST_TEST(!ring.success(bad->serial, start)); // it was right before, and is no longer
  BOOST_TEST((picks(ring, start + 30s, 2) == places{1, 1}));
  BOOST_TEST((ring.health(start + 31s)[0].until == 30s));
}

BOOST_AUTO_TEST_CASE(an_only_key_rests_from_the_third_refusal_in_a_row) {
  key_ring ring(1);
  BOOST_TEST(fail(ring, errc::auth, start).has_value());
  BOOST_TEST(fail(ring, errc::auth, start + 1s).has_value());
  const auto fine = ring.pick(m, start + 2s);
  ring.success(fine->serial, start + 2s);
  for (const auto after : {3s, 4s, 5s}) {
    BOOST_TEST((ring.health(start + after)[0].resting == errc::none));
    BOOST_TEST(fail(ring, errc::auth, start + after).has_value());
  }
  BOOST_TEST((ring.health(start + 5s)[0].resting == errc::auth));
  BOOST_TEST(!ring.pick(m, start + 6s).has_value());
}

BOOST_AUTO_TEST_CASE(an_only_key_is_never_rested_for_a_hold) {
  key_ring ring(1);
  for (int times = 0; times != 10; ++times)
    BOOST_TEST(fail(ring, errc::rate_limit, start + times * 1s, 20s).has_value());
  BOOST_TEST((ring.health(start + 9s)[0].resting == errc::none));
}

BOOST_AUTO_TEST_CASE(a_held_key_rests_until_its_hint_or_a_second) {
  key_ring ring(2);
  BOOST_TEST(*fail(ring, errc::rate_limit, start, 20s) == 0U);
  BOOST_TEST((picks(ring, start + 19s, 2) == places{1, 1}));
  BOOST_TEST(*fail(ring, errc::rate_limit, start + 19s) == 1U);
  const key_wait wait = ring.wait(m, start + 19s);
  BOOST_TEST((wait.time == 1s));
  BOOST_TEST((wait.why == errc::rate_limit));
  BOOST_TEST(!wait.by_trials);
  BOOST_TEST(!ring.pick(m, start + 19'999ms).has_value());
  BOOST_TEST(ring.pick(m, start + 20s).has_value());
}

BOOST_AUTO_TEST_CASE(a_shorter_hint_does_not_shorten_a_rest_and_a_hold_does_not_end_a_quarantine) {
  key_ring ring(2);
  const auto first = ring.pick(m, start);
  ring.failed(first->serial, m, errc::rate_limit, 20s, start, start);
  ring.failed(first->serial, m, errc::rate_limit, 2s, start, start);
  BOOST_TEST((ring.health(start)[0].until == 20s));
  const auto second = ring.pick(m, start);
  ring.failed(second->serial, m, errc::auth, std::nullopt, start, start);
  ring.failed(second->serial, m, errc::rate_limit, 90s, start, start);
  BOOST_TEST((ring.health(start)[1].resting == errc::auth));
  BOOST_TEST((ring.health(start)[1].until == 60s));
}

BOOST_AUTO_TEST_CASE(a_hold_is_of_one_model_and_a_refusal_of_all) {
  key_ring ring(2);
  const auto first = ring.pick(m, start);
  ring.failed(first->serial, m, errc::rate_limit, 20s, start, start);
  BOOST_TEST((picks(ring, start, 2) == places{1, 1}));
  BOOST_TEST(ring.pick(n, start)->index == 0U);
  const auto second = ring.pick(n, start);
  BOOST_TEST(second->index == 1U);
  BOOST_TEST(!ring.has_other(second->serial, m, start));
  BOOST_TEST(ring.has_other(second->serial, n, start));
  BOOST_TEST((ring.held_for(start) == 0ms)); // the other key serves both
  BOOST_TEST((ring.health(start)[0].resting == errc::rate_limit));
  BOOST_TEST((ring.health(start)[0].until == 20s));
  ring.failed(second->serial, m, errc::rate_limit, 10s, start, start);
  BOOST_TEST((ring.wait(m, start).time == 10s));
  BOOST_TEST((ring.wait(n, start).time == 0ms));
  BOOST_TEST((ring.held_for(start) == 10s));
  BOOST_TEST(!ring.success(first->serial, start + 1s)); // a hold ends by itself
  BOOST_TEST((ring.wait(m, start + 1s).time == 9s));
  ring.failed(first->serial, n, errc::auth, std::nullopt, start + 1s, start + 1s);
  BOOST_TEST(ring.pick(n, start + 1s)->index == 1U);
  BOOST_TEST(ring.pick(n, start + 1s)->index == 1U);
  BOOST_TEST((ring.health(start + 1s)[0].resting == errc::auth));
  BOOST_TEST((ring.wait_of_trials(start + 1s).time == 0ms));
  ring.failed(second->serial, n, errc::auth, std::nullopt, start + 1s, start + 1s);
  BOOST_TEST((ring.wait_of_trials(start + 1s).time == 5s));
  BOOST_TEST(ring.wait(n, start + 1s).by_trials);
}

BOOST_AUTO_TEST_CASE(a_key_that_was_refused_begins_anew_without_holds) {
  key_ring ring(2);
  const auto first = ring.pick(m, start);
  ring.failed(first->serial, m, errc::rate_limit, 200s, start, start);
  ring.failed(first->serial, m, errc::auth, std::nullopt, start, start + 1s);
  ring.failed(first->serial, m, errc::rate_limit, 200s, start, start + 2s); // under way when it was refused
  BOOST_TEST((picks(ring, start + 60s, 2) == places{1, 1}));
  BOOST_TEST((picks(ring, start + 61s, 2) == places{0, 1}));
}

BOOST_AUTO_TEST_CASE(holds_are_of_a_bounded_number_of_models_and_end) {
  key_ring ring(2);
  const auto first = ring.pick(m, start);
  for (int each = 0; each != 300; ++each)
    ring.failed(first->serial, model_name(std::to_string(each)), errc::rate_limit, 20s, start, start);
  const auto picked = [&](const char* model, time_point now) {
    const auto one = ring.pick(model_name(model), now);
    const auto other = ring.pick(model_name(model), now);
    return places{one->index, other->index};
  };
  BOOST_TEST((picked("0", start) == places{1, 1}));
  BOOST_TEST((picked("299", start) == places{1, 1}));
  BOOST_TEST((picked("never asked for", start) == places{1, 1})); // one for all beyond
  ring.failed(first->serial, m, errc::rate_limit, 1s, start + 20s, start + 20s);
  BOOST_TEST((picked("never asked for", start + 20s) == places{0, 1}));
  BOOST_TEST((picked("m", start + 20s) == places{1, 1}));
}

BOOST_AUTO_TEST_CASE(a_key_without_quota_rests_for_five_minutes) {
  key_ring ring(2);
  BOOST_TEST(*fail(ring, errc::quota_exceeded, start) == 0U);
  BOOST_TEST((picks(ring, start + 299s, 1) == places{1}));
  BOOST_TEST((picks(ring, start + 300s, 1) == places{0}));
}

BOOST_AUTO_TEST_CASE(other_failures_are_not_the_key_s) {
  key_ring ring(2);
  for (const errc why : {errc::network, errc::server_error, errc::timeout, errc::invalid_request})
    fail(ring, why, start);
  BOOST_TEST((picks(ring, start, 2) == places{0, 1}));
}

BOOST_AUTO_TEST_CASE(where_all_were_refused_one_attempt_each_five_seconds_tries_the_longest_resting) {
  key_ring ring(3);
  for (const auto after : {0s, 1s, 2s})
    BOOST_TEST(fail(ring, after == 1s ? errc::quota_exceeded : errc::auth, start + after).has_value());
  const key_wait wait = ring.wait(m, start + 2s);
  BOOST_TEST(wait.by_trials);
  BOOST_TEST((wait.time == 5s));
  BOOST_TEST(!ring.pick(m, start + 6'999ms).has_value());
  const auto trial = ring.pick(m, start + 7s);
  BOOST_REQUIRE(trial.has_value());
  BOOST_TEST(trial->index == 0U);
  BOOST_TEST(!ring.pick(m, start + 7s).has_value()); // one alone, whether or not it has ended
  BOOST_TEST(!ring.pick(m, start + 11'999ms).has_value());
  ring.failed(trial->serial, m, errc::auth, std::nullopt, start + 7s, start + 8s);
  BOOST_TEST(!ring.pick(m, start + 12'999ms).has_value());
  const auto next = ring.pick(m, start + 13s);
  BOOST_REQUIRE(next.has_value());
  BOOST_TEST(next->index == 1U);
  BOOST_TEST(ring.success(next->serial, start + 13s));
  BOOST_TEST((picks(ring, start + 13s, 2) == places{1, 1})); // it is the one that works
}

BOOST_AUTO_TEST_CASE(where_a_hold_is_among_the_reasons_its_end_is_waited_for) {
  key_ring ring(2);
  fail(ring, errc::auth, start);
  fail(ring, errc::rate_limit, start, 30s);
  BOOST_TEST(!ring.wait(m, start).by_trials);
  BOOST_TEST((ring.wait(m, start).time == 30s));
  BOOST_TEST(!ring.pick(m, start + 29s).has_value());
  BOOST_TEST((picks(ring, start + 30s, 1) == places{1}));
}

BOOST_AUTO_TEST_CASE(the_door_is_never_shut_for_longer_than_a_trial_or_a_hint) {
  std::mt19937_64 random(9);
  for (int history = 0; history != 500; ++history) {
    key_ring ring(1 + random() % 4);
    time_point now = start;
    for (int step = 0; step != 200; ++step) {
      now += milliseconds(random() % 4000);
      const auto wait = ring.wait(m, now).time;
      BOOST_REQUIRE(wait <= 20s);
      const auto picked = ring.pick(m, now);
      BOOST_REQUIRE(picked.has_value() == (wait.count() == 0));
      BOOST_REQUIRE(ring.peek(now) < ring.size());
      if (!picked)
        continue;
      const time_point began = now;
      now += milliseconds(random() % 100);
      switch (random() % 4) {
      case 0:
        ring.success(picked->serial, began);
        break;
      case 1:
        ring.failed(picked->serial, m, errc::auth, std::nullopt, began, now);
        break;
      case 2:
        ring.failed(picked->serial, m, errc::quota_exceeded, std::nullopt, began, now);
        break;
      default:
        ring.failed(picked->serial, m, errc::rate_limit, milliseconds(random() % 20'000), began, now);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(keys_that_stay_keep_their_state_and_new_ones_begin_afresh) {
  key_ring ring(2);
  const auto bad = ring.pick(m, start);
  ring.failed(bad->serial, m, errc::auth, std::nullopt, start, start);
  const auto gone = ring.pick(m, start);
  ring.configure({std::nullopt, 0}); // a new one first; the first has become the second
  BOOST_TEST((ring.health(start)[0].resting == errc::none));
  BOOST_TEST((ring.health(start)[1].resting == errc::auth));
  BOOST_TEST(ring.number_of(bad->serial) == 2U);
  BOOST_TEST(ring.number_of(gone->serial) == 0U);
  BOOST_TEST(!ring.failed(gone->serial, m, errc::auth, std::nullopt, start + 1s, start + 1s).has_value());
  BOOST_TEST((picks(ring, start + 1s, 2) == places{0, 0}));
}

BOOST_AUTO_TEST_CASE(a_key_that_becomes_the_only_one_is_held_no_more) {
  key_ring ring(2);
  fail(ring, errc::rate_limit, start, 30s);
  ring.configure({0});
  BOOST_TEST(ring.pick(m, start).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
