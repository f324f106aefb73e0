// Streams that are not as the reference has them, and bodies and events of any shape at all.
#include "anthropic_cases.hpp"

using namespace anthropic_cases;

namespace {

const std::string start = event(
    R"({"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":7,"output_tokens":1}}})");
const std::string stop = event(R"({"type":"message_stop"})");

std::string ended(std::string_view reason) {
  return event(R"({"type":"message_delta","delta":{"stop_reason":")" + std::string(reason) +
               R"("},"usage":{"output_tokens":9}})") +
         stop;
}

std::string block(int index, std::string_view json) {
  return event(R"({"type":"content_block_start","index":)" + std::to_string(index) + R"(,"content_block":)" +
               std::string(json) + "}");
}

std::string delta(int index, std::string_view json) {
  return event(R"({"type":"content_block_delta","index":)" + std::to_string(index) + R"(,"delta":)" +
               std::string(json) + "}");
}

std::string block_stop(int index) {
  return event(R"({"type":"content_block_stop","index":)" + std::to_string(index) + "}");
}

const std::string call_start = block(0, R"({"type":"tool_use","id":"t1","name":"f","input":{}})");

std::string piece(std::string_view json_text) {
  return delta(0, R"({"type":"input_json_delta","partial_json":")" + std::string(json_text) + R"("})");
}

} // namespace

BOOST_AUTO_TEST_SUITE(anthropic_stream_test)

BOOST_AUTO_TEST_CASE(the_type_may_stand_in_the_event_line_alone) {
  const auto told =
      listen("event: message_start\ndata: {\"message\":{\"model\":\"m\"}}\n\n"
             "event: content_block_start\ndata: {\"index\":0,\"content_block\":{\"type\":\"text\"}}\n\n"
             "event: content_block_delta\ndata: {\"index\":0,\"delta\":{\"type\":\"text_delta\","
             "\"text\":\"four\"}}\n\nevent: message_stop\ndata: {}\n\n");
  BOOST_REQUIRE(told.reply.has_value());
  BOOST_TEST(told.reply->content == "four");
}

BOOST_AUTO_TEST_CASE(arguments_lose_the_space_between_tokens_and_nothing_else) {
  const auto told =
      listen(start + call_start + piece("") + piece(R"({\"a b\" : \" x \\)") +
             piece(R"(\"  y\", \n \"n\": 1.50e3, \"u\": \"\\u00e9\" })") + block_stop(0) + ended("tool_use"));
  BOOST_REQUIRE(told.reply.has_value());
  BOOST_TEST(told.reply->tool_calls.at(0).arguments == R"({"a b":" x \"  y","n":1.50e3,"u":"\u00e9"})");
  BOOST_TEST(said(told.deltas, chat_delta::kind::tool_call) == told.reply->tool_calls.at(0).arguments);
}

BOOST_AUTO_TEST_CASE(an_input_that_was_not_streamed_is_the_one_of_the_start) {
  const auto told =
      listen(start + block(3, R"({"type":"tool_use","id":"t1","name":"f","input":{"a":1}})") + block_stop(3) +
             block(4, R"({"type":"tool_use","id":"t2","name":"g"})") + block_stop(4) + ended("tool_use"));
  BOOST_REQUIRE(told.reply.has_value());
  BOOST_REQUIRE(told.reply->tool_calls.size() == 2U);
  BOOST_TEST(told.reply->tool_calls[0].arguments == R"({"a":1})");
  BOOST_TEST(told.reply->tool_calls[1].arguments == "{}");
  BOOST_TEST(said(told.deltas, chat_delta::kind::tool_call, 1) == "{}");
}

BOOST_AUTO_TEST_CASE(a_call_that_was_cut_is_never_told_as_a_call) {
  const std::string half = start + call_start + piece(R"({\"city\":\"Par)") + block_stop(0);
  for (const char* reason :
       {"max_tokens", "model_context_window_exceeded", "refusal", "end_turn", "new_word"})
    BOOST_TEST(listen(half + ended(reason)).reply.value().tool_calls.empty(), reason);
  // Cut before its first argument: an empty input would be another call.
  const std::string empty = start + call_start;
  for (const std::string& body :
       {empty + block_stop(0) + ended("max_tokens"), empty + ended("end_turn"), empty + "data: [DONE]\n\n",
        start + call_start + piece("{") + ended("tool_use")})
    BOOST_TEST(listen(body).reply.value().tool_calls.empty());
  // Whole ones stay, before and at the end.
  const auto two =
      listen(start + call_start + piece("{}") + block_stop(0) +
             block(1, R"({"type":"tool_use","id":"t2","name":"g","input":{}})") +
             delta(1, R"({"type":"input_json_delta","partial_json":"{\"a\":"})") + ended("max_tokens"));
  BOOST_REQUIRE(two.reply.value().tool_calls.size() == 1U);
  BOOST_TEST(two.reply->tool_calls[0].id == "t1");
  BOOST_TEST((two.reply->finish_reason == finish_reason::length));
  // Of a whole body, the call that stands last when the tokens ran out.
  const auto body = decoded(R"({"content":[{"type":"tool_use","id":"a","name":"f","input":{"x":1}},
    {"type":"tool_use","id":"b","name":"g","input":{}}],"stop_reason":"max_tokens"})");
  BOOST_REQUIRE(body.value().tool_calls.size() == 1U);
  BOOST_TEST(body->tool_calls[0].id == "a");
}

BOOST_AUTO_TEST_CASE(arguments_that_a_model_got_wrong_are_told_as_they_are) {
  const auto told = listen(start + call_start + piece(R"({\"a\": 1 2})") + block_stop(0) + ended("tool_use"));
  BOOST_REQUIRE(told.reply.value().tool_calls.size() == 1U);
  BOOST_TEST(told.reply->tool_calls[0].arguments == R"({"a":1 2})");
}

BOOST_AUTO_TEST_CASE(later_figures_of_the_usage_count) {
  const auto told = listen(
      start + block(0, R"({"type":"text","text":"hi"})") +
      event(
          R"({"type":"message_delta","delta":{},"usage":{"output_tokens":3,"cache_read_input_tokens":5}})") +
      event(
          R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4,"input_tokens":8}})") +
      stop);
  const token_usage& usage = told.reply.value().usage;
  BOOST_TEST(usage.prompt_tokens == 13U);
  BOOST_TEST(usage.completion_tokens == 4U);
  BOOST_TEST(told.usage.prompt_tokens == 13U);
  // Only the start told: its figure for the output is a placeholder.
  const auto short_one = listen(start + block(0, R"({"type":"text","text":"twelve bytes"})") + stop);
  BOOST_TEST((short_one.reply.value().usage.source == metering::estimated));
  BOOST_TEST(short_one.reply->usage.prompt_tokens == 7U);
  BOOST_TEST(short_one.reply->usage.completion_tokens == 3U);
}

BOOST_AUTO_TEST_CASE(impossible_figures_are_estimated_and_never_booked_as_they_are) {
  for (const char* usage :
       {R"({"input_tokens":-1,"output_tokens":1})", R"({"input_tokens":1.5,"output_tokens":1})",
        R"({"input_tokens":"12","output_tokens":1})", R"({"output_tokens":9007199254740993})", "{}", "[]",
        "7", R"({"input_tokens":3})"}) {
    const auto reply =
        decoded(R"({"content":[{"type":"text","text":"four"}],"usage":)" + std::string(usage) + "}");
    BOOST_TEST((reply.value().usage.source == metering::estimated), usage);
    BOOST_TEST(reply->usage.completion_tokens == 1U, usage);
  }
}

BOOST_AUTO_TEST_CASE(an_error_in_a_stream_ends_it_with_its_class) {
  for (const char* name : {"", "event: error\n"}) {
    const auto told = listen(
        start + block(0, R"({"type":"text","text":"a"})") + name +
        event(
            R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"})"));
    BOOST_REQUIRE(told.reply.has_error());
    BOOST_TEST((told.reply.error().type == errc::server_error));
    BOOST_TEST(told.reply.error().retryable);
    BOOST_TEST(told.reply.error().request_id == "req_1");
    BOOST_TEST((told.reply.error().fate == outcome::unknown));
    BOOST_TEST(said(told.deltas, chat_delta::kind::content) == "a");
  }
  const auto other = listen(start + event(R"({"error":{"message":"slow down","code":429}})"));
  BOOST_TEST((other.reply.error().type == errc::rate_limit));
}

BOOST_AUTO_TEST_CASE(what_nobody_knows_is_passed_over_and_kept_where_it_can_be) {
  const auto told = listen(
      start + event(R"({"type":"news","x":1})") + block(0, R"({"type":"hologram","id":"h"})") +
      block_stop(0) + block(1, R"({"type":"sketch"})") + delta(1, R"({"type":"sketch_delta","ink":"."})") +
      delta(1, R"({"type":"text_delta","text":"hi"})") +
      delta(1, R"({"type":"citations_delta","citation":{}})") + ended("end_turn"));
  BOOST_REQUIRE(told.reply.has_value());
  BOOST_TEST(told.reply->content == "hi");
  BOOST_REQUIRE(told.reply->parts.size() == 2U); // of the sketch nobody knows how its pieces go together
  BOOST_TEST(std::get<raw_part>(told.reply->parts[0]).json == R"({"type":"hologram","id":"h"})");
}

BOOST_AUTO_TEST_CASE(a_signature_replaces_the_one_before) {
  const auto told = listen(start + block(0, R"({"type":"thinking","thinking":"hm","signature":"a"})") +
                           delta(0, R"({"type":"signature_delta","signature":"b"})") +
                           delta(0, R"({"type":"signature_delta","signature":"c"})") + ended("end_turn"));
  BOOST_TEST(std::get<reasoning_part>(told.reply.value().parts.at(0)).signature == "c");
}

BOOST_AUTO_TEST_CASE(a_stream_without_a_message_is_no_reply) {
  for (const std::string& body :
       {std::string("data: [DONE]\n\n"), stop, event(R"({"type":"ping"})") + stop}) {
    const auto reply = listen(body).reply;
    BOOST_REQUIRE(reply.has_error());
    BOOST_TEST((reply.error().type == errc::server_error));
  }
}

BOOST_AUTO_TEST_CASE(blocks_without_end_are_bounded) {
  const auto chat = make();
  const auto decoder = chat->decode_stream({200, {{"content-type", "text/event-stream"}}, {}}, {});
  std::string many;
  for (int n = 0; n != 1000; ++n)
    many += block(n, R"({"type":"text","text":""})");
  std::vector<chat_delta> deltas;
  bool more = decoder->feed(start, deltas);
  std::size_t rounds = 0;
  while (more && ++rounds < 1000)
    more = decoder->feed(many, deltas);
  BOOST_TEST(!more);
  const auto reply = decoder->finish(deltas);
  BOOST_REQUIRE(reply.has_error());
  BOOST_TEST((reply.error().type == errc::server_error));
}

BOOST_AUTO_TEST_CASE(values_of_any_kind_in_any_place_never_harm) {
  const auto chat = make();
  std::size_t tried = 0;
  for_each_change(R"({"id":"m","type":"message","model":"m","content":[{"type":"text","text":"a"},
    {"type":"thinking","thinking":"b","signature":"c"},{"type":"redacted_thinking","data":"d"},
    {"type":"tool_use","id":"t","name":"f","input":{"a":[1]}},{"type":"x","y":{}}],"stop_reason":"tool_use",
    "stop_sequence":"s","stop_details":{"explanation":"e"},"usage":{"input_tokens":1,"output_tokens":2,
    "cache_creation":{"ephemeral_1h_input_tokens":3},"output_tokens_details":{"thinking_tokens":1}}})",
                  [&](const std::string& body) {
                    const auto reply = chat->decode_chat({200, {}, body}, {});
                    BOOST_REQUIRE(reply.has_value() || reply.error().type != errc::none);
                    ++tried;
                  });
  for (
      const std::string& changed :
      {std::string(R"({"type":"message_start","message":{"id":"m","model":"m","usage":{"input_tokens":1}}})"),
       std::string(
           R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":1}}})"),
       std::string(
           R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"t","signature":"s"}})"),
       std::string(
           R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}})"),
       std::string(R"({"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"{"}})"),
       std::string(
           R"({"type":"message_delta","delta":{"stop_reason":"tool_use","stop_details":{"explanation":"e"}},"usage":{"output_tokens":3}})")})
    for_each_change(changed, [&](const std::string& odd) {
      const auto told = listen(event(odd) + start + call_start + event(odd) + piece("{}") + event(odd) +
                               block_stop(0) + event(odd) + ended("tool_use") + event(odd));
      BOOST_REQUIRE(told.reply.has_value() || told.reply.error().type != errc::none);
      if (told.reply)
        for (const tool_call& call : told.reply->tool_calls)
          BOOST_REQUIRE_MESSAGE(!call.id.empty(), odd);
      ++tried;
    });
  BOOST_TEST(tried > 700U);
}

BOOST_AUTO_TEST_SUITE_END()
