// Streams through the real actors: deltas, credit, cancelling, time limits, failover. Time is virtual.
#include "tests/actors/stage.hpp"

#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

std::string piece(const std::string& text) {
  return R"(data: {"id":"c1","choices":[{"index":0,"delta":{"content":")" + text + "\"}}]}\n\n";
}

const std::string finish = R"(data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],)"
                           R"("usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}})"
                           "\n\ndata: [DONE]\n\n";

/// What an exchange that went well ends with.
void end_well(stage& on) {
  auto& first = on.network->wire.front();
  const auto done = first.done;
  on.network->wire.pop_front();
  done({http_response{200, {}, {}}, {}, {}, false});
  on.run();
}

call_id some_id() {
  return call_id{make_id128(1, 2, 3)};
}

} // namespace

BOOST_AUTO_TEST_SUITE(stream_test)

BOOST_AUTO_TEST_CASE(deltas_come_on_the_way_and_the_whole_reply_at_the_end) {
  stage on(providers({"a"}));
  const auto n = on.stream();
  BOOST_REQUIRE_EQUAL(on.network->wire.size(), 1U);
  BOOST_TEST(on.network->wire.front().request.body.find(R"("stream":true)") != std::string::npos);
  on.network->begin_stream();
  on.advance(200ms);
  on.network->send(piece("Hel"));
  on.run();
  BOOST_TEST(on.streams[n]->text() == "Hel");
  BOOST_TEST(!on.replies[n].has_value());
  on.advance(300ms);
  on.network->send(piece("lo") + finish);
  on.run();
  BOOST_TEST(on.streams[n]->text() == "Hello");
  BOOST_REQUIRE(on.replies[n].has_value()); // by the end mark: the body may still go on
  BOOST_TEST(on.network->released.size() == 1U);
  const chat_reply& reply = *on.replies[n];
  BOOST_TEST(reply.success);
  BOOST_TEST(reply.content == "Hello");
  BOOST_TEST(to_decimal(*reply.cost) == "0.0006");
  BOOST_TEST((reply.metadata.first_token == std::chrono::microseconds(200ms)));
  end_well(on);
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  BOOST_TEST(on.books().front().success);
  BOOST_TEST((on.books().front().first_token_time == std::chrono::microseconds(200ms)));
  BOOST_TEST((on.books().front().response_time == std::chrono::microseconds(500ms)));
}

BOOST_AUTO_TEST_CASE(what_is_not_to_be_gathered_is_in_the_deltas_alone) {
  stage on(providers({"a"}));
  chat_request request = stage::question();
  request.gather = false;
  const auto n = on.stream(request);
  on.network->begin_stream();
  on.network->send(piece("Hel") + piece("lo") + finish);
  on.run();
  BOOST_TEST(on.streams[n]->text() == "Hello");
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.replies[n]->content.empty());
  BOOST_TEST(on.replies[n]->usage.total_tokens == 15U);
}

BOOST_AUTO_TEST_CASE(what_is_not_gathered_is_counted_where_the_provider_reports_nothing) {
  stage on(providers({"a"}));
  chat_request request = stage::question();
  request.gather = false;
  const auto n = on.stream(request);
  on.network->begin_stream();
  for (int word = 0; word != 100; ++word)
    on.network->send(piece(" hello"));
  on.network->send(R"(data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
                   "\n\ndata: [DONE]\n\n");
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->usage.source == metering::estimated));
  BOOST_TEST(on.replies[n]->usage.completion_tokens >= 80U);
  BOOST_TEST(on.replies[n]->usage.prompt_tokens > 0U);
}

BOOST_AUTO_TEST_CASE(while_a_batch_is_not_answered_no_other_comes_and_nothing_is_granted) {
  stage on(providers({"a"}));
  const auto n = on.stream();
  on.streams[n]->stalls = true;
  on.network->begin_stream();
  on.network->send(piece(std::string(20'000, 'a')));
  on.run();
  BOOST_TEST(on.streams[n]->batches == 1U);
  const auto granted = on.network->granted;
  for (int more = 0; more != 10; ++more) {
    on.network->send(piece(std::string(20'000, 'b')));
    on.run();
  }
  BOOST_TEST(on.streams[n]->batches == 1U);
  BOOST_TEST(on.network->granted == granted);
  caf::anon_send(on.streams[n]->handle, tests::go_on{});
  on.run();
  BOOST_TEST(on.streams[n]->batches == 2U); // all that came meanwhile
  BOOST_TEST(on.streams[n]->text().size() == 220'000U);
  BOOST_TEST(on.network->granted > granted);
  on.network->send(finish);
  on.run();
  BOOST_TEST(on.replies[n]->content.size() == 220'000U);
}

BOOST_AUTO_TEST_CASE(a_sink_that_ends_or_refuses_cancels_its_call_and_it_is_booked) {
  for (const bool dies : {true, false}) {
    stage on(providers({"a", "b"}));
    const auto n = on.stream();
    on.network->begin_stream();
    on.streams[n]->refuses = !dies;
    on.network->send(piece("Hello there"));
    on.run();
    if (dies) {
      BOOST_TEST(on.network->cancelled == 0U);
      caf::anon_send_exit(on.streams[n]->handle, caf::exit_reason::kill);
      on.run();
    } else {
      BOOST_REQUIRE(on.replies[n].has_value());
      BOOST_TEST((on.replies[n]->error->type == errc::cancelled));
    }
    BOOST_TEST(on.network->cancelled == 1U);
    BOOST_TEST(on.network->wire.empty()); // nobody else is asked
    BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
    const usage_record& record = on.books().front();
    BOOST_TEST((record.state == record_state::unknown));
    BOOST_TEST((record.error_type == errc::cancelled));
    BOOST_TEST(record.usage.completion_tokens >= 2U); // of what had come
    BOOST_TEST(record.cost_limit.has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_sink_that_ends_before_the_head_comes_cancels_its_call_too) {
  stage on(providers({"a"}));
  const auto n = on.stream();
  caf::anon_send_exit(on.streams[n]->handle, caf::exit_reason::kill);
  on.run();
  BOOST_TEST(on.network->cancelled == 1U);
  BOOST_TEST(on.books().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_call_is_cancelled_by_its_id_streamed_or_whole) {
  for (const bool streamed : {true, false}) {
    stage on(providers({"a", "b"}));
    chat_request request = stage::question();
    request.id = some_id();
    const auto n = streamed ? on.stream(request) : on.call(request);
    if (streamed)
      on.network->begin_stream();
    caf::anon_send(on.manager, cancel_call{some_id()});
    on.run();
    BOOST_REQUIRE(on.replies[n].has_value());
    BOOST_TEST((on.replies[n]->error->type == errc::cancelled));
    BOOST_TEST((on.replies[n]->metadata.call == some_id()));
    BOOST_TEST(on.network->cancelled == 1U);
    BOOST_TEST(on.network->wire.empty());
    BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
    BOOST_TEST((on.books().front().error_type == errc::cancelled));
  }
}

BOOST_AUTO_TEST_CASE(an_id_that_is_in_flight_is_not_taken_twice) {
  stage on(providers({"a"}));
  chat_request request = stage::question();
  request.id = some_id();
  const auto first = on.call(request);
  const auto second = on.call(request);
  BOOST_REQUIRE(on.replies[second].has_value());
  BOOST_TEST((on.replies[second]->error->type == errc::invalid_request));
  BOOST_TEST(on.network->complete());
  on.run();
  BOOST_TEST(on.replies[first]->success);
}

BOOST_AUTO_TEST_CASE(a_wait_of_an_earlier_call_of_the_same_id_starts_nothing) {
  stage on(providers({"a"}));
  chat_request request = stage::question();
  request.id = some_id();
  on.call(request);
  on.network->answer(503);
  on.run(); // in back-off
  caf::anon_send(on.manager, cancel_call{some_id()});
  on.run();
  const auto second = on.call(request);
  on.advance(20s);
  BOOST_TEST(on.network->wire.size() == 1U);
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[second]->success);
  BOOST_TEST(on.replies[second]->metadata.attempts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(before_the_first_delta_another_provider_may_answer_and_after_it_none) {
  for (const bool told : {false, true}) {
    stage on(providers({"a", "b"}));
    const auto n = on.stream();
    on.network->begin_stream();
    on.network->send(told ? piece("Hel") : std::string(": working\n\n"));
    on.run();
    on.network->send(R"(data: {"error":{"message":"Overloaded","type":"overloaded_error","code":503}})"
                     "\n\n");
    on.run();
    end_well(on);
    on.advance(30s);
    if (told) {
      BOOST_REQUIRE(on.replies[n].has_value());
      BOOST_TEST((on.replies[n]->error->type == errc::server_error));
      BOOST_TEST(on.replies[n]->metadata.attempts.size() == 1U);
      BOOST_TEST(on.network->wire.empty());
    } else {
      BOOST_REQUIRE_EQUAL(on.network->wire.size(), 1U);
      on.network->begin_stream();
      on.network->send(piece("Hello") + finish);
      on.run();
      BOOST_TEST(on.replies[n]->success);
      BOOST_TEST(on.streams[n]->text() == "Hello");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_cut_is_a_network_failure_and_no_half_tool_call) {
  stage on(providers({"a"}));
  const auto n = on.stream();
  on.network->begin_stream();
  on.network->send(R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":)"
                   R"({"name":"f","arguments":"{\"a\":"}}]}}]})"
                   "\n\n");
  on.run();
  end_well(on);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::network));
  BOOST_TEST(on.replies[n]->tool_calls.empty());
}

BOOST_AUTO_TEST_CASE(the_first_token_and_the_whole_stream_have_limits_of_their_own) {
  auto config = providers({"a"});
  config->providers[0].timeout = 2s;
  config->providers[0].stream_timeout = 10s;
  config->retry.rules.clear();
  stage on(config);
  const auto n = on.stream();
  BOOST_TEST((on.network->wire.front().total == 10s));
  on.network->begin_stream();
  on.network->send(": working\n\n"); // a sign of life, and no token
  on.advance(1900ms);
  BOOST_TEST(!on.replies[n].has_value());
  on.advance(300ms);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::timeout));
  BOOST_TEST(on.network->cancelled == 1U);
  const auto second = on.stream();
  on.network->begin_stream();
  on.network->send(piece("Hel"));
  on.advance(5s);
  BOOST_TEST(!on.replies[second].has_value());
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_no_stream_comes_as_deltas_all_the_same) {
  stage on(providers({"a"}));
  const auto n = on.stream();
  on.network->wire.front().receiver->on_head({200, {{"Content-Type", "application/json"}}, {}});
  on.network->send(tests::completion_of(10, 5));
  on.run();
  end_well(on);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.streams[n]->text() == "yes");
}

BOOST_AUTO_TEST_CASE(an_error_status_is_retried_like_any_other) {
  stage on(providers({"a"}));
  const auto n = on.stream();
  on.network->answer(429, "{}", {{"retry-after", "1"}});
  on.run();
  on.advance(1100ms);
  BOOST_REQUIRE_EQUAL(on.network->wire.size(), 1U);
  on.network->begin_stream();
  on.network->send(piece("Hello") + finish);
  on.run();
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.replies[n]->metadata.attempts.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_provider_that_dies_in_mid_stream_is_answered_for) {
  stage on(providers({"a"}));
  const auto n = on.stream();
  on.network->begin_stream();
  on.network->send(piece("Hel"));
  on.run();
  on.network->throws = true; // at the next post
  on.call();
  on.network->throws = false;
  on.advance(10s);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::network));
  BOOST_TEST(on.network->wire.size() <= 1U);
}

BOOST_AUTO_TEST_SUITE_END()
