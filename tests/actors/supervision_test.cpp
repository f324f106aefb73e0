// Calls through the real actors: retry, failover, breakers, deadlines, deaths, drains. Time is virtual.
#include "tests/actors/stage.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

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

} // namespace

BOOST_AUTO_TEST_SUITE(supervision_test)

BOOST_AUTO_TEST_CASE(a_call_is_answered_and_booked_with_its_exact_cost) {
  stage on(providers({"a"}));
  const auto n = on.call();
  BOOST_REQUIRE(on.network->complete(22, 3));
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  const chat_reply& reply = *on.replies[n];
  BOOST_TEST(reply.success);
  BOOST_TEST(reply.content == "yes");
  BOOST_TEST(to_decimal(*reply.cost) == "0.00084");
  BOOST_TEST(reply.metadata.attempts.size() == 1U);
  BOOST_TEST(reply.metadata.provider.str() == "a");
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  const usage_record& record = on.books().front();
  BOOST_TEST((record.id == reply.metadata.attempts[0].id));
  BOOST_TEST((record.call == reply.metadata.call));
  BOOST_TEST((record.cost == reply.cost));
  BOOST_TEST(record.success);
}

BOOST_AUTO_TEST_CASE(waits_as_long_as_the_server_asked) {
  stage on(providers({"a"}));
  const auto n = on.call();
  on.network->answer(429, "{}", {{"retry-after", "7"}});
  on.run();
  on.advance(6990ms);
  BOOST_TEST(on.network->wire.empty());
  on.advance(20ms);
  BOOST_TEST(on.network->complete());
  on.run();
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST((on.replies[n]->metadata.attempts[1].waited == 7s));
  BOOST_TEST(on.books().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_hint_that_exceeds_the_deadline_fails_over_at_once) {
  stage on(providers({"a", "b"}));
  chat_request request = stage::question();
  request.timeout = 5s;
  const auto n = on.call(request);
  on.network->answer(429, "{}", {{"retry-after", "60"}});
  on.run();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(hosts(on) == "ab");
}

BOOST_AUTO_TEST_CASE(a_wrong_key_is_not_tried_again_but_elsewhere) {
  stage on(providers({"a", "b"}));
  const auto n = on.call();
  on.network->answer(401);
  on.run();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->metadata.provider.str() == "b");
  BOOST_TEST((on.replies[n]->metadata.attempts[0].error == errc::auth));
  BOOST_TEST(hosts(on) == "ab");
}

BOOST_AUTO_TEST_CASE(an_invalid_request_is_nobodys_business_elsewhere) {
  stage on(providers({"a", "b"}));
  const auto n = on.call();
  on.network->answer(400, R"({"error":{"message":"no"}})");
  on.run();
  BOOST_TEST(!on.replies[n]->success);
  BOOST_TEST((on.replies[n]->error->type == errc::invalid_request));
  BOOST_TEST(on.replies[n]->error->vendor_message == "no");
  BOOST_TEST(on.replies[n]->error->provider == "a");
  BOOST_TEST(hosts(on) == "a");
}

BOOST_AUTO_TEST_CASE(a_request_that_may_have_been_billed_is_sent_twice_at_most) {
  stage on(providers({"a", "b", "c"}));
  const auto n = on.call();
  for (int guard = 0; guard != 20 && !on.replies[n]; ++guard) {
    on.network->fail(errc::network, outcome::unknown);
    on.run();
    on.advance(20s);
  }
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::network));
  BOOST_TEST(on.network->hosts.size() == 2U);
  BOOST_TEST(on.books().size() == 2U);
  for (const usage_record& each : on.books()) {
    BOOST_TEST((each.state == record_state::unknown));
    BOOST_TEST(each.cost_limit.has_value());
  }
}

BOOST_AUTO_TEST_CASE(an_open_breaker_spares_its_provider_and_closes_again) {
  auto config = providers({"a", "b"});
  config->providers[0].max_retries = 0;
  stage on(config);
  for (int n = 0; n != 10; ++n) {
    on.call();
    on.network->answer(503);
    on.run();
    on.network->complete();
    on.run();
  }
  on.network->hosts.clear();
  on.call();
  on.network->complete();
  on.run();
  BOOST_TEST(hosts(on) == "b");
  const auto report = on.ask<health_report>(health_query{});
  BOOST_REQUIRE(report.has_value());
  BOOST_TEST((report->providers[0].breaker == breaker_state::open));
  on.advance(31s);
  on.network->hosts.clear();
  for (int n = 0; n != 3; ++n) {
    on.call();
    on.network->complete();
    on.run();
  }
  BOOST_TEST(hosts(on) == "aaa");
  BOOST_TEST((on.ask<health_report>(health_query{})->providers[0].breaker == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(when_every_breaker_is_open_the_caller_hears_when_to_come_back) {
  auto config = providers({"a"});
  config->providers[0].max_retries = 0;
  config->breaker.last_resort = 0ms;
  stage on(config);
  for (int n = 0; n != 10; ++n) {
    on.call();
    on.network->answer(503);
    on.run();
  }
  const auto n = on.call();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::circuit_open));
  BOOST_TEST((on.replies[n]->error->retry_after == 30s));
  BOOST_TEST(on.network->hosts.size() == 10U);
}

BOOST_AUTO_TEST_CASE(a_deadline_ends_the_call_and_the_attempt_and_is_booked) {
  stage on(providers({"a"}));
  chat_request request = stage::question();
  request.timeout = 3s;
  const auto n = on.call(request);
  BOOST_TEST((on.network->wire.front().total == 3s));
  on.advance(3300ms); // a network that does not keep the deadline by itself
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::timeout));
  BOOST_TEST(on.network->cancelled == 1U);
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  BOOST_TEST((on.books().front().state == record_state::unknown));
}

BOOST_AUTO_TEST_CASE(a_provider_that_dies_is_started_anew_and_its_attempts_end_typed) {
  auto config = providers({"a"});
  config->retry.rules.clear();
  stage on(config);
  const auto waiting = on.call();
  on.network->throws = true;
  const auto killer = on.call();
  on.run();
  for (const auto n : {waiting, killer}) {
    BOOST_REQUIRE(on.replies[n].has_value());
    BOOST_TEST((on.replies[n]->error->type == errc::network));
  }
  BOOST_TEST(on.network->cancelled == 1U); // nobody would have read its end
  on.network->throws = false;
  const auto after = on.call();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[after]->success);
  BOOST_TEST(on.ask<health_report>(health_query{})->providers[0].restarts == 1U);
  std::map<attempt_id, int> booked;
  for (const usage_record& each : on.books())
    ++booked[each.id];
  BOOST_TEST(booked.size() == 3U);
  for (const auto& [id, times] : booked)
    BOOST_TEST(times == 1);
}

BOOST_AUTO_TEST_CASE(what_a_dying_provider_had_sent_is_repeated_no_oftener_than_allowed) {
  auto config = providers({"a", "b", "c"});
  config->retry.max_unknown_repeats = 0;
  stage on(config);
  const auto n = on.call();
  on.network->throws = true;
  on.call();
  on.advance(60s);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::network));
  BOOST_TEST(on.replies[n]->metadata.attempts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_success_that_cannot_be_read_is_repeated_no_oftener_than_allowed) {
  stage on(providers({"a", "b"}));
  on.network->on_post = [](tests::fake_network& network) { network.answer(200, "<html>"); };
  const auto n = on.call();
  on.advance(60s);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::server_error));
  BOOST_TEST(on.network->hosts.size() == 2U); // max_unknown_repeats is 1
}

BOOST_AUTO_TEST_CASE(a_reply_that_comes_with_the_callers_patience_at_its_end_is_still_booked) {
  stage on(providers({"a"}));
  chat_request request = stage::question();
  request.timeout = 1s;
  on.network->late_reply = tests::completion_of(22, 3);
  const auto n = on.call(request);
  on.advance(2s);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  BOOST_TEST((on.books().front().state == record_state::settled));
  BOOST_TEST(on.books().front().usage.total_tokens == 25U);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_was_ended_before_it_was_sent_is_void) {
  stage on(providers({"a"}));
  on.network->sends = false; // still connecting
  chat_request request = stage::question();
  request.timeout = 1s;
  on.call(request);
  on.advance(2s);
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  BOOST_TEST((on.books().front().state == record_state::void_attempt));
}

BOOST_AUTO_TEST_CASE(no_limit_at_all_is_a_day) {
  stage on(providers({"a"}));
  chat_request request = stage::question();
  request.timeout = std::chrono::milliseconds::max();
  const auto n = on.call(request);
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[n]->success);
}

BOOST_AUTO_TEST_CASE(attempts_over_the_limit_wait_and_over_the_queue_go_elsewhere) {
  auto config = providers({"a", "b"});
  config->providers[0].max_concurrency = 1;
  config->providers[0].max_queue = 1;
  stage on(config);
  const auto first = on.call();
  const auto queued = on.call();
  const auto over = on.call();
  BOOST_TEST(hosts(on) == "ab");
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[first]->success);
  BOOST_TEST(hosts(on) == "aba");
  on.network->complete();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[queued]->metadata.provider.str() == "a");
  BOOST_TEST(on.replies[over]->metadata.provider.str() == "b");
  BOOST_TEST((on.replies[over]->metadata.attempts[0].error == errc::overloaded));
  BOOST_TEST(on.books().size() == 4U);
}

BOOST_AUTO_TEST_CASE(calls_over_the_admission_limit_are_refused_as_overloaded) {
  auto config = providers({"a"});
  config->limits.max_in_flight = 2;
  stage on(config);
  on.call();
  on.call();
  const auto n = on.call();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::overloaded));
  on.network->complete();
  on.run();
  BOOST_TEST(!on.replies[on.call()].has_value()); // there is room again
}

BOOST_AUTO_TEST_CASE(a_drain_waits_for_calls_and_refuses_new_ones) {
  stage on(providers({"a"}));
  const auto early = on.call();
  std::optional<drained> answer = on.ask<drained>(drain{10s});
  BOOST_TEST(!answer.has_value());
  const auto late = on.call();
  BOOST_TEST((on.replies[late]->error->type == errc::cancelled));
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[early]->success);
}

BOOST_AUTO_TEST_CASE(whoever_drains_is_answered_and_the_shortest_patience_counts) {
  stage on(providers({"a"}));
  on.call();
  std::vector<std::shared_ptr<std::optional<drained>>> answers;
  for (const auto patience : {std::optional<std::chrono::milliseconds>{60s}, {1s}, {}})
    answers.push_back(on.ask_later<drained>(drain{patience}));
  on.advance(1200ms);
  for (const auto& each : answers) {
    BOOST_REQUIRE(each->has_value());
    BOOST_TEST((*each)->cancelled == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_drain_out_of_patience_ends_what_is_left_and_books_it) {
  stage on(providers({"a"}));
  const auto n = on.call();
  on.ask<drained>(drain{1s});
  on.advance(1200ms);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::cancelled));
  BOOST_TEST(on.network->cancelled == 1U);
  BOOST_TEST(on.books().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_new_snapshot_brings_providers_and_lets_old_ones_finish) {
  stage on(providers({"a"}));
  const auto old = on.call();
  caf::anon_send(on.manager, snapshot_ptr(providers({"b"})));
  on.run();
  const auto fresh = on.call();
  BOOST_TEST(hosts(on) == "ab");
  on.network->complete();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[old]->success);
  BOOST_TEST(on.replies[fresh]->success);
  BOOST_TEST(on.books().size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_waits_at_a_provider_that_is_taken_out_goes_elsewhere) {
  auto config = providers({"a", "b"});
  config->providers[0].max_concurrency = 1;
  config->limits.queue_patience = 1h;
  stage on(config);
  const auto sent = on.call();
  const auto waiting = on.call();
  caf::anon_send(on.manager, snapshot_ptr(providers({"b"})));
  on.run();
  BOOST_TEST(hosts(on) == "ab");
  on.network->complete();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[sent]->metadata.provider.str() == "a");
  BOOST_TEST(on.replies[waiting]->metadata.provider.str() == "b");
}

BOOST_AUTO_TEST_CASE(a_provider_that_dies_after_a_reload_is_started_with_the_new_configuration) {
  stage on(providers({"a"}));
  auto moved = providers({"a"});
  moved->providers[0].base_url = "http://elsewhere/v1";
  moved->retry.rules.clear();
  caf::anon_send(on.manager, snapshot_ptr(moved));
  on.run();
  on.network->throws = true;
  on.call();
  on.network->throws = false;
  on.call();
  BOOST_TEST(hosts(on) == "elsewhere");
}

BOOST_AUTO_TEST_CASE(a_probe_asks_for_models_and_tells_why_it_failed) {
  stage on(providers({"a", "b"}));
  on.network->on_post = [](tests::fake_network& network) {
    const auto host = network.wire.back().host;
    const bool models = network.wire.back().request.head->text().find("GET /v1/models ") == 0;
    if (models && host == "a")
      network.answer(200, R"({"data":[{"id":"m"}]})");
    else if (models)
      network.answer(401);
  };
  const auto report = on.ask<health_report>(health_query{true});
  BOOST_REQUIRE(report.has_value());
  BOOST_TEST(report->providers[0].reachable.value());
  BOOST_TEST(!report->providers[1].reachable.value());
  BOOST_TEST((report->providers[1].probe_error->type == errc::auth));
  BOOST_TEST(on.books().empty()); // a probe is no attempt
}

BOOST_AUTO_TEST_SUITE_END()
