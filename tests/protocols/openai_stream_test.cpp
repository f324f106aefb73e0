// Streams by what servers do differently: text, usage, ends, errors. Each was seen in the field.
#include "openai_fixtures.hpp"

#include "protocols/estimate.hpp"

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

/// A chunk whose only choice has this delta.
std::string chunk(const std::string& delta, const std::string& finish = "null") {
  return R"({"id":"c1","model":"m1","choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":)" +
         finish + "}]}";
}

std::string call_chunk(const std::string& entries) {
  return chunk(R"({"tool_calls":[)" + entries + "]}");
}

const std::string ends = chunk("{}", "\"tool_calls\"");
const std::string stops = chunk("{}", "\"stop\"");

streamed read(const std::vector<std::string>& data) {
  return feed_whole(*chat_codec(), stream_of(data));
}

errc error_of(const std::vector<std::string>& data) {
  const streamed got = read(data);
  return got.reply ? errc::none : got.reply.error().type;
}

const std::string* extra_of(const extra_members& members, std::string_view name) {
  for (const auto& [key, json] : members)
    if (key == name)
      return &json;
  return nullptr;
}

} // namespace

BOOST_AUTO_TEST_SUITE(openai_stream_test)

BOOST_AUTO_TEST_CASE(text_comes_under_many_names) {
  const streamed got = read(
      {chunk(R"({"role":"assistant","content":null})"),
       chunk(R"({"reasoning_content":"th","reasoning":"th"})"), chunk(R"({"reasoning":"ink","content":""})"),
       chunk(R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":"ing"}]}]})"),
       chunk(R"({"content":[{"type":"text","text":"Hel"},{"type":"reference","reference_ids":[1]}]})"),
       chunk(R"({"content":"lo"})"), chunk(R"({"refusal":""})"), stops});
  BOOST_REQUIRE(got.reply.has_value());
  BOOST_TEST(got.reply->content == "Hello");
  BOOST_TEST(got.reply->reasoning == "thinking");
  BOOST_TEST((got.reply->finish_reason == finish_reason::stop));
  BOOST_TEST(got.reply->model.str() == "m1");
  BOOST_TEST(got.reply->metadata.request_id == "c1");
  const streamed refused =
      read({chunk(R"({"refusal":"I "})"), chunk(R"({"refusal":"won't","content":null})"), stops});
  BOOST_REQUIRE(refused.reply.has_value());
  BOOST_TEST(refused.reply->refusal == "I won't");
  BOOST_TEST(refused.reply->content == "I won't");
  BOOST_TEST(told(refused.deltas, chat_delta::kind::content).empty());
}

BOOST_AUTO_TEST_CASE(a_whole_message_at_the_end_is_not_said_twice) {
  const std::string last =
      R"({"choices":[{"index":0,"message":{"role":"assistant","content":"one two"},"delta":{"content":""},"finish_reason":"stop"}]})";
  BOOST_TEST(read({chunk(R"({"content":"one"})"), chunk(R"({"content":" two"})"), last}).reply->content ==
             "one two");
  const streamed late = read({chunk(R"({"content":"one"})"), last});
  BOOST_TEST(late.reply->content == "one two");
  BOOST_TEST(told(late.deltas, chat_delta::kind::content) == "one two");
  BOOST_TEST(read({last}).reply->content == "one two");
}

BOOST_AUTO_TEST_CASE(further_choices_are_passed_over) {
  const streamed got =
      read({R"({"choices":[{"index":1,"delta":{"content":"B"}},{"index":0,"delta":{"content":"A"}}]})",
            R"({"choices":[{"index":1,"delta":{},"finish_reason":"length"}]})", stops});
  BOOST_REQUIRE(got.reply.has_value());
  BOOST_TEST(got.reply->content == "A");
  BOOST_TEST((got.reply->finish_reason == finish_reason::stop));
  BOOST_TEST((error_of({chunk(R"({"content":"A"})"),
                        R"({"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]})"}) == errc::network));
}

BOOST_AUTO_TEST_CASE(the_last_usage_counts_wherever_it_stands) {
  const auto usage = [](const std::vector<std::string>& data) { return read(data).reply->usage; };
  const std::string said = chunk(R"({"content":"four"})");
  const token_usage last = usage(
      {said, R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}})", stops,
       R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":0}}})",
       R"({"choices":[],"usage":null})", R"({"choices":[],"usage":{}})", "[DONE]"});
  BOOST_TEST((last.source == metering::reported));
  BOOST_TEST(last.prompt_tokens == 9U);
  BOOST_TEST(last.total_tokens == 11U);
  BOOST_TEST((last.cached_tokens == 0U)); // reported, and zero
  BOOST_TEST(!last.reasoning_tokens.has_value());
  BOOST_TEST(usage({said, stops, R"({"x_groq":{"usage":{"prompt_tokens":5,"completion_tokens":2}}})"})
                 .prompt_tokens == 5U);
  const token_usage hidden =
      usage({said, stops, R"({"usage":{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109}})"});
  BOOST_TEST(hidden.completion_tokens == 74U);
  const token_usage none = usage({said, stops, "[DONE]"});
  BOOST_TEST((none.source == metering::estimated));
  BOOST_TEST(none.completion_tokens == estimate_text_tokens("four"));
  const token_usage odd = usage({said, stops, R"({"usage":{"prompt_tokens":-1,"completion_tokens":1}})"});
  BOOST_TEST((odd.source == metering::estimated));
  const token_usage part = usage(
      {said, stops,
       R"({"usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":-4}}})"});
  BOOST_TEST((part.source == metering::reported)); // one odd part does not spoil the sums
  BOOST_TEST(!part.cached_tokens.has_value());
}

BOOST_AUTO_TEST_CASE(an_error_ends_the_stream_wherever_it_comes) {
  const std::string said = chunk(R"({"content":"A"})");
  BOOST_TEST((error_of({said, R"({"error":{"message":"slow down","code":429}})"}) == errc::rate_limit));
  BOOST_TEST((
      error_of(
          {said, stops,
           R"({"error":{"message":"Provider disconnected","code":502},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]})"}) ==
      errc::server_error));
  BOOST_TEST((error_of({said, R"({"error":"boom"})"}) == errc::unknown));
  BOOST_TEST((error_of({said, R"([{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}])"}) ==
              errc::server_error));
  BOOST_TEST((error_of({said, R"({"object":"error","message":"too slow","type":"timeout_error"})"}) ==
              errc::timeout));
  BOOST_TEST(
      (error_of({said, R"({"choices":[{"index":0,"delta":{},"error":{"code":429,"message":"slow"}}]})"}) ==
       errc::rate_limit));
  for (const char* nothing : {R"({"error":null,"choices":[]})", R"({"error":"","choices":[]})",
                              R"({"error":{},"choices":[]})", R"({"error":false,"choices":[]})"})
    BOOST_TEST((error_of({said, nothing, stops}) == errc::none), nothing);
  http_response named = stream_of({said});
  named.body += "event: error\ndata: {\"message\":\"server overloaded\",\"type\":\"overloaded_error\"}\n\n";
  const streamed got = feed_bytes(*chat_codec(), named);
  BOOST_REQUIRE(got.reply.has_error());
  BOOST_TEST((got.reply.error().type == errc::server_error));
  BOOST_TEST(got.reply.error().retryable);
  BOOST_TEST(got.reply.error().vendor_message == "server overloaded");
  BOOST_TEST(got.reply.error().status_code == 200);
  BOOST_TEST(got.reply.error().request_id == "c1");
  BOOST_TEST((got.reply.error().fate == outcome::unknown));
  BOOST_TEST(told(got.deltas, chat_delta::kind::content) == "A");
}

BOOST_AUTO_TEST_CASE(nothing_counts_behind_the_end_mark) {
  const auto chat = chat_codec();
  std::vector<chat_delta> deltas;
  const auto decoder = chat->decode_stream({200, {}, {}}, {});
  BOOST_TEST(decoder->feed("data: " + chunk(R"({"content":"A"})", "\"stop\"") + "\n\n",
                           deltas)); // a usage may follow
  BOOST_TEST(
      !decoder->feed("data: [DONE]\n\ndata: {\"error\":{\"message\":\"x\"}}\n\ndata: {{{\n\n", deltas));
  const auto reply = decoder->finish(deltas);
  BOOST_REQUIRE(reply.has_value());
  BOOST_TEST(reply->content == "A");
}

BOOST_AUTO_TEST_CASE(a_stream_is_whole_with_a_reason_or_with_an_end_mark) {
  const std::string said = chunk(R"({"content":"A"})");
  BOOST_TEST((error_of({said}) == errc::network));
  BOOST_TEST((error_of({said, stops}) == errc::none));
  const streamed marked = read({said, "[DONE]"});
  BOOST_REQUIRE(marked.reply.has_value());
  BOOST_TEST((marked.reply->finish_reason == finish_reason::unknown));
  const streamed calls =
      read({call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}})"), "[DONE]"});
  BOOST_REQUIRE(calls.reply.has_value());
  BOOST_TEST((calls.reply->finish_reason == finish_reason::tool_calls));
  http_response unended = stream_of({said});
  unended.body += "data: [DONE]"; // no line end: some servers close too soon
  BOOST_TEST(feed_bytes(*chat_codec(), unended).reply.has_value());
  unended = stream_of({said});
  unended.body += "data: " + stops.substr(0, stops.size() - 1);
  const streamed cut = feed_bytes(*chat_codec(), unended);
  BOOST_REQUIRE(cut.reply.has_error());
  BOOST_TEST((cut.reply.error().type == errc::network));
  BOOST_TEST(cut.reply.error().retryable);
  // An end without any choice is no answer.
  BOOST_TEST((error_of({"[DONE]"}) == errc::server_error));
  BOOST_TEST((error_of({R"({"choices":[],"usage":{"prompt_tokens":1}})", "[DONE]"}) == errc::server_error));
}

BOOST_AUTO_TEST_CASE(a_body_that_is_no_stream_is_read_as_what_it_is) {
  const auto chat = chat_codec();
  const std::string whole =
      R"({"id":"c2","choices":[{"message":{"content":"Hi","reasoning_content":"hm"},"finish_reason":"stop"}]})";
  for (const char* type : {"application/json", "text/event-stream", "text/plain", ""}) {
    const streamed got = feed_pieces(*chat, {200, {{"content-type", type}}, " \n" + whole}, 1);
    BOOST_REQUIRE_MESSAGE(got.reply.has_value(), type);
    BOOST_TEST(told(got.deltas, chat_delta::kind::content) == "Hi", type);
    BOOST_TEST(told(got.deltas, chat_delta::kind::reasoning) == "hm", type);
    const streamed error =
        feed_bytes(*chat, {200, {{"content-type", type}}, R"({"error":{"message":"no","code":401}})"});
    BOOST_TEST((error.reply.error().type == errc::auth), type);
  }
  // OpenAI was recorded to call a stream `application/json`.
  const streamed mislabelled = feed_bytes(
      *chat,
      {200, {{"content-type", "application/json"}}, stream_of({chunk(R"({"content":"A"})"), stops}).body});
  BOOST_REQUIRE(mislabelled.reply.has_value());
  BOOST_TEST(mislabelled.reply->content == "A");
  const streamed refused = feed_bytes(*chat, {429,
                                              {{"content-type", "text/event-stream"}, {"retry-after", "3"}},
                                              R"({"error":{"message":"slow"}})"});
  BOOST_TEST((refused.reply.error().type == errc::rate_limit));
  BOOST_TEST((refused.reply.error().retry_after == std::chrono::seconds{3}));
  BOOST_TEST((refused.reply.error().fate == outcome::rejected_unprocessed));
  const streamed page = feed_whole(*chat, {200, {{"content-type", "text/html"}}, "<html>sign in</html>"});
  BOOST_TEST((page.reply.error().type == errc::server_error));
  const streamed empty = feed_whole(*chat, {200, {{"content-type", "text/event-stream"}}, ""});
  BOOST_TEST(empty.reply.has_error());
}

BOOST_AUTO_TEST_CASE(white_space_before_the_first_event_is_none_of_it) {
  http_response made = stream_of({chunk(R"({"content":"A"})"), stops});
  made.body.insert(0, " \n\t ");
  for (const streamed& got : {feed_whole(*chat_codec(), made), feed_bytes(*chat_codec(), made)}) {
    BOOST_REQUIRE(got.reply.has_value());
    BOOST_TEST(got.reply->content == "A");
  }
  made.body = "  \t nothing of the kind";
  const auto whole = feed_whole(*chat_codec(), made).reply;
  const auto cut = feed_bytes(*chat_codec(), made).reply;
  BOOST_REQUIRE(whole.has_error());
  BOOST_TEST(to_string(whole.error()) == to_string(cut.error()));
}

BOOST_AUTO_TEST_CASE(what_must_be_sent_back_is_kept) {
  const std::string call = call_chunk(R"({"index":0,"id":"a","function":{"name":"f","arguments":"{}"}})");
  const streamed deep = read(
      {chunk(R"({"reasoning_content":"I \"th"})"), chunk(R"({"reasoning_content":"ink\""})"), call, ends});
  BOOST_REQUIRE(extra_of(deep.reply->extra, "reasoning_content") != nullptr);
  BOOST_TEST(*extra_of(deep.reply->extra, "reasoning_content") == R"("I \"think\"")");
  BOOST_TEST(read({chunk(R"({"reasoning_content":"x"})"), stops})
                 .reply->extra.empty()); // without tools it must not be
  BOOST_TEST(read({chunk(R"({"reasoning":"x"})"), call, ends}).reply->extra.empty());
  const streamed details = read(
      {chunk(
           R"({"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","format":"x","index":0}]})"),
       chunk(
           R"({"reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b","format":"x","index":0,"signature":null}]})"),
       chunk(R"({"reasoning_details":[{"type":"reasoning.text","signature":"s","format":"x","index":0}]})"),
       chunk(R"({"reasoning_details":[{"type":"reasoning.text","text":"c","index":0}]})"),
       chunk(
           R"({"reasoning_details":[{"type":"reasoning.encrypted","data":"e1","index":1},{"type":"reasoning.encrypted","data":"e2","index":1}]})"),
       call, ends});
  const std::string* kept = extra_of(details.reply->extra, "reasoning_details");
  BOOST_REQUIRE(kept != nullptr);
  BOOST_TEST(*kept == R"([{"type":"reasoning.text","text":"ab","format":"x","signature":"s","index":0},)"
                      R"({"type":"reasoning.text","text":"c","index":0},)"
                      R"({"type":"reasoning.encrypted","data":"e1","index":1},)"
                      R"({"type":"reasoning.encrypted","data":"e2","index":1}])");
  BOOST_TEST(details.reply->reasoning == "ab"); // the details only repeat it …
  const streamed alone =
      read({chunk(R"({"reasoning_details":[{"type":"t","text":"a","index":0}]})"),
            chunk(R"({"reasoning_details":[{"type":"t","summary":"b","index":0}]})"), stops});
  BOOST_TEST(alone.reply->reasoning == "ab"); // … but speak where nothing else does
}

BOOST_AUTO_TEST_CASE(the_recorded_details_of_a_whole_turn_are_one_signed_entry) {
  const auto file =
      json_document::parse(read_fixture("generic/openrouter/stream/reasoning_details_tool.json"));
  BOOST_REQUIRE(file.has_value());
  const streamed got = feed_bytes(*chat_codec(), response_of(file->root()));
  BOOST_REQUIRE(got.reply.has_value());
  const std::string* kept = extra_of(got.reply->extra, "reasoning_details");
  BOOST_REQUIRE(kept != nullptr);
  const auto list = json_document::parse(*kept);
  BOOST_REQUIRE(list.has_value());
  BOOST_REQUIRE(list->root().Size() == 1U);
  BOOST_TEST(text_of(find_member(list->root()[0], "text")) == got.reply->reasoning);
  BOOST_TEST(text_of(find_member(list->root()[0], "signature")).size() > 100U);
}

BOOST_AUTO_TEST_CASE(an_id_of_the_head_comes_before_one_of_the_chunks) {
  http_response stream = stream_of({chunk(R"({"content":"A"})"), stops});
  stream.fields.add("x-request-id", "head");
  BOOST_TEST(feed_whole(*chat_codec(), stream).reply->metadata.request_id == "head");
  stream = stream_of({R"({"id":"","model":"","choices":[]})", chunk(R"({"content":"A"})"), stops});
  BOOST_TEST(feed_whole(*chat_codec(), stream).reply->metadata.request_id == "c1");
  stream.fields.add("apim-request-id", "azure");
  BOOST_TEST(feed_whole(*chat_codec(), stream).reply->metadata.request_id == "azure");
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_given_up_has_a_usage) {
  const auto chat = chat_codec();
  const auto decoder = chat->decode_stream({200, {}, {}}, {});
  std::vector<chat_delta> deltas;
  decoder->feed("data: " + chunk(R"({"content":"12345678"})") + "\n\n", deltas);
  BOOST_TEST(decoder->usage().completion_tokens == estimate_text_tokens("12345678"));
  BOOST_TEST((decoder->usage().source == metering::estimated));
  decoder->feed("data: {\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}}\n\n", deltas);
  BOOST_TEST(decoder->usage().prompt_tokens == 7U);
  BOOST_TEST(decoder->usage().completion_tokens == 5U);
}

BOOST_AUTO_TEST_CASE(a_reply_has_bounds) {
  std::string many;
  for (int n = 0; n != 1025; ++n)
    many += (n == 0 ? "" : ",") + std::string(R"({"index":)") + std::to_string(n) +
            R"(,"id":"i","function":{"name":"f"}})";
  BOOST_TEST((error_of({call_chunk(many), ends}) == errc::server_error));
  const auto chat = chat_codec();
  std::vector<chat_delta> deltas;
  const std::string large(1U << 20U, 'x');
  for (const std::string& delta :
       {R"({"content":")" + large + "\"}",
        R"({"reasoning_details":[{"type":"t","index":0,"text":")" + large + "\"}]}"}) {
    const auto decoder = chat->decode_stream({200, {}, {}}, {});
    const std::string event = "data: " + chunk(delta) + "\n\n";
    std::size_t events = 0;
    while (decoder->feed(event, deltas) && events < 100) {
      deltas.clear();
      ++events;
    }
    BOOST_TEST(events >= 15U);
    BOOST_TEST(events <= 33U);
    const auto reply = decoder->finish(deltas);
    BOOST_REQUIRE(reply.has_error());
    BOOST_TEST((reply.error().type == errc::server_error));
  }
}

BOOST_AUTO_TEST_SUITE_END()
