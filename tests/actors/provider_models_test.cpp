// Limits that a provider tells are of one model: what is told of one stops no other, in the queue neither.
#include "tests/actors/provider_rig.hpp"

using namespace weir;
using weir::tests::refused;
using weir::tests::rig;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<snapshot> two_models(std::uint32_t places = 10,
                                     const std::vector<std::string>& keys = {"k"}) {
  auto config = tests::providers({"a"});
  provider_config& provider = config->providers[0];
  provider.max_concurrency = places;
  provider.api_key = secret(keys.front());
  for (std::size_t n = 1; n < keys.size(); ++n)
    provider.more_keys.emplace_back(keys[n]);
  model_config sister = provider.models[0];
  sister.name = model_name("n");
  provider.models.push_back(sister);
  return config;
}

std::size_t ask(rig& on, const std::string& model, const std::string& agent = {}) {
  chat_request request = tests::stage::question();
  request.model = model_name(model);
  if (!agent.empty())
    request.tags.emplace_back("agent", agent);
  return on.ask(60s, std::move(request));
}

/// The models of the requests on the wire, in order.
std::string models(const rig& on) {
  std::string all;
  for (const tests::posted& each : on.network->wire) {
    const std::string_view body = each.request.body;
    all += body.substr(body.find("\"model\":\"") + 9, 1);
  }
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(provider_models_test)

BOOST_AUTO_TEST_CASE(a_429_of_one_model_is_not_its_sisters) {
  rig on(two_models());
  const auto first = ask(on, "m");
  on.answer(429, {{"retry-after", "20"}});
  BOOST_TEST((on.error(first).retry_after == 20s));
  const auto held = ask(on, "m");
  const auto free = ask(on, "n");
  BOOST_TEST(models(on) == "n");
  on.complete();
  BOOST_TEST(on.succeeded(free));
  const auto seen = *on.health();
  BOOST_TEST((seen->held_for == 20s));
  BOOST_TEST(seen->queued == 1U);
  on.advance(19'900ms);
  BOOST_TEST(models(on).empty());
  on.advance(100ms);
  BOOST_TEST(models(on) == "m");
  on.complete();
  BOOST_TEST(on.succeeded(held));
}

BOOST_AUTO_TEST_CASE(who_would_wait_too_long_for_his_model_is_refused_and_his_sister_is_not) {
  auto config = two_models();
  config->providers[0].max_queue_wait = 5s;
  rig on(config);
  ask(on, "m");
  on.answer(429, {{"retry-after", "20"}});
  refused(on.error(ask(on, "m")), "held by the provider's rate limit for 20 s", 20s);
  BOOST_TEST(!on.ended(ask(on, "n")));
  BOOST_TEST(models(on) == "n");
}

BOOST_AUTO_TEST_CASE(what_is_left_is_told_of_one_model) {
  rig on(two_models());
  on.network->reply_fields = {{"x-ratelimit-limit-requests", "60"},
                              {"x-ratelimit-remaining-requests", "0"},
                              {"x-ratelimit-reset-requests", "6s"}};
  ask(on, "m");
  on.complete();
  on.network->reply_fields = {{"x-ratelimit-limit-requests", "60"},
                              {"x-ratelimit-remaining-requests", "2"},
                              {"x-ratelimit-reset-requests", "58s"}};
  ask(on, "n");
  on.complete();
  for (const char* model : {"m", "n", "m", "n", "n"})
    ask(on, model);
  BOOST_TEST(models(on) == "nn");
  on.advance(1s);
  BOOST_TEST(models(on) == "nnn"); // by the rate that it was told
  on.advance(5s);
  BOOST_TEST(models(on) == "nnnmm");
}

BOOST_AUTO_TEST_CASE(who_waits_for_his_model_keeps_nobody_else_waiting) {
  auto config = two_models(1);
  rig on(config);
  ask(on, "m");
  const auto held = ask(on, "m");
  const auto also = ask(on, "m", "b");
  const auto free = ask(on, "n");
  BOOST_TEST(((*on.health())->queued == 3U));
  on.answer(429, {{"retry-after", "20"}});
  BOOST_TEST(models(on) == "n");
  const auto next = ask(on, "n", "b");
  BOOST_TEST(!on.ended(next));
  on.complete();
  BOOST_TEST(on.succeeded(free));
  BOOST_TEST(models(on) == "n");
  on.complete();
  BOOST_TEST(on.succeeded(next));
  BOOST_TEST(models(on).empty());
  on.advance(20s);
  BOOST_TEST(models(on) == "m");
  on.complete();
  on.complete();
  BOOST_TEST(on.succeeded(held));
  BOOST_TEST(on.succeeded(also));
}

BOOST_AUTO_TEST_CASE(nobody_passes_those_of_his_own_model_or_those_who_wait_for_a_limit_of_ours) {
  auto config = two_models();
  config->providers[0].tokens_per_minute = 12'000; // a burst of 2000
  rig on(config);
  ask(on, "m");
  on.complete(1500, 0);
  chat_request large = tests::stage::question();
  large.max_tokens = 1900;
  on.ask(60s, large);
  ask(on, "n"); // would fit
  ask(on, "m");
  BOOST_TEST(models(on).empty());
  on.advance(7500ms);
  BOOST_TEST(models(on).starts_with("m"));
  on.advance(2s);
  BOOST_TEST(models(on) == "mnm");
}

BOOST_AUTO_TEST_CASE(the_queue_of_a_held_model_shuts_nobody_out_and_promises_no_wait_to_others) {
  auto config = two_models(1);
  config->providers[0].max_queue = 10;
  config->providers[0].max_queue_wait = 25s;
  rig on(config);
  ask(on, "n");
  on.advance(10s);
  on.complete(); // an attempt takes ten seconds
  ask(on, "m");
  on.answer(429, {{"retry-after", "20"}});
  std::vector<std::size_t> held;
  for (int n = 0; n != 10; ++n)
    held.push_back(ask(on, "m"));
  const std::size_t waiting = (*on.health())->queued;
  BOOST_TEST(waiting >= 2U);
  for (int n = 0; n != 2; ++n)
    BOOST_TEST(!on.ended(ask(on, "n"))); // the second waits for one place, not for those of the other model
  BOOST_TEST(models(on) == "n");
}

BOOST_AUTO_TEST_CASE(in_a_full_queue_a_model_takes_the_place_of_another_of_which_more_wait) {
  auto config = two_models(1);
  config->providers[0].max_queue = 6;
  rig on(config);
  ask(on, "m");
  std::vector<std::size_t> many;
  for (int n = 0; n != 6; ++n)
    many.push_back(ask(on, "m"));
  refused(on.error(ask(on, "m")), "the provider's queue is full: 6 attempts wait", 1s);
  const auto sister = ask(on, "n");
  BOOST_TEST(!on.ended(sister));
  BOOST_TEST((on.error(many[5]).place == "max_queue"));
  BOOST_TEST(((*on.health())->queued == 6U));
  on.answer(429, {{"retry-after", "20"}});
  BOOST_TEST(models(on) == "n");
}

BOOST_AUTO_TEST_CASE(with_several_keys_a_429_is_of_one_key_for_one_model) {
  rig on(two_models(10, {"key-one", "key-two"}));
  ask(on, "m");
  BOOST_TEST(on.key() == "key-one");
  on.answer(429, {{"retry-after", "20"}});
  for (const char* key : {"key-two", "key-one", "key-two"}) {
    ask(on, "n");
    BOOST_TEST(on.key() == key);
    on.complete();
  }
  for (int n = 0; n != 2; ++n) {
    ask(on, "m");
    BOOST_TEST(on.key() == "key-two");
    on.complete();
  }
  BOOST_TEST(((*on.health())->held_for == 0s)); // there is a key for each model
  const auto last = ask(on, "m");
  on.answer(429, {{"retry-after", "10"}});
  BOOST_TEST(!on.ends[last]->other_key);
  BOOST_TEST((on.error(last).retry_after == 10s));
  BOOST_TEST(((*on.health())->held_for == 10s));
  ask(on, "m");
  BOOST_TEST(models(on).empty());
  ask(on, "n");
  BOOST_TEST(models(on) == "n");
  on.advance(10s);
  BOOST_TEST(models(on) == "nm");
}

BOOST_AUTO_TEST_CASE(models_beyond_a_bound_share_what_is_told) {
  rig on([] {
    auto config = two_models();
    config->providers[0].models.clear(); // any may be asked for
    return config;
  }());
  for (int n = 0; n != 257; ++n) {
    ask(on, "x" + std::to_string(n));
    on.answer(429, {{"retry-after", n < 256 ? "20" : "10"}});
  }
  ask(on, "x0");
  ask(on, "x299");
  ask(on, "never asked for");
  BOOST_TEST(on.network->wire.empty());
  on.advance(10s);
  BOOST_TEST(on.network->wire.size() == 2U);
  on.advance(10s);
  BOOST_TEST(on.network->wire.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_is_told_and_a_reload_never_loosen_limits_of_ours) {
  auto config = two_models();
  config->providers[0].requests_per_minute = 12; // a burst of 2
  rig on(config);
  on.network->reply_fields = {{"x-ratelimit-limit-requests", "100000"},
                              {"x-ratelimit-remaining-requests", "99999"},
                              {"x-ratelimit-reset-requests", "1ms"}};
  for (const char* model : {"m", "n"}) {
    ask(on, model);
    on.complete();
  }
  on.adopt(std::make_shared<snapshot>(*config));
  for (const char* model : {"m", "n"})
    ask(on, model);
  BOOST_TEST(on.network->wire.empty());
  on.advance(5s);
  BOOST_TEST(models(on) == "m");
}

BOOST_AUTO_TEST_CASE(who_waits_when_tokens_begin_to_count_is_counted) {
  auto config = two_models(1);
  rig on(config);
  ask(on, "m");
  for (int n = 0; n != 4; ++n)
    ask(on, "n");
  auto next = std::make_shared<snapshot>(*config);
  next->providers[0].max_concurrency = 10;
  next->providers[0].tokens_per_minute = 1200; // a burst of 200: one of them, with its hundred and more
  on.adopt(next);
  BOOST_TEST(models(on) == "mn");
  on.complete(0, 1); // took nothing from the new limit, and gives nothing back
  on.advance(500ms);
  BOOST_TEST(models(on) == "n");
  on.advance(2500ms);
  BOOST_TEST(models(on) == "nn");
}

BOOST_AUTO_TEST_CASE(a_new_key_is_told_nothing_by_what_was_asked_with_the_old_one) {
  rig on(two_models(10, {"old"}));
  ask(on, "m");
  ask(on, "m");
  on.adopt(two_models(10, {"new"}));
  on.answer(200, {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "20s"}},
            tests::completion_of(1, 1));
  on.answer(429, {{"retry-after", "20"}});
  ask(on, "m");
  BOOST_TEST(models(on) == "m");
}

BOOST_AUTO_TEST_SUITE_END()
