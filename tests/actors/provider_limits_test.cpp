// Limits of one provider actor: who goes out, who waits, who is refused and what he is told.
#include "tests/actors/provider_rig.hpp"

#include <deque>
#include <set>

using namespace weir;
using weir::tests::refused;
using weir::tests::rig;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<snapshot> narrow(std::uint32_t places = 1) {
  auto config = tests::providers({"a"});
  config->providers[0].max_concurrency = places;
  return config;
}

chat_request streamed() {
  chat_request request = tests::stage::question();
  request.stream = true;
  return request;
}

std::string piece(const std::string& text) {
  return R"(data: {"id":"c1","choices":[{"index":0,"delta":{"content":")" + text + "\"}}]}\n\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(provider_limits_test)

BOOST_AUTO_TEST_CASE(who_would_wait_too_long_is_refused_at_once_and_told_why_and_when_to_come_back) {
  auto config = narrow();
  config->providers[0].max_queue_wait = 3s;
  rig on(config);
  on.ask();
  on.advance(2s);
  on.complete(); // an attempt takes two seconds
  on.ask();
  const auto waits = on.ask();
  BOOST_TEST(!on.ended(waits));
  const auto over = on.ask();
  refused(on.error(over), "1 attempt waits, and a place is expected in 4.1 s (max_queue_wait)", 4s);
  BOOST_TEST(on.network->hosts.size() == 2U);
  BOOST_TEST(on.error(over).place == "max_concurrency");
}

BOOST_AUTO_TEST_CASE(who_waits_goes_on_when_there_is_a_place) {
  rig on(narrow());
  const auto first = on.ask();
  const auto second = on.ask();
  BOOST_TEST(on.network->wire.size() == 1U);
  on.advance(1s);
  on.complete();
  BOOST_TEST(on.succeeded(first));
  BOOST_TEST(on.network->wire.size() == 1U);
  on.complete();
  BOOST_TEST(on.succeeded(second));
}

BOOST_AUTO_TEST_CASE(a_call_that_could_not_be_served_in_time_is_refused_at_once) {
  rig on(narrow());
  on.ask();
  on.advance(2s);
  on.complete();
  on.ask();
  const auto hurried = on.ask(1s);
  refused(on.error(hurried), "0 attempts wait, and a place is expected in 2.1 s (the call's deadline)", 2s);
  BOOST_TEST(!on.ended(on.ask(5s)));
}

BOOST_AUTO_TEST_CASE(who_has_waited_too_long_is_refused) {
  auto config = narrow();
  config->providers[0].max_queue_wait = 3s;
  rig on(config);
  on.ask();
  const auto patient = on.ask();
  const auto hurried = on.ask(1s);
  on.advance(1100ms);
  BOOST_TEST((on.error(hurried).type == errc::timeout));
  on.advance(4800ms);
  BOOST_TEST(!on.ended(patient));
  on.advance(200ms);
  refused(on.error(patient), "no place within 6 s", 1s);
}

BOOST_AUTO_TEST_CASE(without_patience_nobody_waits) {
  auto config = narrow();
  config->providers[0].max_queue_wait = 0ms;
  rig on(config);
  on.ask();
  const auto over = on.ask();
  refused(on.error(over), "0 attempts wait, and when there is a place is not known (max_queue_wait)", 1s);
}

BOOST_AUTO_TEST_CASE(a_429_holds_the_provider_for_later_attempts_without_a_socket) {
  for (const bool patient : {true, false}) {
    auto config = narrow(10);
    config->providers[0].max_queue_wait = patient ? 30s : 5s;
    rig on(config);
    const auto first = on.ask();
    on.answer(429, {{"retry-after", "20"}});
    BOOST_TEST((on.error(first).retry_after == 20s));
    BOOST_TEST(!on.ends[first]->other_key);
    BOOST_TEST(((*on.health())->held_for == 20s));
    const auto next = on.ask();
    BOOST_TEST(on.network->wire.empty());
    if (!patient) {
      refused(on.error(next), "held by the provider's rate limit for 20 s", 20s);
      continue;
    }
    on.advance(19'900ms);
    BOOST_TEST(on.network->wire.empty());
    BOOST_TEST(((*on.health())->queued == 1U));
    on.advance(100ms);
    BOOST_TEST(on.network->wire.size() == 1U);
    on.complete();
    BOOST_TEST(on.succeeded(next));
  }
}

BOOST_AUTO_TEST_CASE(a_429_that_says_only_when_there_is_something_left_holds_until_then) {
  rig on(narrow(10));
  const auto first = on.ask();
  on.answer(429, {{"x-ratelimit-limit-requests", "60"},
                  {"x-ratelimit-remaining-requests", "0"},
                  {"x-ratelimit-reset-requests", "7s"}});
  BOOST_TEST((on.error(first).retry_after == 7s));
  BOOST_TEST(((*on.health())->held_for == 7s));
}

BOOST_AUTO_TEST_CASE(a_success_that_says_that_nothing_is_left_holds_the_next) {
  for (const bool heeded : {true, false}) {
    auto config = narrow(10);
    config->providers[0].learn_limits = heeded;
    rig on(config);
    on.network->reply_fields = {{"x-ratelimit-limit-tokens", "1000"},
                                {"x-ratelimit-remaining-tokens", "0"},
                                {"x-ratelimit-reset-tokens", "6s"}};
    on.ask();
    on.complete();
    on.ask();
    BOOST_TEST(on.network->wire.empty() == heeded);
    on.advance(5900ms);
    BOOST_TEST(on.network->wire.empty() == heeded);
    on.advance(10s);
    BOOST_TEST(on.network->wire.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(requests_per_minute_are_never_exceeded_over_an_hour) {
  auto config = narrow(10);
  config->providers[0].requests_per_minute = 30;
  rig on(config);
  on.network->on_post = [](tests::fake_network& network) { network.complete(); };
  std::size_t busiest = 0;
  std::deque<std::size_t> minute{0}; // posts until each half second of the last minute
  for (int n = 0; n != 7200; ++n) {
    on.ask(20s);
    on.advance(500ms, 100ms);
    minute.push_back(on.network->hosts.size());
    if (minute.size() > 121)
      minute.pop_front();
    busiest = std::max(busiest, minute.back() - minute.front());
  }
  BOOST_TEST(on.network->hosts.size() <= 30U * 60 + 5);
  BOOST_TEST(on.network->hosts.size() >= 30U * 60); // and not by doing nothing
  BOOST_TEST(busiest <= 30U + 5);
  std::set<std::string> reasons;
  for (const auto& end : on.ends)
    if (end && !end->outcome)
      reasons.insert(end->outcome.error().place);
  BOOST_TEST(reasons.contains("requests_per_minute"));
}

BOOST_AUTO_TEST_CASE(tokens_are_estimated_before_and_corrected_after) {
  auto config = narrow(10);
  config->providers[0].tokens_per_minute = 6000; // a burst of 1000, 100 a second
  rig on(config);
  on.ask();
  on.complete(900, 100);
  on.ask(); // about 110 tokens: the bucket is empty, whatever was estimated
  BOOST_TEST(on.network->wire.empty());
  on.advance(2s);
  BOOST_TEST(on.network->wire.size() == 1U);
  on.complete(1, 1);
  on.advance(10s);
  for (int n = 0; n != 5; ++n) { // each estimated at more than a tenth of the burst, and cheaper
    on.ask();
    on.complete(1, 1);
  }
  for (int n = 0; n != 12; ++n)
    on.ask();
  BOOST_TEST(on.network->wire.size() > 5U);
  BOOST_TEST(on.network->wire.size() < 12U);
}

BOOST_AUTO_TEST_CASE(a_learned_limit_reserves_little_of_a_long_reply) {
  for (const bool ours : {false, true}) {
    auto config = narrow(10);
    if (ours)
      config->providers[0].tokens_per_minute = 10'000 * 6;
    rig on(config);
    on.network->reply_fields = {{"x-ratelimit-limit-tokens", "10000"},
                                {"x-ratelimit-remaining-tokens", "9990"},
                                {"x-ratelimit-reset-tokens", "6ms"}};
    on.ask();
    on.complete();
    chat_request request = tests::stage::question();
    request.max_tokens = 64'000;
    for (int n = 0; n != 5; ++n)
      on.ask(60s, request);
    BOOST_TEST(on.network->wire.size() == (ours ? 0U : 5U));
  }
}

BOOST_AUTO_TEST_CASE(agents_take_turns_and_one_that_floods_does_not_shut_the_others_out) {
  auto config = narrow();
  config->providers[0].max_queue = 10;
  rig on(config);
  on.ask_as("flood");
  std::vector<std::size_t> flood;
  for (int n = 0; n != 12; ++n)
    flood.push_back(on.ask_as("flood"));
  refused(on.error(flood.back()), "the provider's queue is full: 10 attempts wait", 1s);
  BOOST_TEST(on.error(flood.back()).place == "max_queue");
  const auto quiet = on.ask_as("quiet");
  BOOST_TEST(!on.ended(quiet));
  BOOST_TEST(!on.ended(flood[8]));
  BOOST_TEST((on.error(flood[9]).place == "max_queue")); // made room
  on.complete();
  on.complete();
  on.complete();
  BOOST_TEST(on.succeeded(flood[0]));
  BOOST_TEST(on.succeeded(quiet));
  BOOST_TEST(!on.ended(flood[1]));
}

BOOST_AUTO_TEST_CASE(a_quiet_agent_is_not_refused_for_the_length_of_another_s_queue) {
  auto config = narrow();
  config->providers[0].max_queue_wait = 5s;
  rig on(config);
  on.ask();
  on.advance(1s);
  on.complete();
  for (int n = 0; n != 8; ++n)
    on.ask_as("flood");
  BOOST_TEST(on.ended(on.ask_as("flood")));
  BOOST_TEST(!on.ended(on.ask_as("quiet")));
}

BOOST_AUTO_TEST_CASE(overload_lowers_an_adaptive_limit) {
  auto config = narrow(20);
  config->providers[0].adaptive_concurrency = true;
  rig on(config);
  BOOST_TEST(((*on.health())->concurrency_limit == 20U));
  on.ask();
  on.advance(100ms);
  on.answer(503);
  BOOST_TEST(((*on.health())->concurrency_limit == 18U));
}

BOOST_AUTO_TEST_CASE(a_stream_that_breaks_tells_what_was_shown_and_when_it_began) {
  for (const bool gathered : {true, false}) {
    rig on(narrow());
    chat_request request = streamed();
    request.gather = gathered;
    const auto n = on.ask(60s, request);
    on.network->begin_stream();
    on.advance(300ms);
    on.network->send(piece("Hel"));
    on.run();
    on.network->send(piece("lo"));
    BOOST_REQUIRE(on.network->fail(errc::network, outcome::unknown));
    on.run();
    BOOST_TEST((on.error(n).type == errc::network));
    BOOST_TEST(on.ends[n]->delivered);
    BOOST_TEST(on.shown == "Hello");
    BOOST_TEST(on.ends[n]->partial == (gathered ? "Hello" : ""));
    BOOST_TEST((on.ends[n]->first_token == std::chrono::microseconds(300ms)));
  }
}

BOOST_AUTO_TEST_CASE(the_first_token_has_a_limit_of_its_own) {
  auto config = narrow();
  config->providers[0].timeout = 30s;
  config->providers[0].first_token_timeout = 2s;
  rig on(config);
  const auto n = on.ask(60s, streamed());
  on.network->begin_stream();
  on.advance(1900ms);
  BOOST_TEST(!on.ended(n));
  on.advance(200ms);
  BOOST_TEST(on.error(n).message == "no token within 2000 ms (first_token_timeout)");
  BOOST_TEST(!on.ends[n]->first_token.has_value());
  BOOST_TEST(on.ends[n]->partial.empty());
}

BOOST_AUTO_TEST_CASE(what_is_withdrawn_while_it_waits_leaves_the_queue) {
  rig on(narrow());
  on.ask();
  const auto gone = on.ask();
  const auto stays = on.ask();
  on.cancel(gone);
  BOOST_TEST((on.error(gone).type == errc::cancelled));
  BOOST_TEST(((*on.health())->queued == 1U));
  on.complete();
  on.complete();
  BOOST_TEST(on.succeeded(stays));
}

BOOST_AUTO_TEST_SUITE_END()
