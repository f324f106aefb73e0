// Bodies, headers and configurations that mean harm, or are merely broken.
#include "openai_fixtures.hpp"

#include "protocols/error_table.hpp"
#include "protocols/estimate.hpp"
#include "protocols/openai_chat_server.hpp"
#include "protocols/retry_after.hpp"

#include <array>
#include <limits>

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

provider_config plain_provider() {
  provider_config provider;
  provider.type = provider_type::generic;
  provider.api_key = secret("sk-canary");
  provider.base_url = "http://127.0.0.1:1/v1";
  return provider;
}

result<chat_reply> decoded(int status, std::string body, http_fields fields = {}) {
  static const auto chat = std::move(*make_codec(plain_provider(), api_kind::chat));
  return chat->decode_chat({status, std::move(fields), std::move(body)}, std::chrono::sys_seconds{});
}

/// Texts that are no JSON, or that a careless parser takes for some.
const std::array<std::string, 62> no_json{"",
                                          " ",
                                          "\n",
                                          "{",
                                          "}",
                                          "[",
                                          "]",
                                          "{]",
                                          "[}",
                                          "{\"a\"}",
                                          "{\"a\":}",
                                          "{\"a\":1,}",
                                          "{,}",
                                          "{\"a\":1 \"b\":2}",
                                          "{\"a\":1,,\"b\":2}",
                                          "{a:1}",
                                          "{'a':1}",
                                          "{1:1}",
                                          "{\"a\"::1}",
                                          "{null:1}",
                                          "[1,]",
                                          "[,1]",
                                          "[1 2]",
                                          "[1,,2]",
                                          "[1:2]",
                                          "[1",
                                          "[\"a",
                                          "\"",
                                          "\"\\x\"",
                                          "\"\\u12\"",
                                          "\"\\u12G4\"",
                                          "\"\\",
                                          "'a'",
                                          "nul",
                                          "tru",
                                          "False",
                                          "NULL",
                                          "nan",
                                          "NaN",
                                          "Infinity",
                                          "-Infinity",
                                          "-",
                                          "+1",
                                          "01",
                                          "1.",
                                          ".5",
                                          "1e",
                                          "1e+",
                                          "0x1",
                                          "1_000",
                                          "--1",
                                          "2.e3",
                                          "/* c */ {}",
                                          "{} // c",
                                          "{}{}",
                                          "{} x",
                                          "\xff\xfe{}",
                                          "{\"a\":1}]",
                                          "{\"a\":\"b\nc\"",
                                          "\xef\xbb\xbf"};

std::string reply_with_usage(const std::string& usage) {
  return R"({"id":"x","choices":[{"message":{"content":"four"}}],"usage":)" + usage + "}";
}

std::optional<std::int64_t> hint(http_fields fields) {
  const std::chrono::sys_seconds now{std::chrono::seconds{784'111'777}}; // Sun, 06 Nov 1994 08:49:37 GMT
  const auto found = retry_after({429, std::move(fields), {}}, now);
  return found ? std::optional(found->count()) : std::nullopt;
}

} // namespace

BOOST_AUTO_TEST_SUITE(hostile_test)

BOOST_AUTO_TEST_CASE(nesting_that_would_exhaust_the_stack_is_refused) {
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep;
    for (int n = 0; n != 100'000; ++n)
      deep += open;
    const auto reply = decoded(200, deep);
    BOOST_REQUIRE(reply.has_error());
    BOOST_TEST((reply.error().type == errc::server_error));
  }
}

BOOST_AUTO_TEST_CASE(a_body_that_is_no_json_is_a_typed_failure) {
  for (const std::string& text : no_json) {
    const auto reply = decoded(200, text);
    BOOST_REQUIRE_MESSAGE(reply.has_error(), text);
    BOOST_TEST((reply.error().type == errc::server_error), text);
    BOOST_TEST((reply.error().fate == outcome::unknown), text);
    BOOST_TEST((decoded(400, text).error().type == errc::invalid_request), text);
  }
}

BOOST_AUTO_TEST_CASE(an_event_that_is_no_json_is_a_typed_failure) {
  const auto chat = chat_codec();
  for (const std::string& text : no_json) {
    if (text.find_first_not_of(" \n") == std::string::npos)
      continue; // an event without data says nothing
    const auto got = feed_bytes(
        *chat, stream_of({R"({"choices":[{"delta":{"content":"A"},"finish_reason":"stop"}]})", text}));
    BOOST_REQUIRE_MESSAGE(got.reply.has_error(), text);
    BOOST_TEST((got.reply.error().type == errc::server_error), text);
    BOOST_TEST(got.reply.error().retryable, text);
    BOOST_TEST((got.reply.error().fate == outcome::unknown), text);
  }
}

BOOST_AUTO_TEST_CASE(json_of_any_shape_is_read_without_harm) {
  const auto chat = chat_codec();
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  for (const std::string& value :
       {std::string("null"), std::string("true"), std::string("0"), std::string("-1"), std::string("1.5"),
        std::string("1e300"), std::string("18446744073709551616"), std::string("\"x\""),
        std::string("\"\\u0000\""), std::string("[]"), std::string("[null]"), std::string("[[]]"),
        std::string("{}"), std::string(R"({"x":null})"), std::string(R"([{"x":1}])"), deep}) {
    for (
        const char* shape :
        {"%",
         R"({"choices":%})",
         R"({"choices":[%]})",
         R"({"choices":[{"index":%,"delta":{}}]})",
         R"({"choices":[{"delta":%,"finish_reason":null}]})",
         R"({"choices":[{"message":%}]})",
         R"({"choices":[{"delta":{"content":%}}]})",
         R"({"choices":[{"delta":{"content":[%]}}]})",
         R"({"choices":[{"delta":{"content":[{"thinking":[%]}]}}]})",
         R"({"choices":[{"delta":{"reasoning_content":%,"reasoning":%,"refusal":%}}]})",
         R"({"choices":[{"delta":{"reasoning_details":%}}]})",
         R"({"choices":[{"delta":{"reasoning_details":[%]}}]})",
         R"({"choices":[{"delta":{"reasoning_details":[{"type":%,"index":%,"text":%,"data":%}]}}]})",
         R"({"choices":[{"delta":{"tool_calls":%}}]})",
         R"({"choices":[{"delta":{"tool_calls":[%]}}]})",
         R"({"choices":[{"delta":{"tool_calls":[{"index":%,"id":%,"type":%,"function":%}]}}]})",
         R"({"choices":[{"delta":{"tool_calls":[{"function":{"name":%,"arguments":%},"extra_content":%}]}}]})",
         R"({"choices":[{"delta":{"tool_calls":[{"custom":{"name":%,"input":%}}]}}]})",
         R"({"choices":[{"delta":{"function_call":%}}]})",
         R"({"choices":[{"message":{"content":%,"tool_calls":[%],"function_call":%,"refusal":%}}]})",
         R"({"choices":[{"delta":{},"finish_reason":%}]})",
         R"({"usage":%})",
         R"({"usage":{"prompt_tokens":%,"prompt_tokens_details":%}})",
         R"({"x_groq":%,"timings":%})",
         R"({"error":%})",
         R"({"error":{"message":%,"type":%,"code":%,"metadata":%}})",
         R"({"id":%,"model":%,"object":%})"}) {
      std::string text = shape;
      for (auto at = text.find('%'); at != std::string::npos; at = text.find('%', at + value.size()))
        text.replace(at, 1, value);
      const auto whole = decoded(200, text); // any outcome: only no harm
      BOOST_TEST((whole || whole.error().type != errc::none), text);
      const auto got = feed_whole(*chat, stream_of({text, text, "[DONE]"}));
      BOOST_TEST((got.reply || got.reply.error().type != errc::none), text);
      BOOST_TEST(decode_chat_request(text).has_error(), text); // no messages in it
    }
  }
}

BOOST_AUTO_TEST_CASE(a_body_with_a_mutated_byte_never_does_harm) {
  const auto chat = chat_codec();
  std::mt19937_64 dice(7);
  for (const char* name : {"openai/stream/tool_parallel_usage.json", "openai/tools/parallel_two.json",
                           "generic/mistral/stream/tool_one_chunk.json"}) {
    const auto file = json_document::parse(read_fixture(name));
    BOOST_REQUIRE(file.has_value());
    const http_response good = response_of(file->root());
    for (int round = 0; round != 1500; ++round) {
      http_response bad = good;
      for (std::size_t n = 1 + dice() % 3; n > 0; --n)
        bad.body[dice() % bad.body.size()] = static_cast<char>(dice() % 256);
      const auto got = feed_pieces(*chat, bad, static_cast<std::uint64_t>(round));
      BOOST_REQUIRE((got.reply || got.reply.error().type != errc::none));
      const auto whole = chat->decode_chat(bad, {});
      BOOST_REQUIRE((whole || whole.error().type != errc::none));
    }
  }
}

BOOST_AUTO_TEST_CASE(impossible_usage_is_estimated_and_never_booked_as_it_is) {
  for (const char* usage :
       {R"({"prompt_tokens":-1,"completion_tokens":1})", R"({"prompt_tokens":1.5,"completion_tokens":1})",
        R"({"prompt_tokens":"12","completion_tokens":1})", R"({"prompt_tokens":18446744073709551616})",
        R"({"prompt_tokens":9007199254740993})", R"({})", "null", "[]", "7"}) {
    const auto reply = decoded(200, reply_with_usage(usage));
    BOOST_REQUIRE_MESSAGE(reply.has_value(), usage);
    BOOST_TEST((reply->usage.source == metering::estimated), usage);
    BOOST_TEST(reply->usage.completion_tokens == estimate_text_tokens("four"), usage);
  }
  const auto reply =
      decoded(200, reply_with_usage(R"({"prompt_tokens":7,"completion_tokens":0,"total_tokens":7})"));
  BOOST_TEST((reply->usage.source == metering::reported)); // a zero that is reported is a figure
  BOOST_TEST(reply->usage.completion_tokens == 0U);
}

BOOST_AUTO_TEST_CASE(a_200_that_is_no_completion_is_a_failure) {
  for (const char* body :
       {"", "<html>sign in</html>", "null", "[]", "\"text\"", "{}", R"({"choices":[]})",
        R"({"choices":null})", R"({"choices":[null]})", R"({"choices":{}})", "{\"choices\":[{}",
        R"({"error":{"message":"boom","type":"server_error"}})", R"({"error":"boom"})"}) {
    const auto reply = decoded(200, body);
    BOOST_REQUIRE_MESSAGE(reply.has_error(), body);
    BOOST_TEST((reply.error().fate == outcome::unknown), body);
    BOOST_TEST(!reply.error().message.empty());
  }
  // An error member that says nothing does not count.
  for (const char* body : {R"({"error":null,"choices":[{"message":{"content":"a"}}]})",
                           R"({"error":"","choices":[{"message":{"content":"a"}}]})",
                           R"({"error":{},"choices":[{"message":{"content":"a"}}]})"})
    BOOST_TEST(decoded(200, body).has_value(), body);
}

BOOST_AUTO_TEST_CASE(an_error_body_of_any_shape_is_classified_and_bounded) {
  for (const char* body :
       {"", "<html>", "[[[", "null", "{\"error\":[1,2]}", "{\"detail\":[{\"msg\":\"x\"}]}", "\"x\"", "[]"})
    for (const int status :
         {300, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529, 599}) {
      const auto reply = decoded(status, body);
      BOOST_REQUIRE(reply.has_error());
      BOOST_TEST(reply.error().status_code == status);
      BOOST_TEST((reply.error().type != errc::none));
    }
  const auto large = decoded(500, std::string(1 << 20, 'x'));
  BOOST_TEST(large.error().vendor_message.size() <= 4096U);
}

BOOST_AUTO_TEST_CASE(the_fate_of_a_request_follows_from_the_status) {
  const std::string named = R"({"error":{"message":"busy"}})";
  for (const int status : {400, 401, 403, 404, 413, 422, 429})
    BOOST_TEST((decoded(status, "{}").error().fate == outcome::rejected_unprocessed), status);
  for (const int status : {503, 529})
    BOOST_TEST((decoded(status, named).error().fate == outcome::rejected_unprocessed), status);
  for (const int status : {408, 500, 502, 504})
    BOOST_TEST((decoded(status, named).error().fate == outcome::unknown), status);
  // A proxy's own words: its upstream may have done the work.
  for (const char* body : {"", "{}", "upstream connect error or disconnect/reset before headers"})
    BOOST_TEST((decoded(503, body).error().fate == outcome::unknown), body);
}

BOOST_AUTO_TEST_CASE(an_error_under_status_200_keeps_what_the_response_says_of_it) {
  const auto slow = decoded(200, R"({"error":{"message":"slow down","status_code":429},"request_id":"r1"})",
                            {{"retry-after", "3"}});
  BOOST_REQUIRE(slow.has_error());
  BOOST_TEST((slow.error().type == errc::rate_limit));
  BOOST_TEST(slow.error().status_code == 429);
  BOOST_TEST((slow.error().retry_after == std::chrono::seconds{3}));
  BOOST_TEST(slow.error().request_id == "r1");
}

BOOST_AUTO_TEST_CASE(numbers_without_a_value_and_json_with_an_end_in_its_middle_are_not_sent) {
  static const auto chat = std::move(*make_codec(plain_provider(), api_kind::chat));
  chat_request request;
  request.messages.push_back(make_message(role::user, "x"));
  request.temperature = std::numeric_limits<double>::quiet_NaN();
  const auto made = chat->encode_chat(request);
  BOOST_REQUIRE(made.has_error());
  BOOST_TEST((made.error().type == errc::invalid_request));
  BOOST_TEST(made.error().place == "temperature");
  request.temperature.reset();
  request.extra = {{"seed", std::string("1\0,\"model\":\"x\"", 15)}};
  BOOST_TEST(chat->encode_chat(request).has_error());
}

BOOST_AUTO_TEST_CASE(the_server_decides_whether_to_retry_when_it_says_so) {
  BOOST_TEST(!decoded(503, "{}", {{"x-should-retry", "false"}}).error().retryable);
  const auto conflict = decoded(409, "{}", {{"X-Should-Retry", "true"}});
  BOOST_TEST(conflict.error().retryable);
  BOOST_TEST((conflict.error().type == errc::server_error)); // a class that is retried
  const auto broke = decoded(402, "{}", {{"X-Should-Retry", "true"}});
  BOOST_TEST(!broke.error().retryable);
  BOOST_TEST(decoded(503, "{}").error().retryable);
}

BOOST_AUTO_TEST_CASE(a_redirect_is_an_error_that_shows_where_to) {
  const auto reply = decoded(307, "", {{"Location", "http://169.254.169.254/"}});
  BOOST_TEST(reply.error().vendor_message.find("169.254.169.254") != std::string::npos);
  BOOST_TEST(!reply.error().retryable);
}

BOOST_AUTO_TEST_CASE(only_hints_that_can_be_meant_are_taken) {
  BOOST_TEST((hint({{"Retry-After", "2"}}) == 2000));
  BOOST_TEST((hint({{"retry-after", " 0.5 "}}) == 500));
  BOOST_TEST((hint({{"retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"}}) == 10'000));
  // A clock of ours that is an hour off does not matter where the server tells its own.
  BOOST_TEST((hint({{"date", "Sun, 06 Nov 1994 09:49:37 GMT"},
                    {"retry-after", "Sun, 06 Nov 1994 09:49:40 GMT"}}) == 3'000));
  BOOST_TEST((hint({{"retry-after-ms", "1500"}, {"retry-after", "9"}}) == 1500));
  BOOST_TEST((hint({{"retry-after-ms", "0"}, {"retry-after", "1"}}) == 1000)); // recorded from Azure
  for (const char* text :
       {"", "-1", "0", "NaN", "inf", "1e9", "999999999", "soon", "1 s", "Sun, 06 Nov 1994 08:49:27 GMT",
        "Sunday, 06-Nov-94 08:49:47 GMT", "Sun, 99 Foo 1994 08:49:37 GMT"})
    BOOST_TEST(!hint({{"retry-after", text}}).has_value(), text);
}

BOOST_AUTO_TEST_CASE(nothing_that_would_change_the_framing_gets_into_a_request_head) {
  provider_config provider = plain_provider();
  provider.api_key = secret("sk-canary\r\nX-Evil: 1");
  const auto made = make_codec(provider, api_kind::chat);
  BOOST_REQUIRE(made.has_error());
  BOOST_TEST(to_string(made.error()).find("canary") == std::string::npos);
  provider = plain_provider();
  provider.headers["X-A"] = "b\nc";
  BOOST_TEST(make_codec(provider, api_kind::chat).has_error());
  for (const char* name : {"Content-Length", "Transfer-Encoding", "Host", "X Y", "X:Y", ""}) {
    provider = plain_provider();
    provider.headers[name] = "1";
    BOOST_TEST(make_codec(provider, api_kind::chat).has_error(), name);
  }
}

BOOST_AUTO_TEST_CASE(text_that_is_no_utf8_is_still_written_as_json) {
  chat_request request;
  request.model = model_name("m");
  request.messages.push_back(make_message(role::user, "a\xff\xc0\xafz\xed\xa0\x80"));
  static const auto chat = std::move(*make_codec(plain_provider(), api_kind::chat));
  const auto made = chat->encode_chat(request);
  BOOST_REQUIRE(made.has_value());
  const auto parsed = json_document::parse(made->body);
  BOOST_REQUIRE(parsed.has_value());
  BOOST_TEST(text_of(find_member((*find_member(parsed->root(), "messages"))[0], "content"))
                 .starts_with("a\xef\xbf\xbd"));
}

BOOST_AUTO_TEST_CASE(an_extra_field_must_be_json_and_must_not_stand_twice) {
  static const auto chat = std::move(*make_codec(plain_provider(), api_kind::chat));
  chat_request request;
  request.messages.push_back(make_message(role::user, "x"));
  request.extra = {{"seed", "7}, \"model\": \"other"}};
  BOOST_TEST(chat->encode_chat(request).has_error());
  request.extra = {{"model", "\"other\""}};
  const auto twice = chat->encode_chat(request);
  BOOST_REQUIRE(twice.has_error());
  BOOST_TEST(twice.error().place == "model");
  request.extra = {{"seed", "7"}};
  BOOST_TEST(chat->encode_chat(request)->body.find("\"seed\":7") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
