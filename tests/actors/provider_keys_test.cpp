// Keys of one provider actor: which one is used, which rests, and what those are told whom none serves.
#include "tests/actors/provider_rig.hpp"

using namespace weir;
using weir::tests::refused;
using weir::tests::rig;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<snapshot> with_keys(const std::vector<std::string>& keys) {
  auto config = tests::providers({"a"});
  provider_config& provider = config->providers[0];
  provider.api_key = secret(keys.front());
  for (std::size_t n = 1; n < keys.size(); ++n)
    provider.more_keys.emplace_back(keys[n]);
  return config;
}

} // namespace

BOOST_AUTO_TEST_SUITE(provider_keys_test)

BOOST_AUTO_TEST_CASE(a_key_that_is_refused_rests_and_the_other_answers) {
  rig on(with_keys({"key-one", "key-two"}));
  const auto first = on.ask();
  BOOST_TEST(on.key() == "key-one");
  on.answer(401);
  BOOST_TEST((on.error(first).type == errc::auth));
  BOOST_TEST(on.ends[first]->other_key);
  for (int n = 0; n != 3; ++n) {
    const auto next = on.ask();
    BOOST_TEST(on.key() == "key-two");
    on.complete();
    BOOST_TEST(on.succeeded(next));
  }
  const auto seen = *on.health();
  BOOST_REQUIRE(seen->keys.size() == 2U);
  BOOST_TEST((seen->keys[0].resting == errc::auth));
  BOOST_TEST((seen->keys[0].until == 60s));
  BOOST_TEST((seen->keys[1].resting == errc::none));
  on.advance(60s, 100ms);
  on.ask();
  BOOST_TEST(on.key() == "key-one");
}

BOOST_AUTO_TEST_CASE(a_429_of_one_key_is_not_the_others_and_a_403_is_nobodys) {
  rig on(with_keys({"key-one", "key-two"}));
  const auto forbidden = on.ask();
  on.answer(403);
  BOOST_TEST(!on.ends[forbidden]->other_key);
  const auto held = on.ask();
  BOOST_TEST(on.key() == "key-two");
  on.answer(429, {{"retry-after", "20"}});
  BOOST_TEST(on.ends[held]->other_key);
  BOOST_TEST(!on.error(held).retry_after.has_value()); // of the key, not of the provider
  const auto last = on.ask();
  BOOST_TEST(on.key() == "key-one");
  on.answer(429, {{"retry-after", "10"}});
  BOOST_TEST(!on.ends[last]->other_key);
  BOOST_TEST((on.error(last).retry_after == 10s));
  const auto waits = on.ask();
  BOOST_TEST(on.network->wire.empty());
  BOOST_TEST(((*on.health())->held_for == 10s));
  on.advance(10s);
  BOOST_TEST(on.key() == "key-one");
  on.complete();
  BOOST_TEST(on.succeeded(waits));
}

BOOST_AUTO_TEST_CASE(a_key_that_has_nothing_left_rests_before_it_is_refused) {
  rig on(with_keys({"key-one", "key-two"}));
  const auto first = on.ask();
  BOOST_REQUIRE(
      on.network->answer(200, tests::completion_of(10, 5),
                         {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "30s"}}));
  on.run();
  BOOST_TEST(on.succeeded(first));
  for (int n = 0; n != 2; ++n) {
    on.ask();
    BOOST_TEST(on.key() == "key-two");
    on.complete();
  }
}

BOOST_AUTO_TEST_CASE(where_every_key_was_refused_one_tries_and_the_others_are_told_at_once) {
  rig on(with_keys({"key-one", "key-two"}));
  on.ask();
  on.answer(401);
  const auto second = on.ask();
  on.answer(402);
  BOOST_TEST((on.error(second).type == errc::quota_exceeded));
  BOOST_TEST(!on.ends[second]->other_key);
  const auto told = on.ask();
  refused(on.error(told), "every key of the provider rests, the next is tried in 5 s (auth)", 5s, errc::auth);
  on.advance(5s);
  const auto trial = on.ask();
  BOOST_TEST(on.key() == "key-one");
  BOOST_TEST(on.ended(on.ask()));
  on.complete();
  BOOST_TEST(on.succeeded(trial));
  on.ask();
  BOOST_TEST(on.key() == "key-one");
}

BOOST_AUTO_TEST_CASE(those_that_wait_are_told_too_when_the_last_key_is_refused) {
  auto config = with_keys({"key-one"});
  config->providers[0].max_concurrency = 3;
  rig on(config);
  for (int n = 0; n != 3; ++n)
    on.ask();
  for (int n = 0; n != 2; ++n)
    on.answer(401);
  on.ask();
  on.ask();
  const auto waits = on.ask();
  BOOST_TEST(!on.ended(waits));
  on.answer(401); // the third in a row
  on.advance(100ms);
  BOOST_TEST((on.error(waits).type == errc::auth));
}

BOOST_AUTO_TEST_CASE(a_probe_uses_a_key_that_does_not_rest) {
  rig on(with_keys({"key-one", "key-two"}));
  on.ask();
  on.answer(401);
  const auto seen = on.health(true);
  BOOST_TEST(on.key() == "key-two");
  on.answer(200, {}, R"({"data":[{"id":"m"}]})");
  BOOST_REQUIRE(seen->has_value());
  BOOST_TEST(((*seen)->reachable == true));
}

BOOST_AUTO_TEST_CASE(a_reload_keeps_the_state_of_keys_that_stay) {
  rig on(with_keys({"key-one", "key-two"}));
  on.ask();
  on.answer(401);
  on.adopt(with_keys({"key-three", "key-one"}));
  for (int n = 0; n != 2; ++n) {
    on.ask();
    BOOST_TEST(on.key() == "key-three");
    on.complete();
  }
  BOOST_TEST(((*on.health())->keys[1].resting == errc::auth));
}

BOOST_AUTO_TEST_CASE(a_hold_is_not_that_of_a_new_key) {
  for (const bool stays : {true, false}) {
    rig on(with_keys({"key-one"}));
    on.ask();
    on.answer(429, {{"retry-after", "20"}});
    on.adopt(with_keys({stays ? "key-one" : "key-two"}));
    on.ask();
    BOOST_TEST(on.network->wire.empty() == stays);
  }
}

BOOST_AUTO_TEST_CASE(who_waits_over_a_reload_goes_out_by_the_new_setup) {
  auto config = with_keys({"key-one", "key-two"});
  config->providers[0].max_concurrency = 1;
  rig on(config);
  on.ask();
  const auto waits = on.ask();
  on.adopt(with_keys({"key-three"}));
  BOOST_TEST(on.key() == "key-three");
  on.complete(); // of the old setup
  on.complete();
  BOOST_TEST(on.succeeded(waits));
  BOOST_TEST(((*on.health())->concurrency_limit == 256U));
}

BOOST_AUTO_TEST_SUITE_END()
