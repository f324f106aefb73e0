// Which failures are the provider's, and what is told while its breaker tries whether it is well. Time is
// virtual.
#include "tests/actors/stage.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

breaker_state state_of(stage& on) {
  return on.ask<health_report>(health_query{})->providers[0].breaker;
}

chat_request hurried(milliseconds timeout) {
  chat_request request = stage::question();
  request.timeout = timeout;
  return request;
}

/// Opens the breaker of the only provider.
void open_breaker(stage& on) {
  for (int n = 0; n != 10; ++n) {
    on.call();
    on.network->answer(503);
    on.run();
  }
}

std::shared_ptr<snapshot> without_retries() {
  auto config = providers({"a"});
  config->providers[0].max_retries = 0;
  return config;
}

} // namespace

BOOST_AUTO_TEST_SUITE(blame_test)

BOOST_AUTO_TEST_CASE(calls_in_a_hurry_do_not_open_the_breaker_of_a_provider_that_is_well) {
  stage on(without_retries());
  on.call();
  on.advance(2s);
  on.network->complete(); // it takes two seconds
  on.run();
  for (int n = 0; n != 20; ++n) {
    on.call(hurried(200ms));
    on.advance(200ms);
    on.network->fail(errc::timeout, outcome::unknown);
    on.run();
  }
  BOOST_TEST((state_of(on) == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(a_provider_that_hangs_opens_its_breaker_although_its_callers_are_in_a_hurry) {
  stage on(without_retries());
  on.call();
  on.advance(50ms);
  on.network->complete(); // it takes 50 ms
  on.run();
  for (int n = 0; n != 20; ++n) {
    on.call(hurried(200ms));
    on.advance(200ms);
    on.network->fail(errc::timeout, outcome::unknown);
    on.run();
  }
  BOOST_TEST((state_of(on) == breaker_state::open));
}

BOOST_AUTO_TEST_CASE(a_provider_that_holds_its_callers_back_is_not_broken) {
  auto config = without_retries();
  config->providers[0].max_concurrency = 20;
  stage on(config);
  for (int n = 0; n != 20; ++n)
    on.call();
  while (on.network->answer(429, "{}", {{"retry-after", "1"}}))
    on.run();
  BOOST_TEST(on.network->hosts.size() == 20U);
  BOOST_TEST((state_of(on) == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(what_waited_here_until_its_deadline_is_not_the_providers_fault) {
  auto config = without_retries();
  config->providers[0].max_concurrency = 1;
  stage on(config);
  on.call();
  for (int n = 0; n != 20; ++n)
    on.call(hurried(500ms));
  on.advance(1s);
  BOOST_TEST((state_of(on) == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(a_sink_that_stalls_is_not_the_providers_fault) {
  stage on(without_retries());
  for (int n = 0; n != 12; ++n) {
    chat_request request = stage::question();
    request.timeout = 1s;
    const auto stream = on.stream(std::move(request));
    on.streams[stream]->stalls = true;
    on.network->begin_stream();
    on.network->send("data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n");
    on.run();
    on.advance(1s);
    on.network->fail(errc::timeout, outcome::unknown);
    on.run();
  }
  BOOST_TEST((state_of(on) == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(while_long_probes_are_out_others_hear_when_to_come_and_one_is_let_through) {
  stage on(without_retries());
  open_breaker(on);
  on.advance(31s);
  on.call();
  on.call(); // both probes are out, and take long
  BOOST_REQUIRE_EQUAL(on.network->wire.size(), 2U);
  const auto refused = on.call();
  BOOST_REQUIRE(on.replies[refused].has_value());
  BOOST_TEST((*on.replies[refused]->error->retry_after > 4s));
  on.advance(5s);
  on.call();
  BOOST_TEST(on.network->wire.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_probe_that_says_nothing_of_the_provider_leaves_room_for_the_next) {
  stage on(without_retries());
  open_breaker(on);
  on.advance(31s);
  for (int n = 0; n != 5; ++n) {
    on.call();
    BOOST_REQUIRE_EQUAL(on.network->wire.size(), 1U);
    on.network->answer(400); // the caller's fault
    on.run();
  }
  BOOST_TEST((state_of(on) == breaker_state::half_open));
}

BOOST_AUTO_TEST_CASE(a_key_that_is_revoked_under_load_fails_nobody_while_another_is_well) {
  auto config = without_retries();
  config->providers[0].api_key = secret("first");
  config->providers[0].more_keys.emplace_back("second");
  stage on(config);
  for (int n = 0; n != 40; ++n)
    on.call();
  for (int n = 0; n != 40; ++n) { // half of them were sent with the first key
    const bool first = on.network->wire.front().request.head->text().find("first") != std::string::npos;
    if (first)
      on.network->answer(401);
    else
      on.network->complete();
    on.run();
  }
  while (on.network->complete())
    on.run();
  for (const auto& reply : on.replies) {
    BOOST_REQUIRE(reply.has_value());
    BOOST_REQUIRE(reply->success);
  }
}

BOOST_AUTO_TEST_CASE(without_books_nothing_is_sent) {
  stage on(providers({"a"}));
  caf::anon_send_exit(on.accumulator, caf::exit_reason::user_shutdown);
  on.run();
  const auto n = on.call();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::read_only));
  BOOST_TEST(on.network->hosts.empty());
}

BOOST_AUTO_TEST_SUITE_END()
