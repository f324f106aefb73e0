// Routes through the real actors: aliases, larger models, strategies, hedges, breakers by model, and what is
// done when every breaker is open. Time is virtual.
#include "tests/actors/stage.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

std::string hosts(const stage& on) {
  std::string text;
  for (const std::string& each : on.network->hosts)
    text += each;
  return text;
}

/// Three providers, of which each also has a model of its own, and a route `m` over these.
std::shared_ptr<snapshot> routed() {
  auto config = providers({"a", "b", "c"});
  route_config way;
  way.name = model_name("m");
  for (provider_config& each : config->providers) {
    model_config own = each.models.front();
    own.name = model_name("m-" + each.name.str());
    each.models.push_back(own);
    way.candidates.push_back({each.name, own.name});
  }
  config->routes.push_back(std::move(way));
  return config;
}

bool asks_for(const tests::posted& posted, const std::string& model) {
  return posted.request.body.find("\"model\":\"" + model + "\"") != std::string::npos;
}

/// Lets so many calls fail at the first candidate, and be answered by the second.
void fail_over(stage& on, int calls) {
  for (int n = 0; n != calls; ++n) {
    on.call();
    on.network->answer(503);
    on.run();
    on.network->complete();
    on.run();
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(routes_test)

BOOST_AUTO_TEST_CASE(each_candidate_is_asked_for_its_own_model_and_booked_under_it) {
  stage on(routed());
  const auto n = on.call();
  BOOST_TEST(asks_for(on.network->wire.front(), "m-a"));
  on.network->answer(401);
  on.run();
  BOOST_TEST(asks_for(on.network->wire.front(), "m-b"));
  on.network->complete();
  on.run();
  BOOST_REQUIRE(on.replies[n]->success);
  BOOST_TEST(on.replies[n]->metadata.attempts[0].model.str() == "m-a");
  BOOST_TEST(on.replies[n]->metadata.attempts[1].model.str() == "m-b");
  BOOST_REQUIRE_EQUAL(on.books().size(), 2U);
  BOOST_TEST(on.books()[1].model.str() == "m-b");
  BOOST_TEST(on.books()[1].cost.has_value());
}

BOOST_AUTO_TEST_CASE(what_is_too_long_for_a_model_goes_to_a_larger_one_and_to_no_other) {
  auto config = routed();
  config->providers[0].models[1].context_window = 8'000;
  config->providers[1].models[1].context_window = 8'000;
  config->providers[2].models[1].context_window = 200'000;
  stage on(config);
  const auto n = on.call();
  on.network->answer(400, R"({"error":{"message":"too long","code":"context_length_exceeded"}})");
  on.run();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(hosts(on) == "ac");
}

BOOST_AUTO_TEST_CASE(without_a_larger_model_the_caller_is_told_at_once) {
  stage on(providers({"a", "b"})); // both have the same model
  const auto n = on.call();
  on.network->answer(400, R"({"error":{"message":"too long","code":"context_length_exceeded"}})");
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::token_limit));
  BOOST_TEST(hosts(on) == "a");
}

BOOST_AUTO_TEST_CASE(what_cannot_fit_a_model_is_not_sent_to_it) {
  auto config = routed();
  config->providers[0].models[1].context_window = 120;
  stage on(config);
  chat_request request = stage::question();
  request.messages.front() = make_message(role::user, std::string(4000, 'x'));
  on.call(request);
  BOOST_TEST(hosts(on) == "b");
}

BOOST_AUTO_TEST_CASE(one_models_breaker_does_not_close_the_door_for_its_sister) {
  auto config = routed();
  config->providers[0].max_retries = 0;
  stage on(config);
  fail_over(on, 10);
  on.network->hosts.clear();
  on.call();
  BOOST_TEST(hosts(on) == "b");
  on.network->hosts.clear();
  chat_request pinned = stage::question();
  pinned.provider = provider_name("a");
  config->routes.clear();
  caf::anon_send(on.manager, snapshot_ptr(std::make_shared<const snapshot>(*config)));
  on.run();
  on.call(pinned); // the model `m` of the same provider
  BOOST_TEST(hosts(on) == "a");
  const auto report = on.ask<health_report>(health_query{});
  BOOST_REQUIRE(report.has_value());
  const provider_health& a = report->providers.front();
  BOOST_TEST((a.breaker == breaker_state::open));
  BOOST_REQUIRE_EQUAL(a.breakers.size(), 2U);
  BOOST_TEST((a.breakers[0].state == breaker_state::closed));
  BOOST_TEST((a.breakers[1].state == breaker_state::open));
  BOOST_TEST(a.breakers[1].model.str() == "m-a");
  BOOST_REQUIRE_EQUAL(a.breakers[1].history.size(), 1U);
  BOOST_TEST(a.breakers[1].history[0].cause == "10 of 10 calls failed");
  BOOST_TEST((a.breakers[1].reopens_in > 20s));
  BOOST_REQUIRE(!report->alerts.empty());
  BOOST_TEST((report->alerts.back().type == errc::circuit_open));
}

BOOST_AUTO_TEST_CASE(where_every_breaker_is_open_one_call_in_five_seconds_goes_out) {
  auto config = providers({"a", "b"});
  for (provider_config& each : config->providers)
    each.max_retries = 0;
  stage on(config);
  for (int n = 0; n != 10; ++n) {
    on.call();
    on.network->answer(503);
    on.run();
    on.network->answer(503);
    on.run();
  }
  on.network->hosts.clear();
  for (int second = 0; second != 14; ++second) {
    const auto n = on.call();
    if (!on.network->wire.empty()) {
      on.network->answer(503);
      on.run();
    } else {
      BOOST_REQUIRE((on.replies[n]->error->type == errc::circuit_open));
      BOOST_TEST((*on.replies[n]->error->retry_after <= 5s));
    }
    on.advance(1s);
  }
  BOOST_TEST(on.network->hosts.size() == 2U); // after 5 s and 10 s
  on.advance(5s);
  const auto n = on.call();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->success);
}

BOOST_AUTO_TEST_CASE(the_least_busy_is_asked_first) {
  auto config = routed();
  config->routes[0].strategy = route_strategy::least_busy;
  stage on(config);
  for (int n = 0; n != 6; ++n)
    on.call();
  BOOST_TEST(hosts(on) == "abcabc");
}

BOOST_AUTO_TEST_CASE(the_fastest_of_late_is_asked_first) {
  auto config = routed();
  config->routes[0].strategy = route_strategy::lowest_latency;
  stage on(config);
  for (const auto took : {300ms, 100ms, 200ms}) { // each is asked once, since nothing is known of it
    on.call();
    on.advance(took);
    on.network->complete();
    on.run();
  }
  on.call();
  BOOST_TEST(hosts(on) == "abcb");
}

BOOST_AUTO_TEST_CASE(calls_of_one_user_stay_at_one_provider) {
  auto config = routed();
  config->routes[0].sticky_by = "user";
  stage on(config);
  const auto home = [&](const std::string& user) {
    chat_request request = stage::question();
    request.tags = {{"user", user}};
    on.call(request);
    const std::string where = on.network->hosts.back();
    on.network->complete();
    on.run();
    return where;
  };
  std::string seen;
  for (int n = 0; n != 20; ++n) {
    const std::string user = "u" + std::to_string(n);
    const std::string first = home(user);
    BOOST_TEST(home(user) == first);
    if (seen.find(first) == std::string::npos)
      seen += first;
  }
  BOOST_TEST(seen.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_call_with_a_ceiling_is_not_hedged) {
  auto config = routed();
  config->routes[0].hedge_after = 500ms;
  stage on(config);
  chat_request request = stage::question();
  request.max_cost = money{picos_per_unit, *currency::parse("USD")};
  on.call(request);
  on.advance(2s);
  BOOST_TEST(hosts(on) == "a");
}

BOOST_AUTO_TEST_CASE(a_slow_call_is_hedged_and_the_first_answer_wins) {
  auto config = routed();
  config->routes[0].hedge_after = 500ms;
  stage on(config);
  const auto n = on.call();
  on.advance(490ms);
  BOOST_TEST(hosts(on) == "a");
  on.advance(20ms);
  BOOST_TEST(hosts(on) == "ab");
  std::swap(on.network->wire[0], on.network->wire[1]);
  on.network->complete(); // the hedge answers
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.replies[n]->metadata.provider.str() == "b");
  BOOST_TEST(on.replies[n]->metadata.attempts[1].hedge);
  BOOST_TEST((on.replies[n]->metadata.attempts[0].error == errc::cancelled));
  BOOST_TEST(on.network->cancelled == 1U);
  BOOST_REQUIRE_EQUAL(on.books().size(), 2U); // both bills
  for (const usage_record& each : on.books())
    BOOST_TEST((each.success ? each.state == record_state::settled : each.state == record_state::unknown));
}

BOOST_AUTO_TEST_CASE(a_hedge_that_fails_leaves_the_call_to_the_first) {
  auto config = routed();
  config->routes[0].hedge_after = 500ms;
  stage on(config);
  const auto n = on.call();
  on.advance(510ms);
  std::swap(on.network->wire[0], on.network->wire[1]);
  on.network->answer(500);
  on.run();
  BOOST_TEST(!on.replies[n].has_value());
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.replies[n]->metadata.provider.str() == "a");
  BOOST_TEST(on.network->cancelled == 0U);
}

BOOST_AUTO_TEST_CASE(a_call_whose_both_attempts_fail_goes_on_behind_the_hedge) {
  auto config = routed();
  config->routes[0].hedge_after = 500ms;
  stage on(config);
  const auto n = on.call();
  on.advance(510ms);
  on.network->answer(401);
  on.run();
  on.network->answer(401);
  on.run();
  BOOST_TEST(hosts(on) == "abc");
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.books().size() == 3U);
}

BOOST_AUTO_TEST_CASE(hedges_end_with_the_budget) {
  auto config = routed();
  config->routes[0].hedge_after = 500ms;
  config->retry.budget = {.tokens = 2, .per_success_permille = 0, .refill_time = 0ms};
  stage on(config);
  for (int n = 0; n != 5; ++n)
    on.call();
  on.advance(1s);
  BOOST_TEST(hosts(on) == "aaaaabbcc");
}

BOOST_AUTO_TEST_CASE(a_shown_stream_is_never_hedged) {
  auto config = routed();
  config->routes[0].hedge_after = 500ms;
  stage on(config);
  on.stream();
  on.advance(5s);
  BOOST_TEST(hosts(on) == "a");
}

BOOST_AUTO_TEST_CASE(retries_of_all_calls_together_end_with_the_budget) {
  auto config = providers({"a"});
  config->breaker.min_calls = 1'000'000;
  config->retry.budget = {.tokens = 10, .per_success_permille = 100, .refill_time = 0ms};
  stage on(config);
  on.network->on_post = [](tests::fake_network& network) { network.answer(503); };
  for (int n = 0; n != 50; ++n)
    on.call();
  on.advance(60s);
  BOOST_TEST(on.network->hosts.size() == 60U);
  on.network->on_post = [](tests::fake_network& network) { network.complete(); };
  for (int n = 0; n != 100; ++n)
    on.call();
  const auto report = on.ask<health_report>(health_query{});
  BOOST_TEST(report->providers[0].retry_tokens == 10.0);
}

BOOST_AUTO_TEST_CASE(a_long_hint_is_not_slept_on_while_another_can_be_asked) {
  stage on(providers({"a", "b"}));
  const auto n = on.call();
  on.network->answer(429, "{}", {{"retry-after", "30"}});
  on.run();
  BOOST_TEST(hosts(on) == "ab");
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->success);
}

BOOST_AUTO_TEST_CASE(who_fails_fast_is_not_therefore_the_least_busy) {
  auto config = routed();
  config->routes[0].strategy = route_strategy::least_busy;
  stage on(config);
  on.call();
  on.network->answer(404, R"({"error":{"code":"model_not_found"}})");
  on.run();
  on.network->complete();
  on.run();
  on.network->hosts.clear();
  on.call();
  BOOST_TEST(hosts(on) == "b");
}

BOOST_AUTO_TEST_CASE(a_hedge_does_not_get_around_a_refusal) {
  auto config = routed();
  config->routes[0].hedge_after = 500ms;
  stage on(config);
  const auto n = on.call();
  on.advance(510ms);
  on.network->answer(400, R"({"error":{"message":"no","code":"content_filter"}})");
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::content_filter));
  BOOST_TEST(on.network->cancelled == 1U);
  BOOST_TEST(on.books().size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
