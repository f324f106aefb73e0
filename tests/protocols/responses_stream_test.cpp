// Replies and streams of OpenAI's Responses API that nobody recorded: kept items, refusals, failures, odd
// servers. Events follow OpenAI's API reference.
#include "tests/protocols/responses_reading.hpp"

using namespace responses_reading;

BOOST_AUTO_TEST_SUITE(responses_stream_test)

BOOST_AUTO_TEST_CASE(what_must_go_back_is_kept_in_order_and_round_trips) {
  const auto reply = decode(
      R"({"status":"completed","output":[)"
      R"({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"One."},)"
      R"({"type":"summary_text","text":"Two."}],"encrypted_content":"gAAA"},)"
      R"({"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{}"},)"
      R"({"type":"web_search_call","id":"ws_1","status":"completed"},)"
      R"({"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Hi"}]},)"
      R"({"type":"custom_tool_call","id":"ctc_1","call_id":"call_2","name":"g","input":"a b"}]})");
  BOOST_REQUIRE(reply.has_value());
  BOOST_TEST(reply->content == "Hi");
  BOOST_TEST(reply->reasoning == "One.\n\nTwo.");
  BOOST_TEST((reply->finish_reason == finish_reason::tool_calls));
  BOOST_REQUIRE_EQUAL(reply->tool_calls.size(), 2U);
  BOOST_TEST((reply->tool_calls[0] == tool_call{"call_1", "f", "{}"}));
  BOOST_TEST((reply->tool_calls[1] == tool_call{"call_2", "g", "a b", true}));
  BOOST_REQUIRE_EQUAL(reply->parts.size(), 4U);
  BOOST_TEST((reply->parts[3] == content_part{text_part{"Hi"}}));

  chat_request next;
  next.messages.push_back(to_message(*reply));
  const auto encoded = make_responses()->encode_chat(next);
  BOOST_REQUIRE(encoded.has_value());
  const auto sent = json_document::parse(encoded->body);
  std::vector<std::string_view> order;
  for (const json_value& item : find_member(sent->root(), "input")->GetArray())
    order.push_back(text_of(find_member(item, find_member(item, "type") ? "type" : "role")));
  const std::vector<std::string_view> wanted{"reasoning", "function_call", "web_search_call", "assistant",
                                             "custom_tool_call"};
  BOOST_TEST(order == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_thought_that_nobody_stored_and_nobody_encrypted_is_not_kept) {
  const std::string thought = R"("output":[{"type":"reasoning","id":"rs_1","summary":[]},)"
                              R"({"type":"message","content":[{"type":"output_text","text":"Hi"}]}]})";
  BOOST_TEST(decode(R"({"status":"completed","store":false,)" + thought)->parts.empty());
  BOOST_TEST(decode(R"({"status":"completed","store":true,)" + thought)->parts.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_refusal_is_told_as_one) {
  const auto reply = decode(
      R"({"status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"No."}]}]})");
  BOOST_REQUIRE(reply.has_value());
  BOOST_TEST(reply->refusal == "No.");
  BOOST_TEST(reply->content == "No.");
  BOOST_TEST((reply->finish_reason == finish_reason::stop));
  const auto seen =
      stream(events({R"({"type":"response.refusal.delta","output_index":0,"delta":"No"})",
                     R"({"type":"response.refusal.delta","output_index":0,"delta":"."})", completed}),
             whole);
  BOOST_TEST(seen.refusal == "No.");
  BOOST_TEST(seen.reply->refusal == "No.");
  BOOST_TEST(seen.content.empty());
}

BOOST_AUTO_TEST_CASE(an_incomplete_response_says_why) {
  const auto reason = [](const std::string& word) {
    return decode(R"({"status":"incomplete","incomplete_details":{"reason":")" + word + R"("},"output":[]})");
  };
  BOOST_TEST((reason("max_output_tokens")->finish_reason == finish_reason::length));
  BOOST_TEST((reason("content_filter")->finish_reason == finish_reason::content_filter));
  BOOST_TEST((reason("whim")->finish_reason == finish_reason::unknown));
  BOOST_TEST(reason("whim")->metadata.raw_finish_reason == "whim");
  const auto seen = stream(
      events(
          {R"({"type":"response.output_text.delta","output_index":0,"delta":"Once"})",
           R"({"type":"response.incomplete","response":{"status":"incomplete",)"
           R"("incomplete_details":{"reason":"max_output_tokens"},"usage":{"input_tokens":1,"output_tokens":1}}})"}),
      whole);
  BOOST_REQUIRE(seen.reply.has_value());
  BOOST_TEST((seen.reply->finish_reason == finish_reason::length));
  BOOST_TEST(seen.reply->content == "Once");
}

BOOST_AUTO_TEST_CASE(a_failed_response_is_a_failure_of_its_class) {
  const auto type_of = [](const std::string& code) {
    const std::string error = R"("error":{"code":")" + code + R"(","message":"m"})";
    const auto reply = decode(R"({"id":"resp_1","status":"failed",)" + error + R"(,"output":[]})");
    BOOST_REQUIRE(reply.has_error());
    BOOST_TEST((reply.error().fate == outcome::unknown));
    BOOST_TEST(reply.error().request_id == "resp_1");
    BOOST_TEST(reply.error().vendor_message == "m");
    const auto seen = stream(
        events({R"({"type":"response.failed","response":{"id":"resp_1","status":"failed",)" + error + "}}"}),
        whole);
    BOOST_REQUIRE(seen.reply.has_error());
    BOOST_TEST((seen.reply.error().type == reply.error().type));
    BOOST_TEST(seen.reply.error().request_id == "resp_1");
    return reply.error().type;
  };
  BOOST_TEST((type_of("server_error") == errc::server_error));
  BOOST_TEST((type_of("rate_limit_exceeded") == errc::rate_limit));
  BOOST_TEST((type_of("invalid_prompt") == errc::invalid_request));
  BOOST_TEST((type_of("image_too_large") == errc::invalid_request));
  BOOST_TEST((type_of("image_content_policy_violation") == errc::content_filter));
  BOOST_TEST((type_of("vector_store_timeout") == errc::timeout));
  BOOST_TEST((decode(R"({"status":"failed","output":[]})").error().type == errc::server_error));
  BOOST_TEST((decode(R"({"status":"in_progress","output":[]})").error().type == errc::server_error));
  BOOST_TEST((decode(R"({"error":{"code":"rate_limit_exceeded"}})").error().type == errc::rate_limit));
}

BOOST_AUTO_TEST_CASE(an_error_event_ends_the_stream) {
  const auto flat =
      stream(events({R"({"type":"error","code":"rate_limit_exceeded","message":"Slow down","param":null})",
                     completed}),
             whole);
  BOOST_REQUIRE(flat.reply.has_error());
  BOOST_TEST((flat.reply.error().type == errc::rate_limit));
  BOOST_TEST(flat.reply.error().vendor_message == "Slow down");
  const auto nested = stream(
      events({R"({"type":"error","error":{"type":"server_error","code":null,"message":"x"}})"}), whole);
  BOOST_TEST((nested.reply.error().type == errc::server_error));
  const auto numeric = stream(events({R"({"error":{"code":503,"message":"x"}})"}), whole);
  BOOST_TEST((numeric.reply.error().type == errc::server_error));
}

BOOST_AUTO_TEST_CASE(calls_are_told_apart_by_their_number) {
  const auto seen = stream(
      events(
          {R"({"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c0","name":"f","arguments":""}})",
           R"({"type":"response.output_item.added","output_index":1,"item":{"type":"custom_tool_call","call_id":"c1","name":"g","input":""}})",
           R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"a\""})",
           R"({"type":"response.custom_tool_call_input.delta","output_index":1,"delta":"x "})",
           R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":":1}"})",
           R"({"type":"response.custom_tool_call_input.delta","output_index":1,"delta":"y"})",
           R"({"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1}"})",
           R"({"type":"response.custom_tool_call_input.done","output_index":1,"input":"x y"})", completed}),
      whole);
  BOOST_REQUIRE(seen.reply.has_value());
  BOOST_REQUIRE_EQUAL(seen.reply->tool_calls.size(), 2U);
  BOOST_TEST((seen.reply->tool_calls[0] == tool_call{"c0", "f", R"({"a":1})"}));
  BOOST_TEST((seen.reply->tool_calls[1] == tool_call{"c1", "g", "x y", true}));
  BOOST_TEST((seen.reply->finish_reason == finish_reason::tool_calls));
}

BOOST_AUTO_TEST_CASE(an_item_that_comes_whole_is_told_once) {
  const std::string_view message =
      R"({"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"Hello"}]}})";
  const std::string_view call =
      R"({"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}})";
  const auto silent = stream(events({message, call, completed}), whole);
  BOOST_TEST(silent.content == "Hello");
  BOOST_TEST(silent.arguments == "{}");
  const auto half = stream(events({R"({"type":"response.output_text.delta","output_index":0,"delta":"Hel"})",
                                   message, call, completed}),
                           whole);
  BOOST_TEST(half.content == "Hello");
  BOOST_TEST(half.reply->content == "Hello");
  // Nothing but the last event.
  const auto last =
      stream(events({R"({"type":"response.completed","response":{"status":"completed","output":[)"
                     R"({"type":"message","content":[{"type":"output_text","text":"Hello"}]},)"
                     R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}})"}),
             whole);
  BOOST_TEST(last.content == "Hello");
  BOOST_REQUIRE_EQUAL(last.reply->tool_calls.size(), 1U);
  BOOST_TEST(last.reply->tool_calls[0].id == "c");
  BOOST_TEST((last.reply->usage.source == metering::estimated));
}

BOOST_AUTO_TEST_CASE(pieces_of_a_thought_are_paragraphs_and_the_item_is_kept) {
  const auto seen = stream(
      events(
          {R"({"type":"response.created","response":{"store":false}})",
           R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"On"})",
           R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"e."})",
           R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"Two."})",
           R"({"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[],"encrypted_content":"gA"}})",
           R"({"type":"response.output_text.delta","output_index":1,"delta":"Hi"})",
           R"({"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":[{"type":"output_text","text":"Hi"}]}})",
           completed}),
      whole);
  BOOST_TEST(seen.reasoning == "One.\n\nTwo.");
  BOOST_REQUIRE(seen.reply.has_value());
  const std::vector<content_part> wanted{
      raw_part{api_kind::responses,
               R"({"type":"reasoning","id":"rs","summary":[],"encrypted_content":"gA"})"},
      text_part{"Hi"}};
  BOOST_TEST((seen.reply->parts == wanted));
}

BOOST_AUTO_TEST_CASE(what_follows_the_last_event_does_not_count) {
  const auto seen =
      stream(events({R"({"type":"response.output_text.delta","output_index":0,"delta":"a"})", completed,
                     R"({"type":"response.output_text.delta","output_index":0,"delta":"b"})", "[DONE]"}),
             whole);
  BOOST_TEST(seen.reply->content == "a");
  BOOST_TEST(seen.reply->usage.total_tokens == 5U);
}

BOOST_AUTO_TEST_CASE(a_stream_of_empty_items_has_an_end) {
  const auto codec = make_responses();
  const auto decoder = codec->decode_stream(events({}), {});
  std::vector<chat_delta> deltas;
  std::size_t fed = 0;
  for (std::size_t index = 0; index != 400'000; ++index, ++fed)
    if (!decoder->feed(R"(data: {"type":"response.output_item.added","output_index":)" +
                           std::to_string(index) + ",\"item\":{}}\n\n",
                       deltas))
      break;
  BOOST_TEST(fed < 200'000U);
  BOOST_TEST((decoder->finish(deltas).error().type == errc::server_error));
}

BOOST_AUTO_TEST_CASE(hostile_shapes_are_passed_over_or_typed_failures) {
  for (const char* json : {"[]", "1", "null", R"({"output":{}})", R"({"output":null,"status":7})",
                           R"({"error":"x","output":[]})"})
    BOOST_TEST(decode(json).has_error(), json);
  for (const char* json : {R"({"output":[1,null,[],{},{"type":7},{"type":"message","content":{}}]})",
                           R"({"output":[{"type":"function_call"},{"type":"reasoning","summary":7}]})",
                           R"({"output":[],"usage":{"input_tokens":-1,"output_tokens":1e300}})",
                           R"({"output":[],"usage":[],"model":[],"id":{},"error":""})"})
    BOOST_TEST(decode(json).has_value(), json);
  BOOST_TEST(!decode(R"({"output":[{"type":"function_call","name":"f"}]})")->tool_calls[0].id.empty());
  const auto seen = stream(
      events(
          {"1", "[]", "null", R"({"type":7})", R"({"type":"response.unheard.of"})",
           R"({"type":"response.output_text.delta","output_index":-1,"delta":{}})",
           R"({"type":"response.output_item.done","output_index":4294967295,"item":[]})",
           R"({"type":"response.output_item.done","output_index":"x","item":{"type":"function_call","arguments":{"a":1}}})",
           R"({"type":"response.function_call_arguments.done","output_index":0,"arguments":null})",
           R"({"type":"response.created","response":7})", completed}),
      whole);
  BOOST_REQUIRE(seen.reply.has_value());
  BOOST_REQUIRE_EQUAL(seen.reply->tool_calls.size(), 1U);
  BOOST_TEST(seen.reply->tool_calls[0].arguments == R"({"a":1})");
}

BOOST_AUTO_TEST_SUITE_END()
