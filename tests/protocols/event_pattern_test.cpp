// Events that differ only in their words: recognized, read alike, and told apart from all others.
#include "protocols/event_pattern.hpp"

#include "openai_fixtures.hpp"

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

const std::string before = R"({"id":"c1","choices":[{"index":0,"delta":{"content":")";
const std::string after = R"("},"finish_reason":null}]})";

sse_event event_of(const std::string& data) {
  return {{}, data};
}

/// The body with white space before the JSON of every other event, so that no event is like the one before.
std::string made_unlike(std::string body) {
  constexpr std::string_view begin = "data: {";
  bool now = true;
  for (std::size_t at = body.find(begin); at != std::string::npos; at = body.find(begin, at + 8), now = !now)
    if (now && (at == 0 || body[at - 1] == '\n'))
      body.insert(at + 6, "  ");
  return body;
}

} // namespace

BOOST_AUTO_TEST_SUITE(event_pattern_test)

BOOST_AUTO_TEST_CASE(an_event_with_other_words_is_recognized) {
  event_pattern pattern;
  const std::string first = before + "One" + after;
  BOOST_TEST(!pattern.match(event_of(first)).has_value());
  pattern.learn(event_of(first), before.size(), std::nullopt);
  for (const std::string words : {"", "One", " two", "}]", "\u00fc\xe2\x82\xac", "a'b"}) {
    const std::string data = before + words + after;
    BOOST_TEST(pattern.match(event_of(data)).value_or("-") == words);
  }
}

BOOST_AUTO_TEST_CASE(any_other_difference_is_none_of_its_business) {
  event_pattern pattern;
  const std::string first = before + "One" + after;
  pattern.learn(event_of(first), before.size(), std::nullopt);
  const std::string broken = before + "\xff" + after;
  for (const std::string& data :
       {before, after, before + after.substr(1), before + "One" + after + " ", " " + before + "One" + after,
        before + R"(a\n)" + after, before + "a\nb" + after, before + R"(a","role":"x)" + after,
        before + R"(a\)" + after, broken, before + "a" + R"("},"finish_reason":"stop"}]})", std::string()})
    BOOST_TEST(!pattern.match(event_of(data)).has_value(), data);
  BOOST_TEST(!pattern.match({"error", first}).has_value());
  pattern.forget();
  BOOST_TEST(!pattern.match(event_of(first)).has_value());
}

BOOST_AUTO_TEST_CASE(words_that_were_escaped_are_a_hole_too_and_a_padding_is_another) {
  const std::string padded = R"("}}],"obfuscation":")";
  const std::string first = before + R"(\"a\\)" + padded + "xyz\"}";
  event_pattern pattern;
  pattern.learn(event_of(first), before.size(), first.find("xyz"));
  const std::string second = before + "b" + padded + "\"}";
  BOOST_TEST(pattern.match(event_of(second)).value_or("-") == "b");
  for (const std::string& data :
       {before + "b" + padded + "z\",\"a\":1}", before + "b" + padded, before + "b" + padded + "\xff\"}"})
    BOOST_TEST(!pattern.match(event_of(data)).has_value(), data);
  // One that comes before the words is part of what must be the same.
  const std::string turned = R"({"obfuscation":"xyz","delta":"a"})";
  pattern.learn(event_of(turned), turned.find("a\"}"), turned.find("xyz"));
  BOOST_TEST(pattern.match(event_of(R"({"obfuscation":"xyz","delta":"b"})")).value_or("-") == "b");
  BOOST_TEST(!pattern.match(event_of(R"({"obfuscation":"x","delta":"b"})")).has_value());
}

BOOST_AUTO_TEST_CASE(every_recorded_stream_says_the_same_when_each_event_is_parsed) {
  std::size_t streams = 0;
  for_each_case([&](const json_value& entry, const json_value& recorded) {
    http_response response = response_of(recorded);
    if (!is_streamed(recorded, response))
      return;
    const auto id = text_of(find_member(entry, "id"));
    for (const api_kind api : {api_kind::chat, api_kind::messages, api_kind::responses}) {
      provider_config provider;
      provider.type = api == api_kind::messages ? provider_type::claude : provider_type::openai;
      provider.base_url = "http://127.0.0.1:1/v1";
      provider.api_key = secret("k");
      const auto codec = make_codec(provider, api);
      BOOST_REQUIRE(codec.has_value());
      const streamed fast = feed_whole(**codec, response);
      http_response unlike = response;
      unlike.body = made_unlike(response.body);
      const streamed slow = feed_whole(**codec, unlike);
      BOOST_REQUIRE_MESSAGE(fast.reply.has_value() == slow.reply.has_value(), id);
      BOOST_TEST((fast.deltas == slow.deltas), id);
      if (!fast.reply)
        continue;
      ++streams;
      BOOST_TEST(fast.reply->content == slow.reply->content, id);
      BOOST_TEST(fast.reply->reasoning == slow.reply->reasoning, id);
      BOOST_TEST((fast.reply->parts == slow.reply->parts), id);
      BOOST_TEST((fast.reply->tool_calls == slow.reply->tool_calls), id);
      BOOST_TEST((fast.reply->usage == slow.reply->usage), id);
    }
  });
  BOOST_TEST(streams > 20U);
}

BOOST_AUTO_TEST_CASE(a_padding_of_another_length_each_time_hides_no_words) {
  std::vector<std::string> data;
  std::string whole;
  for (const std::string word : {"One", " two", " \\n", " three", " \\u00fc", " four"}) {
    data.push_back(before + word + R"("},"finish_reason":null}],"obfuscation":")" +
                   std::string(data.size() % 3, 'x') + "\"}");
    whole += word == " \\n" ? " \n" : word == " \\u00fc" ? " \u00fc" : word;
  }
  data.push_back(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
  const streamed got = feed_whole(*chat_codec(), stream_of(data));
  BOOST_REQUIRE(got.reply.has_value());
  BOOST_TEST(got.reply->content == whole);
  BOOST_TEST(told(got.deltas, chat_delta::kind::content) == whole);
}

BOOST_AUTO_TEST_CASE(what_is_not_gathered_is_told_and_counted_all_the_same) {
  const auto decoder = chat_codec()->decode_stream({200, {{"content-type", "text/event-stream"}}, {}}, {});
  decoder->gather(false);
  std::vector<chat_delta> deltas;
  std::string body;
  for (int n = 0; n != 100; ++n)
    body += "data: " + before + " word" + after + "\n\n";
  body +=
      R"(data: {"choices":[{"index":0,"delta":{"reasoning_content":"th","tool_calls":[{"index":0,"id":"1",)"
      R"("function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})"
      "\n\n";
  BOOST_TEST(decoder->feed(body, deltas));
  const auto reply = decoder->finish(deltas);
  BOOST_REQUIRE(reply.has_value());
  BOOST_TEST(told(deltas, chat_delta::kind::content).size() == 500U);
  BOOST_TEST(told(deltas, chat_delta::kind::reasoning) == "th");
  BOOST_TEST(reply->content.empty());
  BOOST_TEST(reply->reasoning.empty());
  BOOST_REQUIRE_EQUAL(reply->tool_calls.size(), 1U);
  BOOST_TEST(reply->tool_calls[0].arguments == "{}");
  BOOST_TEST((reply->usage.source == metering::estimated));
  BOOST_TEST(reply->usage.completion_tokens >= 100U);
  BOOST_TEST(reply->usage.total_tokens == reply->usage.completion_tokens);
}

BOOST_AUTO_TEST_SUITE_END()
