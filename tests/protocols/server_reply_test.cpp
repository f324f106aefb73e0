// What a client is answered: replies and errors, whole and streamed, read back by the client's side.
#include "openai_fixtures.hpp"

#include "protocols/openai_chat_server.hpp"

#include <limits>

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

chat_reply example() {
  chat_reply reply;
  reply.success = true;
  reply.content = "Hello \"world\" é漢😀";
  reply.reasoning = "think\n";
  reply.model = model_name("gpt-4");
  reply.finish_reason = finish_reason::tool_calls;
  reply.tool_calls = {{"call_1", "weather", R"({"city":"Bern"})"},
                      {"call_2", "weather", "{}", false, {{"extra_content", R"({"google":{"s":1}})"}}}};
  reply.extra = {{"reasoning_details", R"([{"type":"reasoning.text","text":"think\n"}])"},
                 {"reasoning_content", R"("think\n")"}};
  reply.usage.prompt_tokens = 10;
  reply.usage.completion_tokens = 4;
  reply.usage.total_tokens = 14;
  reply.usage.cached_tokens = 3;
  reply.usage.reasoning_tokens = 0;
  return reply;
}

/// The next piece of a text: `size` bytes or a few more, for no delta ends within a character.
std::string piece_at(std::string_view text, std::size_t at, std::size_t size) {
  std::size_t end = std::min(text.size(), at + size);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
    ++end;
  return std::string(text.substr(at, end - at));
}

/// The reply as deltas, each text in small pieces.
std::vector<chat_delta> deltas_of(const chat_reply& reply, std::size_t size) {
  std::vector<chat_delta> deltas;
  const auto say = [&](chat_delta::kind type, std::string_view text) {
    for (std::size_t at = 0; at < text.size(); at += deltas.back().text.size())
      deltas.push_back({type, piece_at(text, at, size), 0, {}, {}});
  };
  say(chat_delta::kind::reasoning, reply.reasoning);
  say(reply.refusal.empty() ? chat_delta::kind::content : chat_delta::kind::refusal, reply.content);
  for (std::size_t n = 0; n != reply.tool_calls.size(); ++n) {
    const tool_call& call = reply.tool_calls[n];
    deltas.push_back({chat_delta::kind::tool_call, "", static_cast<std::uint32_t>(n), call.id, call.name});
    for (std::size_t at = 0; at < call.arguments.size(); at += size)
      deltas.push_back({chat_delta::kind::tool_call,
                        call.arguments.substr(at, size),
                        static_cast<std::uint32_t>(n),
                        {},
                        {}});
  }
  return deltas;
}

http_response streamed_reply(const chat_reply& reply, bool include_usage, std::size_t size) {
  const auto encoder = make_chat_stream_encoder(reply.model, "chatcmpl-1", 7, include_usage);
  http_response made{200, {{"content-type", "text/event-stream"}}, encoder->begin()};
  for (const chat_delta& each : deltas_of(reply, size))
    made.body += encoder->encode(each);
  made.body += encoder->end(reply);
  return made;
}

/// The events of a stream that are JSON, and whether it ends with the end mark.
std::vector<json_document> chunks_of(const http_response& stream, bool& marked) {
  std::vector<json_document> chunks;
  std::string_view rest = stream.body;
  marked = false;
  while (!rest.empty()) {
    const auto end = rest.find("\n\n");
    BOOST_REQUIRE(end != std::string_view::npos);
    BOOST_REQUIRE(rest.starts_with("data: "));
    BOOST_REQUIRE(!marked);
    const std::string_view data = rest.substr(6, end - 6);
    marked = data == "[DONE]";
    if (!marked) {
      auto parsed = json_document::parse(data);
      BOOST_REQUIRE_MESSAGE(parsed.has_value(), data);
      chunks.push_back(std::move(*parsed));
    }
    rest.remove_prefix(end + 2);
  }
  return chunks;
}

void check_same(const chat_reply& seen, const chat_reply& sent) {
  BOOST_TEST(seen.content == sent.content);
  BOOST_TEST(seen.reasoning == sent.reasoning);
  BOOST_TEST(seen.refusal == sent.refusal);
  BOOST_TEST((seen.tool_calls == sent.tool_calls));
  BOOST_TEST((seen.usage == sent.usage));
  BOOST_TEST((seen.finish_reason == sent.finish_reason));
  BOOST_TEST((seen.model == sent.model));
  BOOST_TEST((seen.extra == sent.extra));
  BOOST_TEST(seen.metadata.request_id == "chatcmpl-1");
}

} // namespace

BOOST_AUTO_TEST_SUITE(server_reply_test)

BOOST_AUTO_TEST_CASE(a_reply_survives_the_way_to_the_client) {
  const auto client = chat_codec();
  chat_reply sent = example();
  sent.tool_calls.push_back({"call_3", "calculate", "1 + 2", true});
  const auto seen = client->decode_chat(encode_chat_reply(sent, "chatcmpl-1", 7), {});
  BOOST_REQUIRE(seen.has_value());
  check_same(*seen, sent);
}

BOOST_AUTO_TEST_CASE(a_streamed_reply_survives_the_way_to_the_client) {
  const auto client = chat_codec();
  const chat_reply sent = example();
  for (const std::size_t size : {1U, 5U, 1000U}) {
    const streamed seen = feed_pieces(*client, streamed_reply(sent, true, size), size);
    BOOST_REQUIRE(seen.reply.has_value());
    check_same(*seen.reply, sent);
    const streamed unpaid = feed_whole(*client, streamed_reply(sent, false, size));
    BOOST_REQUIRE(unpaid.reply.has_value());
    BOOST_TEST((unpaid.reply->usage.source == metering::estimated));
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_has_a_place_of_its_own) {
  const auto client = chat_codec();
  chat_reply sent;
  sent.content = sent.refusal = "I will not";
  sent.model = model_name("m");
  sent.finish_reason = finish_reason::stop;
  sent.usage.prompt_tokens = sent.usage.total_tokens = 1;
  const http_response whole = encode_chat_reply(sent, "chatcmpl-1", 7);
  BOOST_TEST(whole.body.find(R"("content":null,"refusal":"I will not")") != std::string::npos);
  check_same(*client->decode_chat(whole, {}), sent);
  check_same(*feed_bytes(*client, streamed_reply(sent, true, 3)).reply, sent);
  chat_reply silent;
  BOOST_TEST(encode_chat_reply(silent, "x", 7).body.find(R"("content":"","refusal":null)") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(chunks_have_all_that_strict_clients_ask_for) {
  for (const bool include_usage : {true, false}) {
    const chat_reply sent = example();
    bool marked = false;
    const auto chunks = chunks_of(streamed_reply(sent, include_usage, 4), marked);
    BOOST_TEST(marked);
    std::size_t finished = 0;
    std::vector<bool> begun(sent.tool_calls.size());
    for (std::size_t n = 0; n != chunks.size(); ++n) {
      const json_value& root = chunks[n].root();
      BOOST_TEST(text_of(find_member(root, "id")) == "chatcmpl-1");
      BOOST_TEST(text_of(find_member(root, "object")) == "chat.completion.chunk");
      BOOST_TEST(find_member(root, "created")->GetInt64() == 7);
      BOOST_TEST(text_of(find_member(root, "model")) == "gpt-4");
      const json_value& choices = *find_member(root, "choices");
      if (include_usage && n + 1 == chunks.size()) {
        BOOST_TEST(choices.Empty());
        BOOST_TEST(find_member(root, "usage", "total_tokens")->GetUint64() == 14U);
        continue;
      }
      BOOST_TEST(root.HasMember("usage") == include_usage);
      if (include_usage)
        BOOST_TEST(root["usage"].IsNull());
      BOOST_REQUIRE(choices.Size() == 1U);
      const json_value& delta = *find_member(choices[0], "delta");
      BOOST_TEST((n == 0) == delta.HasMember("role"));
      if (choices[0]["finish_reason"].IsString()) {
        ++finished;
        BOOST_TEST(delta.ObjectEmpty());
        BOOST_TEST(text_of(&choices[0]["finish_reason"]) == "tool_calls");
      }
      if (const json_value* calls = find_member(delta, "tool_calls"))
        for (const json_value& call : calls->GetArray()) {
          const auto index = find_member(call, "index")->GetUint();
          BOOST_REQUIRE(index < begun.size());
          BOOST_TEST(call.HasMember("id") == !begun[index]);
          BOOST_TEST(call.HasMember("type") == !begun[index]);
          BOOST_TEST((find_member(call, "function", "name") != nullptr) == !begun[index]);
          BOOST_TEST(find_member(call, "function", "arguments")->IsString());
          begun[index] = true;
        }
    }
    BOOST_TEST(finished == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_call_without_an_id_is_given_one_and_a_late_name_is_told) {
  const auto encoder = make_chat_stream_encoder(model_name("m"), "c1", 7, false);
  http_response stream{200, {}, encoder->begin()};
  const auto piece = [&](std::string text, std::string name) {
    stream.body += encoder->encode({chat_delta::kind::tool_call, std::move(text), 0, {}, std::move(name)});
  };
  piece("", "");
  piece("{", "f");
  piece("}", "");
  chat_reply whole;
  whole.finish_reason = finish_reason::tool_calls;
  stream.body += encoder->end(whole);
  const streamed seen = feed_whole(*chat_codec(), stream);
  BOOST_REQUIRE(seen.reply.has_value());
  BOOST_REQUIRE(seen.reply->tool_calls.size() == 1U);
  BOOST_TEST((seen.reply->tool_calls[0] == tool_call{"call_c1_0", "f", "{}"}));
}

BOOST_AUTO_TEST_CASE(a_stream_that_fails_tells_why) {
  const auto encoder = make_chat_stream_encoder(model_name("m"), "c1", 7, true);
  http_response stream{200, {{"content-type", "text/event-stream"}}, encoder->begin()};
  stream.body += encoder->encode({chat_delta::kind::content, "A", 0, {}, {}});
  failure broken = make_failure(errc::rate_limit, "too fast");
  broken.vendor_code = "rate_limit_exceeded";
  stream.body += encoder->fail(broken);
  const streamed seen = feed_bytes(*chat_codec(), stream);
  BOOST_REQUIRE(seen.reply.has_error());
  BOOST_TEST((seen.reply.error().type == errc::rate_limit));
  BOOST_TEST(seen.reply.error().vendor_message == "too fast");
  BOOST_TEST(told(seen.deltas, chat_delta::kind::content) == "A");
}

BOOST_AUTO_TEST_CASE(an_error_keeps_its_class_on_the_way) {
  const auto client = chat_codec();
  for (const auto& [type, status] :
       {std::pair{errc::auth, 401}, std::pair{errc::rate_limit, 429}, std::pair{errc::server_error, 500},
        std::pair{errc::invalid_request, 400}, std::pair{errc::token_limit, 400},
        std::pair{errc::model_not_found, 404}, std::pair{errc::quota_exceeded, 429},
        std::pair{errc::content_filter, 400}, std::pair{errc::timeout, 504}})
    for (const int given : {status, 0, 200}) { // with a status of its own, without, or told under a 200
      failure error = make_failure(type, "no");
      error.status_code = given;
      const http_response response = encode_error(error);
      BOOST_TEST(response.status == status, to_string(type));
      const auto seen = client->decode_chat(response, {});
      BOOST_REQUIRE(seen.has_error());
      BOOST_TEST((seen.error().type == type), to_string(type));
      BOOST_TEST(seen.error().vendor_message == "no");
    }
  for (const auto& [type, status] : {std::pair{errc::overloaded, 503}, std::pair{errc::circuit_open, 503},
                                     std::pair{errc::network, 502}, std::pair{errc::config, 500}})
    BOOST_TEST(encode_error(make_failure(type, "no")).status == status, to_string(type));
}

BOOST_AUTO_TEST_CASE(a_hint_when_to_come_again_is_passed_on) {
  const auto client = chat_codec();
  for (const std::int64_t wait : {1LL, 999LL, 1000LL, 1500LL, 34'000LL}) {
    failure error = make_failure(errc::rate_limit, "slow");
    error.retry_after = std::chrono::milliseconds(wait);
    const http_response response = encode_error(error);
    BOOST_TEST(response.find("retry-after") == std::to_string((wait + 999) / 1000));
    BOOST_TEST((client->decode_chat(response, {}).error().retry_after == error.retry_after));
  }
  BOOST_TEST(encode_error(make_failure(errc::rate_limit, "slow")).find("retry-after").empty());
}

BOOST_AUTO_TEST_SUITE_END()
