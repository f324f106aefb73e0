// Streams of OpenAI's Responses API that leave things out or say them twice: what is missed is mended once.
// Events follow OpenAI's API reference.
#include "tests/protocols/responses_reading.hpp"

using namespace responses_reading;

BOOST_AUTO_TEST_SUITE(responses_mending_test)

BOOST_AUTO_TEST_CASE(an_event_may_say_its_type_in_its_name_alone) {
  http_response named = events({});
  named.body = "event: response.output_text.delta\ndata: {\"output_index\":0,\"delta\":\"Hi\"}\n\n"
               "event: response.completed\ndata: {\"status\":\"completed\",\"model\":\"m\","
               "\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}\n\n";
  const auto seen = stream(named, whole); // and no member `response` in the last event
  BOOST_REQUIRE(seen.reply.has_value());
  BOOST_TEST(seen.reply->content == "Hi");
  BOOST_TEST(seen.reply->model.str() == "m");
  BOOST_TEST(seen.reply->usage.total_tokens == 5U);
  BOOST_TEST((seen.reply->usage.source == metering::reported));
}

BOOST_AUTO_TEST_CASE(a_last_event_without_a_status_is_taken_by_its_type) {
  const auto last = [](const std::string& type) {
    return stream(events({R"({"type":"response.)" + type + R"(","response":{}})"}), whole).reply;
  };
  BOOST_TEST((last("completed")->finish_reason == finish_reason::stop));
  BOOST_TEST(last("completed")->metadata.raw_finish_reason == "completed");
  BOOST_TEST((last("incomplete")->finish_reason == finish_reason::unknown));
  BOOST_TEST(last("incomplete")->metadata.raw_finish_reason == "incomplete");
  BOOST_REQUIRE(last("failed").has_error());
  BOOST_TEST((last("failed").error().type == errc::server_error));
}

BOOST_AUTO_TEST_CASE(the_mark_of_the_end_alone_makes_a_whole_reply_of_estimated_usage) {
  const auto seen = stream(
      events({R"({"type":"response.created","response":{"id":"resp_1","model":"m"}})",
              R"({"type":"response.output_text.delta","output_index":0,"delta":"some words here"})",
              R"({"type":"response.output_item.done","output_index":1,"item":{"type":"web_search_call"}})",
              "[DONE]"}),
      whole);
  BOOST_REQUIRE(seen.reply.has_value());
  BOOST_TEST((seen.reply->usage.source == metering::estimated));
  BOOST_TEST(seen.reply->usage.completion_tokens > 0U);
  BOOST_TEST(seen.reply->metadata.request_id == "resp_1");
  BOOST_TEST(seen.reply->model.str() == "m");
  BOOST_TEST(seen.reply->parts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_first_id_and_the_last_model_count) {
  const auto seen = stream(events({R"({"type":"response.created","response":{"id":"first","model":"a"}})",
                                   R"({"type":"response.completed","response":{"id":"last","model":"b"}})"}),
                           whole);
  BOOST_TEST(seen.reply->metadata.request_id == "first");
  BOOST_TEST(seen.reply->model.str() == "b");
}

BOOST_AUTO_TEST_CASE(a_whole_text_mends_only_what_it_begins_with) {
  const auto after = [](const std::string& piece, const std::string& kind, const std::string& done) {
    const std::string member = kind == "refusal" ? "refusal" : "text";
    const std::string event =
        R"({"type":"response.)" + kind + R"(.delta","output_index":0,"delta":")" + piece;
    const std::string item =
        R"({"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":")" +
        kind + R"(",")" + member + R"(":")" + done + R"("}]}})";
    return stream(events({event + "\"}", item, completed}), whole);
  };
  BOOST_TEST(after("Hel", "output_text", "Hello").content == "Hello");
  BOOST_TEST(after("Hal", "output_text", "Hello").content == "Hal");
  BOOST_TEST(after("Hello", "output_text", "Hel").content == "Hello");
  BOOST_TEST(after("No", "refusal", "No, sir").refusal == "No, sir");
  BOOST_TEST(after("Na", "refusal", "No, sir").refusal == "Na");
  BOOST_TEST(after("No", "refusal", "No, sir").reply->refusal == "No, sir");
}

BOOST_AUTO_TEST_CASE(each_piece_of_each_thought_is_told_once_and_is_a_paragraph) {
  const auto piece = [](const char* kind, const char* part, const char* place, const char* text) {
    return std::string(R"({"type":"response.)") + kind + R"(.delta",)" + place + R"(,")" + part +
           R"(":0,"delta":")" + text + "\"}";
  };
  const auto done = [](const char* place, const char* text) {
    return std::string(R"({"type":"response.output_item.done",)") + place +
           R"(,"item":{"type":"reasoning","summary":[{"type":"summary_text","text":")" + text + R"("}]}})";
  };
  const char* const first = R"("output_index":0)";
  const char* const second = R"("output_index":1)";
  const char* const third = R"("output_index":2)";
  const auto seen = stream(events({piece("reasoning_summary_text", "summary_index", first, "a"),
                                   piece("reasoning_text", "content_index", first, "b"), done(first, "a"),
                                   piece("reasoning_text", "content_index", second, "c"), done(second, "c"),
                                   done(third, "whole"), completed}),
                           whole);
  BOOST_TEST(seen.reasoning == "a\n\nb\n\nc\n\nwhole");
  BOOST_TEST(seen.reply->reasoning == seen.reasoning);
  BOOST_TEST(seen.reply->parts.size() == 3U);
}

BOOST_AUTO_TEST_CASE(arguments_are_whole_however_they_are_told) {
  const auto added = [](const char* type, const char* member, const char* value) {
    return std::string(R"({"type":"response.output_item.added","output_index":0,"item":{"type":")") + type +
           R"(","call_id":"c","name":"f",")" + member + R"(":)" + value + "}}";
  };
  const auto only = [](const result<chat_reply>& reply) {
    BOOST_REQUIRE(reply.has_value());
    BOOST_REQUIRE_EQUAL(reply->tool_calls.size(), 1U);
    return reply->tool_calls[0];
  };
  // At its beginning an item may tell what is told again in pieces.
  const std::string early = added("function_call", "arguments", R"("{")");
  const auto pieces = stream(
      events({early, R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":"{"})",
              R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":"}"})",
              completed}),
      whole);
  BOOST_TEST((only(pieces.reply) == tool_call{"c", "f", "{}"}));
  // No piece at all, and pieces of which one was lost.
  const std::string begun = added("function_call", "arguments", R"("")");
  const std::string_view done =
      R"({"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1}"})";
  const auto at_once = stream(events({begun, done, completed}), whole);
  BOOST_TEST((only(at_once.reply) == tool_call{"c", "f", R"({"a":1})"}));
  BOOST_TEST(at_once.arguments == R"({"a":1})");
  const auto lost = stream(
      events({begun, R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":"1}"})",
              done, completed}),
      whole);
  BOOST_TEST((only(lost.reply) == tool_call{"c", "f", R"({"a":1})"}));
  // A custom tool's input with its item, or without one: each says of which kind it is.
  for (
      const char* event :
      {R"({"type":"response.output_item.done","output_index":0,"item":{"type":"custom_tool_call","call_id":"c","name":"f","input":"x"}})",
       R"({"type":"response.custom_tool_call_input.done","output_index":0,"input":"x"})",
       R"({"type":"response.custom_tool_call_input.delta","output_index":0,"delta":"x"})"}) {
    const auto custom = stream(events({event, completed}), whole);
    BOOST_TEST(only(custom.reply).custom, event);
    BOOST_TEST(only(custom.reply).arguments == "x", event);
  }
}

BOOST_AUTO_TEST_CASE(the_last_event_completes_what_no_item_has_ended) {
  const std::string_view output =
      R"({"type":"response.completed","response":{"status":"completed","output":[)"
      R"({"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"Hm."}]},)"
      R"({"type":"message","content":[{"type":"output_text","text":"Hello"}]},)"
      R"({"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}]}})";
  const std::string_view begun =
      R"({"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","call_id":"c","name":"f","arguments":""}})";
  const auto seen = stream(
      events(
          {R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"Hm."})",
           R"({"type":"response.output_text.delta","output_index":1,"delta":"Hello"})", begun,
           R"({"type":"response.function_call_arguments.delta","output_index":2,"delta":"{\"a\""})", output}),
      whole);
  BOOST_REQUIRE(seen.reply.has_value());
  BOOST_TEST(seen.reply->content == "Hello");
  BOOST_TEST(seen.reply->reasoning == "Hm.");
  BOOST_REQUIRE_EQUAL(seen.reply->tool_calls.size(), 1U);
  BOOST_TEST((seen.reply->tool_calls[0] == tool_call{"c", "f", R"({"a":1})"}));
  BOOST_TEST(seen.reply->parts.size() == 2U); // the thought and the text
  // A call of another number than its place in the output is not told again.
  const auto odd = stream(
      events(
          {R"({"type":"response.output_item.added","output_index":7,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}})",
           output}),
      whole);
  BOOST_TEST(odd.reply->tool_calls.size() == 1U);
  const auto refused = stream(
      events(
          {R"({"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"refusal","refusal":"No."}]}]}})"}),
      whole);
  BOOST_TEST(refused.refusal == "No.");
  BOOST_TEST(refused.reply->refusal == "No.");
  // What was told by items is not told again.
  const auto twice = stream(
      events(
          {R"({"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":[{"type":"output_text","text":"Hello"}]}})",
           output}),
      whole);
  BOOST_TEST(twice.content == "Hello");
  BOOST_TEST(twice.reply->reasoning.empty());
  BOOST_TEST(twice.reply->tool_calls.empty());
}

BOOST_AUTO_TEST_CASE(items_are_kept_by_their_number_and_references_where_they_are_stored) {
  const auto kept = [](const std::string& store) {
    const auto seen = stream(
        events(
            {R"({"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":[{"type":"output_text","text":"Hi"}]}})",
             R"({"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[]}})",
             R"({"type":"response.completed","response":{"status":"completed","store":)" + store + "}}"}),
        whole);
    BOOST_REQUIRE(seen.reply.has_value());
    return seen.reply->parts;
  };
  const std::vector<content_part> wanted{
      raw_part{api_kind::responses, R"({"type":"reasoning","id":"rs","summary":[]})"}, text_part{"Hi"}};
  BOOST_TEST((kept("true") == wanted));
  BOOST_TEST(kept("false").empty());
}

BOOST_AUTO_TEST_CASE(items_that_are_done_count_towards_the_longest_stream) {
  const auto decoder = make_responses()->decode_stream(events({}), {});
  std::vector<chat_delta> deltas;
  const std::string item =
      R"(data: {"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","encrypted_content":")" +
      std::string(1 << 20, 'A') + "\"}}\n\n";
  std::size_t fed = 0;
  while (fed != 100 && decoder->feed(item, deltas))
    ++fed;
  BOOST_TEST(fed < 40U); // of 32 MiB
  BOOST_TEST((decoder->finish(deltas).error().type == errc::server_error));
}

BOOST_AUTO_TEST_CASE(what_the_first_event_says_of_storing_holds_where_the_last_says_nothing) {
  const auto seen = stream(
      events(
          {R"({"type":"response.created","response":{"id":"r","store":false}})",
           R"({"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1"}})",
           R"({"type":"response.completed","response":{"status":"completed"}})"}),
      whole);
  BOOST_REQUIRE(seen.reply.has_value());
  BOOST_TEST(seen.reply->parts.empty()); // a reference to what nobody stored
}

BOOST_AUTO_TEST_CASE(the_mark_of_the_end_in_the_middle_of_a_call_is_a_cut) {
  const auto seen = stream(
      events({R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"city\":"})",
              "[DONE]"}),
      whole);
  BOOST_REQUIRE(seen.reply.has_error());
  BOOST_TEST((seen.reply.error().type == errc::network));
}

BOOST_AUTO_TEST_SUITE_END()
