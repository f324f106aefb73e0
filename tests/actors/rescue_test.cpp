// Streams that break after some of them was shown, under each rescue policy. Time is virtual.
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

std::shared_ptr<snapshot> two(bool prefill = true) {
  auto config = providers({"a", "b"});
  for (provider_config& each : config->providers)
    each.models.front().supports_prefill = prefill;
  return config;
}

std::size_t begin(stage& on, rescue_policy policy) {
  chat_request request = stage::question();
  request.rescue = policy;
  return on.stream(std::move(request));
}

/// Sends some text, then cuts the stream.
void cut_after(stage& on, const std::string& text) {
  on.network->begin_stream();
  on.network->send(piece(text));
  on.run();
  on.network->fail(errc::network, outcome::unknown);
  on.run();
  on.advance(2s);
}

void answer_with(stage& on, const std::string& text) {
  on.network->begin_stream();
  on.network->send(piece(text) + finish);
  on.run();
}

std::string asked(const stage& on) {
  std::string text;
  for (const std::string& each : on.network->hosts)
    text += each;
  return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(rescue_test)

BOOST_AUTO_TEST_CASE(fail_tells_what_was_shown_and_asks_nobody_else) {
  stage on(two());
  const auto n = begin(on, rescue_policy::fail);
  cut_after(on, "Once upon ");
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(!on.replies[n]->success);
  BOOST_TEST((on.replies[n]->error->type == errc::network));
  BOOST_TEST(on.replies[n]->content == "Once upon ");
  BOOST_TEST(on.streams[n]->text() == "Once upon ");
  BOOST_TEST(asked(on) == "a");
  BOOST_TEST((on.books().front().state == record_state::unknown));
}

BOOST_AUTO_TEST_CASE(buffer_shows_nothing_until_the_reply_is_whole) {
  stage on(two());
  const auto n = begin(on, rescue_policy::buffer);
  cut_after(on, "Once upon ");
  BOOST_TEST(on.streams[n]->batches == 0U);
  on.network->begin_stream();
  on.network->send(piece("There "));
  on.run();
  BOOST_TEST(on.streams[n]->batches == 0U);
  on.network->send(piece("was") + finish);
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.replies[n]->content == "There was");
  BOOST_TEST(on.streams[n]->text() == "There was");
  BOOST_TEST(asked(on) == "ab");
  BOOST_REQUIRE_EQUAL(on.books().size(), 2U);
}

BOOST_AUTO_TEST_CASE(restart_tells_the_sink_to_drop_what_it_has) {
  stage on(two());
  const auto n = begin(on, rescue_policy::restart);
  cut_after(on, "Once upon ");
  BOOST_REQUIRE(!on.streams[n]->deltas.empty());
  BOOST_TEST((on.streams[n]->deltas.back().type == chat_delta::kind::restart));
  answer_with(on, "There was");
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.replies[n]->content == "There was");
  BOOST_TEST(on.streams[n]->deltas.back().text == "There was");
  BOOST_TEST(on.books().size() == 2U);
}

BOOST_AUTO_TEST_CASE(nobody_begins_anew_before_the_sink_has_heard_of_it) {
  stage on(two());
  const auto n = begin(on, rescue_policy::restart);
  on.network->begin_stream();
  on.network->send(piece("Once"));
  on.run();
  on.streams[n]->stalls = true;
  on.network->fail(errc::network, outcome::unknown);
  on.run();
  on.advance(5s);
  BOOST_TEST(asked(on) == "a");
  on.streams[n]->stalls = false;
  caf::anon_send(on.streams[n]->handle, tests::go_on{});
  on.run();
  BOOST_TEST(asked(on) == "ab");
}

BOOST_AUTO_TEST_CASE(continue_goes_on_from_what_was_shown) {
  stage on(two());
  const auto n = begin(on, rescue_policy::continue_stream);
  cut_after(on, "Once upon ");
  BOOST_TEST(asked(on) == "ab");
  const std::string& body = on.network->wire.front().request.body;
  BOOST_TEST(body.find(R"("role":"assistant","content":"Once upon")") != std::string::npos, body);
  answer_with(on, " a time");
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.replies[n]->content == "Once upon a time");
  BOOST_TEST(on.streams[n]->text() == "Once upon a time");
  BOOST_TEST(on.books().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_refused_prefill_is_an_honest_failure_with_the_text) {
  stage on(two());
  const auto n = begin(on, rescue_policy::continue_stream);
  cut_after(on, "Once upon ");
  on.network->answer(400, R"({"error":{"message":"prefill is not supported"}})");
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::network));
  BOOST_TEST(on.replies[n]->error->message.find("could not be gone on from") != std::string::npos);
  BOOST_TEST(on.replies[n]->content == "Once upon ");
  BOOST_TEST(on.streams[n]->text() == "Once upon ");
}

BOOST_AUTO_TEST_CASE(a_model_that_takes_no_prefill_is_not_asked_to_go_on) {
  stage on(two(false));
  const auto n = begin(on, rescue_policy::continue_stream);
  cut_after(on, "Once");
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(!on.replies[n]->success);
  BOOST_TEST(on.replies[n]->content == "Once");
  BOOST_TEST(asked(on) == "a");
}

BOOST_AUTO_TEST_CASE(a_stream_that_broke_twice_goes_on_from_both_parts) {
  auto config = two();
  config->retry.max_unknown_repeats = 2;
  stage on(config);
  const auto n = begin(on, rescue_policy::continue_stream);
  cut_after(on, "One ");
  cut_after(on, "two ");
  answer_with(on, "three");
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->content == "One two three");
  BOOST_TEST(on.streams[n]->text() == "One two three");
  BOOST_TEST(on.books().size() == 3U);
}

BOOST_AUTO_TEST_CASE(space_that_a_continuation_repeats_is_shown_and_told_once) {
  auto config = two();
  config->retry.max_unknown_repeats = 2;
  stage on(config);
  const auto n = begin(on, rescue_policy::continue_stream);
  cut_after(on, "One ");
  cut_after(on, " two ");
  answer_with(on, " three");
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->content == "One two three");
  BOOST_TEST(on.streams[n]->text() == "One two three");
}

BOOST_AUTO_TEST_CASE(a_half_told_tool_call_is_not_gone_on_from) {
  stage on(two());
  const auto n = begin(on, rescue_policy::continue_stream);
  cut_after(on,
            R"(x"},"finish_reason":null}]})"
            "\n\n"
            R"(data: {"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":)"
            R"({"name":"f","arguments":"{"}}],"content":"y)");
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(!on.replies[n]->success);
  BOOST_TEST(asked(on) == "a");
  BOOST_TEST(on.replies[n]->content == "xy"); // with the text all the same
}

BOOST_AUTO_TEST_CASE(a_stream_that_its_deadline_ends_tells_what_was_shown) {
  stage on(two());
  chat_request request = stage::question();
  request.timeout = 5s;
  const auto n = on.stream(request);
  on.network->begin_stream();
  on.network->send(piece("Once upon "));
  on.run();
  on.advance(5s);
  on.network->fail(errc::timeout, outcome::unknown); // the network keeps the deadline
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::timeout));
  BOOST_TEST(on.replies[n]->content == "Once upon ");
}

BOOST_AUTO_TEST_CASE(a_sink_hears_nothing_after_its_call_was_cancelled) {
  stage on(two());
  chat_request request = stage::question();
  request.id = call_id{make_id128(1, 2, 3)};
  const auto n = on.stream(request);
  on.network->begin_stream();
  on.network->send(piece("Once"));
  on.run();
  const auto end = on.network->wire.front();
  on.network->late_reply = "";
  end.receiver->on_body(piece(" upon")); // in the inbox
  caf::anon_send(on.manager, cancel_call{call_id{make_id128(1, 2, 3)}});
  on.run();
  end.receiver->on_body(piece(" a time"));
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  const std::string at_the_end = on.streams[n]->text();
  on.advance(1s);
  BOOST_TEST(on.streams[n]->text() == at_the_end);
  BOOST_TEST(at_the_end.find("time") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_routes_policy_counts_for_calls_that_name_none) {
  auto config = two();
  route_config way;
  way.name = model_name("m");
  way.candidates = {{provider_name("a"), model_name("m")}, {provider_name("b"), model_name("m")}};
  way.rescue = rescue_policy::restart;
  config->routes.push_back(way);
  stage on(config);
  on.stream();
  cut_after(on, "Once");
  BOOST_TEST(asked(on) == "ab");
}

BOOST_AUTO_TEST_SUITE_END()
