// What a provider's error means: every recorded one, and each shape that a body may have.
#include "openai_fixtures.hpp"

#include "protocols/error_table.hpp"

#include <set>

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

failure classified(int status, std::string body, http_fields fields = {}) {
  return classify({status, std::move(fields), std::move(body)}, std::chrono::sys_seconds{});
}

/// The failure that an error in the middle of a stream tells.
failure in_body(std::string_view body) {
  const auto parsed = json_document::parse(body);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), body);
  return classify_in_body(read_vendor_error(parsed->root()));
}

std::string without_blanks(std::string_view text) {
  std::string left(text);
  std::erase(left, ' ');
  return left;
}

/// The index's class, as ours.
errc type_for(std::string_view word) {
  if (word == "permission")
    return errc::auth;
  if (word == "insufficient_quota")
    return errc::quota_exceeded;
  if (word == "context_length" || word == "request_too_large")
    return errc::token_limit;
  if (word == "not_found")
    return errc::invalid_request;
  if (word == "overloaded")
    return errc::server_error;
  return to_errc(word).value_or(errc::none);
}

} // namespace

BOOST_AUTO_TEST_SUITE(error_test)

BOOST_AUTO_TEST_CASE(every_recorded_error_of_any_api_is_classified) {
  std::set<std::string_view> words;
  std::size_t errors = 0;
  for_each_case([&](const json_value& entry, const json_value& recorded) {
    const http_response response = response_of(recorded);
    const json_value* expected = find_member(entry, "expected", "error");
    if (expected == nullptr || response.status < 300)
      return;
    const std::string id(text_of(find_member(entry, "id")));
    const failure told = classify(response, std::chrono::sys_seconds{});
    BOOST_TEST((told.type == type_for(text_of(find_member(*expected, "class")))),
               id << ": " << to_string(told));
    BOOST_TEST(told.retryable == find_member(*expected, "retryable")->GetBool(), id << ": retryable");
    BOOST_TEST(told.status_code == response.status, id);
    // The vendor's text; the index writes objects with more blanks, and knows less of OpenRouter's.
    BOOST_TEST(without_blanks(told.vendor_message)
                   .starts_with(without_blanks(text_of(find_member(*expected, "message"))).substr(0, 60)),
               id << ": " << told.vendor_message);
    BOOST_TEST(!told.message.empty(), id);
    BOOST_TEST(told.message.find(told.vendor_message) == std::string::npos, id); // two fields
    if (const json_value* wait = find_member(*expected, "retry_after_ms"))
      BOOST_TEST((told.retry_after == std::chrono::milliseconds(wait->GetInt64())), id);
    ++errors;
  });
  BOOST_TEST(errors == 43U);
}

BOOST_AUTO_TEST_CASE(every_recorded_error_of_a_stream_is_told_by_the_decoder) {
  std::size_t errors = 0;
  const auto chat = chat_codec();
  for_each_case([&](const json_value& entry, const json_value& recorded) {
    if (text_of(find_member(entry, "kind")) != "stream_error" ||
        text_of(find_member(entry, "api")) != "openai.chat")
      return;
    const std::string id(text_of(find_member(entry, "id")));
    const streamed got = feed_bytes(*chat, response_of(recorded));
    BOOST_REQUIRE_MESSAGE(got.reply.has_error(), id);
    const json_value& expected = *find_member(entry, "expected", "error");
    BOOST_TEST((got.reply.error().type == type_for(text_of(find_member(expected, "class")))), id);
    BOOST_TEST((got.reply.error().fate == outcome::unknown), id);
    BOOST_TEST(!got.deltas.empty(), id);
    ++errors;
  });
  BOOST_TEST(errors == 3U);
}

BOOST_AUTO_TEST_CASE(the_words_are_found_in_a_body_of_any_shape) {
  for (const char* body :
       {R"({"error":{"message":"words","type":"t","code":"c"}})",
        R"({"type":"error","error":{"type":"t","message":"words"},"request_id":"r"})",
        R"({"object":"error","message":"words","type":"t","code":null})", R"({"detail":"words"})",
        R"({"code":"c","error":"words"})", R"({"error":"words"})", R"({"message":"words"})",
        R"([{"error":{"code":400,"message":"words","status":"INVALID_ARGUMENT"}}])",
        R"({"errors":[{"code":7003,"message":"words"}],"success":false})"}) {
    const failure told = classified(400, body);
    BOOST_TEST(told.vendor_message == "words", body);
    BOOST_TEST((told.type == errc::invalid_request), body);
  }
  BOOST_TEST(classified(400, "plain words").vendor_message == "plain words");
  BOOST_TEST(classified(400, R"({"message":{"detail":[1]}})").vendor_message == R"({"detail":[1]})");
  BOOST_TEST(classified(400, R"({"detail":[{"msg":"x"}]})").vendor_message == R"([{"msg":"x"}])");
  BOOST_TEST(classified(429, R"({"error":{"message":"m","code":429}})").vendor_code == "429");
  BOOST_TEST(classified(400, R"({"error":{"message":"m","type":"t"}})").vendor_code == "t");
  BOOST_TEST(classified(400, R"({"error":{"message":"m"},"request_id":"r"})").request_id == "r");
}

BOOST_AUTO_TEST_CASE(what_a_gateway_hides_of_its_providers_error_is_read) {
  const failure told = classified(
      400,
      R"({"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"message\":\"prompt is too long: 9 tokens\"}"}}})");
  BOOST_TEST((told.type == errc::token_limit));
  BOOST_TEST(told.vendor_message.find("prompt is too long") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_class_is_told_by_the_words_where_the_status_does_not_say) {
  const auto type = [](int status, const char* body) { return classified(status, body).type; };
  BOOST_TEST((type(429, R"({"error":{"code":"insufficient_quota"}})") == errc::quota_exceeded));
  BOOST_TEST((type(400, R"({"error":{"message":"Your credit balance is too low to access"}})") ==
              errc::quota_exceeded));
  BOOST_TEST((type(400, R"({"error":{"message":"API key not valid. Please pass a valid API key."}})") ==
              errc::auth));
  BOOST_TEST((type(400, R"({"error":{"message":"xyz is not a valid model ID"}})") == errc::model_not_found));
  BOOST_TEST((type(404, R"({"error":{"message":"model: claude-9"}})") == errc::model_not_found));
  BOOST_TEST((type(404, R"({"error":{"message":"no route"}})") == errc::invalid_request));
  BOOST_TEST((type(500, R"({"error":{"message":"the request exceeds the available context size"}})") ==
              errc::token_limit));
  BOOST_TEST((type(429, R"({"error":{"message":"please reduce the length"}})") == errc::rate_limit));
  BOOST_TEST((type(413, R"({"error":{"code":"rate_limit_exceeded","message":"Request too large"}})") ==
              errc::token_limit));
  BOOST_TEST((type(400, R"({"error":{"code":"content_filter"}})") == errc::content_filter));
  BOOST_TEST((type(418, "{}") == errc::invalid_request));
}

BOOST_AUTO_TEST_CASE(an_error_in_the_middle_of_a_stream_has_the_classes_of_the_table) {
  const auto type = [](const char* body) { return in_body(body).type; };
  BOOST_TEST((type(R"({"error":{"code":429,"message":"slow"}})") == errc::rate_limit));
  BOOST_TEST((type(R"({"error":{"code":"502","message":"gone"}})") == errc::server_error));
  BOOST_TEST((type(R"({"error":{"message":"x","status_code":401}})") == errc::auth));
  BOOST_TEST((type(R"({"error":{"type":"overloaded_error"}})") == errc::server_error));
  BOOST_TEST((type(R"({"error":{"type":"rate_limit_error"}})") == errc::rate_limit));
  BOOST_TEST((type(R"({"error":{"type":"invalid_request_error"}})") == errc::invalid_request));
  BOOST_TEST((type(R"({"error":{"status":"UNAVAILABLE"}})") == errc::server_error));
  BOOST_TEST((type(R"({"error":{"status":"RESOURCE_EXHAUSTED"}})") == errc::rate_limit));
  BOOST_TEST(
      (type(R"({"error":{"message":"This model's maximum context length is 8"}})") == errc::token_limit));
}

BOOST_AUTO_TEST_CASE(an_error_that_nobody_knows_is_unknown_and_keeps_its_words) {
  for (const char* body :
       {R"({"error":{"message":"the moon is full","type":"lunar","code":"m7"}})",
        R"({"error":"the moon is full"})", R"({"error":{"code":7,"message":"the moon is full"}})",
        R"({"error":{"code":1e400,"message":"the moon is full"}})"}) {
    const auto parsed = json_document::parse(body);
    if (!parsed)
      continue; // a number beyond all bounds is refused by the parser
    const failure told = in_body(body);
    BOOST_TEST((told.type == errc::unknown), body);
    BOOST_TEST(!told.retryable, body);
    BOOST_TEST(told.vendor_message == "the moon is full", body);
    BOOST_TEST((told.fate == outcome::unknown), body);
  }
  for (const char* body : {"null", "7", "[]", "[null]", "\"x\"", "{}", R"({"error":{}})", R"({"error":[[]]})",
                           R"({"errors":[]})", R"({"error":{"message":{},"code":{},"type":[]}})"})
    BOOST_TEST((in_body(body).type == errc::unknown), body);
}

BOOST_AUTO_TEST_CASE(a_vendors_text_is_bounded_between_characters) {
  std::string text;
  while (text.size() < 10'000)
    text += "é漢😀";
  for (std::size_t shift = 0; shift != 9; ++shift) {
    const failure told =
        classified(400, R"({"error":{"message":")" + std::string(shift, 'x') + text + "\"}}");
    BOOST_TEST(told.vendor_message.size() <= 4096U);
    BOOST_TEST(told.vendor_message.size() > 4090U);
    const auto& end = told.vendor_message;
    const std::string rest = (std::string(shift, 'x') + text).substr(end.size(), 1);
    BOOST_TEST((static_cast<unsigned char>(rest[0]) & 0xc0U) != 0x80U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
