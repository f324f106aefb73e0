// What attempts leave behind when they end: places for who waits, permits, hedges that are not asked again.
// Time is virtual.
#include "tests/actors/stage.hpp"

#include <caf/send.hpp>

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

/// How an exchange ends that was cancelled on the wire.
failure lost() {
  failure error = make_failure(errc::cancelled, "cancelled");
  error.fate = outcome::unknown;
  return error;
}

/// Three providers behind a route that hedges after half a second.
std::shared_ptr<snapshot> hedged() {
  auto config = providers({"a", "b", "c"});
  route_config way;
  way.name = model_name("m");
  for (const provider_config& each : config->providers)
    way.candidates.push_back({each.name, model_name("m")});
  way.hedge_after = 500ms;
  config->routes.push_back(std::move(way));
  return config;
}

} // namespace

BOOST_AUTO_TEST_SUITE(attempts_test)

BOOST_AUTO_TEST_CASE(whoever_waits_gets_the_place_of_an_exchange_that_failed) {
  auto config = providers({"a"});
  config->providers[0].max_concurrency = 1;
  config->retry.rules.clear();
  stage on(config);
  const auto first = on.call();
  const auto second = on.call();
  BOOST_REQUIRE_EQUAL(on.network->hosts.size(), 1U);
  on.network->fail(errc::network, outcome::unknown);
  on.run();
  BOOST_TEST(!on.replies[first]->success);
  BOOST_TEST(on.network->hosts.size() == 2U); // without any time between
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[second]->success);
}

BOOST_AUTO_TEST_CASE(who_can_be_asked_elsewhere_does_not_wait_for_a_place_for_long) {
  auto config = providers({"a", "b"});
  config->providers[0].max_concurrency = 1;
  config->limits.queue_patience = 2s;
  stage on(config);
  on.call();
  on.advance(5s);
  on.network->complete(); // a place is free every five seconds
  on.run();
  on.call();
  const auto n = on.call();
  BOOST_TEST(hosts(on) == "aab");
  on.network->complete();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->metadata.provider.str() == "b");
}

BOOST_AUTO_TEST_CASE(a_hedge_that_failed_is_not_asked_again_when_the_first_fails_too) {
  stage on(hedged());
  const auto n = on.call();
  on.advance(510ms);
  std::swap(on.network->wire[0], on.network->wire[1]);
  on.network->answer(401); // the hedge
  on.run();
  on.network->answer(401);
  on.run();
  BOOST_TEST(hosts(on) == "abc");
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->success);
}

BOOST_AUTO_TEST_CASE(what_comes_too_late_is_not_shown_so_that_another_can_answer) {
  auto config = providers({"a", "b"});
  config->providers[0].first_token_timeout = 2s;
  stage on(config);
  const auto n = on.stream();
  on.network->begin_stream();
  on.run();
  const auto slow = on.network->wire.front();
  on.network->wire.clear(); // it is long in ending
  on.advance(2100ms);
  slow.receiver->on_body("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"late\"}}]}\n\n");
  on.run();
  slow.done({lost(), {}, {}, false});
  on.run();
  BOOST_TEST(on.streams[n]->deltas.empty());
  BOOST_TEST(!on.replies[n].has_value());
  BOOST_TEST(hosts(on) == "ab");
}

BOOST_AUTO_TEST_CASE(a_call_waits_for_a_provider_that_is_about_to_be_started_anew) {
  auto config = providers({"a"});
  config->retry.rules.clear();
  stage on(config);
  on.network->throws = true;
  on.call();
  on.call(); // twice in so short a time: it rests
  on.network->throws = false;
  const auto n = on.call();
  BOOST_TEST(!on.replies[n].has_value());
  BOOST_TEST(on.network->hosts.empty());
  on.advance(150ms);
  BOOST_REQUIRE(on.network->complete());
  on.run();
  BOOST_TEST(on.replies[n]->success);
}

BOOST_AUTO_TEST_CASE(a_drain_waits_for_attempts_whose_calls_have_been_answered) {
  stage on(providers({"a"}));
  chat_request request = stage::question();
  request.id = call_id{make_id128(1, 2, 3)};
  const auto n = on.call(request);
  const auto slow = on.network->wire.front();
  on.network->wire.clear(); // it is long in ending
  caf::anon_send(on.manager, cancel_call{request.id});
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  const auto answer = on.ask_later<drained>(drain{10s});
  BOOST_TEST(!answer->has_value());
  slow.done({lost(), {}, {}, false});
  on.run();
  BOOST_TEST(answer->has_value());
}

BOOST_AUTO_TEST_CASE(a_drain_does_not_wait_for_a_sick_disk_longer_than_for_calls) {
  stage on(providers({"a"}));
  on.call();
  on.ledger->broken = true;
  on.network->complete(); // the answer waits until it is booked
  on.run();
  drain order;
  order.patience = 1s;
  const auto told = on.ask_later<drained>(order);
  on.advance(990ms);
  BOOST_TEST(!told->has_value());
  on.advance(600ms);
  BOOST_TEST(told->has_value());
}

BOOST_AUTO_TEST_SUITE_END()
