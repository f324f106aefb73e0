// Replies of Anthropic's API: every recorded one, whole and streamed, against what an independent parser made
// of it, and what proxies and hostile servers make of them.
#include "anthropic_cases.hpp"

#include <set>

using namespace anthropic_cases;

namespace {

std::set<errc> types_for(std::string_view word) {
  if (word == "auth" || word == "permission")
    return {errc::auth};
  if (word == "insufficient_quota")
    return {errc::quota_exceeded};
  if (word == "context_length" || word == "request_too_large")
    return {errc::token_limit};
  if (word == "not_found")
    return {errc::invalid_request, errc::model_not_found};
  if (word == "overloaded")
    return {errc::server_error};
  return {to_errc(word).value_or(errc::none)};
}

void check_failure(const failure& error, const json_value& expected, std::string_view id) {
  BOOST_TEST(types_for(text_of(find_member(expected, "class"))).contains(error.type),
             id << ": " << to_string(error.type));
  BOOST_TEST(error.retryable == find_member(expected, "retryable")->GetBool(), id << ": retryable");
  BOOST_TEST(error.status_code == find_member(expected, "status")->GetInt(), id << ": status");
  if (const json_value* wait = find_member(expected, "retry_after_ms"); wait != nullptr)
    BOOST_TEST((error.retry_after == std::chrono::milliseconds(wait->GetInt())), id << ": retry_after");
  if (error.type != errc::network)
    BOOST_TEST(error.vendor_message == text_of(find_member(expected, "message")), id << ": message");
}

/// Null is "not reported", which is not zero.
void check_count(std::optional<std::uint64_t> got, const json_value& usage, const char* name,
                 std::string_view id) {
  const json_value* want = find_member(usage, name);
  BOOST_TEST(got.has_value() == (want != nullptr), id << ": " << name);
  if (got && want != nullptr)
    BOOST_TEST(*got == want->GetUint64(), id << ": " << name);
}

void check_reply(const chat_reply& reply, const json_value& expected, std::string_view id) {
  const json_value& choice = (*find_member(expected, "choices"))[0];
  BOOST_TEST(reply.success, id);
  BOOST_TEST(reply.content == text_of(find_member(choice, "text")), id << ": content");
  BOOST_TEST(reply.reasoning == text_of(find_member(choice, "reasoning")), id << ": reasoning");
  BOOST_TEST(reply.model.str() == text_of(find_member(expected, "model")), id << ": model");
  BOOST_TEST(to_string(reply.finish_reason) == text_of(find_member(choice, "finish_reason")), id);
  BOOST_TEST(reply.metadata.raw_finish_reason == text_of(find_member(choice, "raw_finish_reason")), id);
  BOOST_TEST(reply.metadata.stop_sequence == text_of(find_member(choice, "stop_sequence")), id);
  BOOST_TEST(!reply.metadata.request_id.empty(), id);
  const json_value& calls = *find_member(choice, "tool_calls");
  BOOST_REQUIRE_MESSAGE(reply.tool_calls.size() == calls.Size(), id);
  for (rapidjson::SizeType n = 0; n != calls.Size(); ++n) {
    BOOST_TEST(reply.tool_calls[n].id == text_of(find_member(calls[n], "id")), id);
    BOOST_TEST(reply.tool_calls[n].name == text_of(find_member(calls[n], "name")), id);
    BOOST_TEST(reply.tool_calls[n].arguments == text_of(find_member(calls[n], "arguments")), id);
  }
  const json_value& usage = *find_member(expected, "usage");
  check_count(reply.usage.prompt_tokens, usage, "prompt_tokens", id);
  check_count(reply.usage.completion_tokens, usage, "completion_tokens", id);
  check_count(reply.usage.total_tokens, usage, "total_tokens", id);
  check_count(reply.usage.cached_tokens, usage, "cached_tokens", id);
  check_count(reply.usage.cache_write_tokens, usage, "cache_write_tokens", id);
  check_count(reply.usage.reasoning_tokens, usage, "reasoning_tokens", id);
  BOOST_TEST((reply.usage.source == metering::reported), id);
}

/// What is to be sent back beside text: the types of the blocks, in order.
void check_parts(const chat_reply& reply, const json_value& expected, std::string_view id) {
  std::vector<std::string> others;
  std::string text;
  for (const content_part& part : reply.parts) {
    if (const auto* raw = std::get_if<raw_part>(&part))
      others.emplace_back(text_of(find_member(parsed(raw->json), "type")));
    else if (const auto* thought = std::get_if<reasoning_part>(&part); thought && !thought->redacted.empty())
      others.emplace_back("redacted_thinking");
    else if (const auto* piece = std::get_if<text_part>(&part))
      text += piece->text;
  }
  const json_value& wanted = *find_member(expected, "other_blocks");
  BOOST_REQUIRE_MESSAGE(others.size() == wanted.Size(), id);
  for (rapidjson::SizeType n = 0; n != wanted.Size(); ++n)
    BOOST_TEST(others[n] == text_of(&wanted[n]), id);
  BOOST_TEST(reply.parts.empty() == (others.empty() && reply.reasoning.empty()), id << ": parts");
  if (!reply.parts.empty())
    BOOST_TEST(text == reply.content, id << ": text of the parts");
}

void check_case(const recorded_case& each, const result<chat_reply>& reply) {
  const bool ok = find_member(each.expected, "ok")->GetBool();
  BOOST_REQUIRE_MESSAGE(reply.has_value() == ok, each.id);
  if (!ok)
    return check_failure(reply.error(), *find_member(each.expected, "error"), each.id);
  check_reply(*reply, each.expected, each.id);
  check_parts(*reply, each.expected, each.id);
}

/// The deltas add up to the reply.
void check_deltas(const heard& told, std::string_view id) {
  if (!told.reply)
    return;
  const chat_reply& reply = *told.reply;
  BOOST_TEST(said(told.deltas, chat_delta::kind::content) == reply.content, id);
  BOOST_TEST(said(told.deltas, chat_delta::kind::reasoning) == reply.reasoning, id);
  BOOST_TEST(said(told.deltas, chat_delta::kind::refusal) == reply.refusal, id);
  for (std::uint32_t n = 0; n != reply.tool_calls.size(); ++n)
    BOOST_TEST(said(told.deltas, chat_delta::kind::tool_call, n) == reply.tool_calls[n].arguments, id);
}

http_response recorded(std::string_view wanted) {
  std::optional<http_response> found;
  for_each_case([&](const recorded_case& each) {
    if (each.id == wanted)
      found = to_response(each.response);
  });
  BOOST_REQUIRE_MESSAGE(found.has_value(), wanted);
  return *found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(anthropic_test)

BOOST_AUTO_TEST_CASE(every_recorded_reply_is_read_as_an_independent_parser_reads_it) {
  const auto chat = make();
  std::size_t whole = 0;
  const std::size_t cases = for_each_case([&](const recorded_case& each) {
    if (each.streamed())
      return;
    ++whole;
    check_case(each, chat->decode_chat(to_response(each.response), {}));
    // The same body where a stream was asked for.
    const heard told = listen(to_response(each.response), [] { return 7U; });
    check_case(each, told.reply);
    check_deltas(told, each.id);
  });
  BOOST_TEST(cases >= 30U);
  BOOST_TEST(whole >= 18U);
}

BOOST_AUTO_TEST_CASE(every_recorded_stream_is_read_alike_in_pieces_of_any_size) {
  std::size_t streams = 0;
  for_each_case([&](const recorded_case& each) {
    if (!each.streamed())
      return;
    ++streams;
    const http_response whole = to_response(each.response);
    std::mt19937 dice(20261125U + static_cast<unsigned>(streams));
    std::uniform_int_distribution<std::size_t> size(1, 23);
    for (const std::function<std::size_t()>& next :
         {std::function<std::size_t()>([] { return std::size_t{1} << 30U; }),
          std::function<std::size_t()>([] { return std::size_t{1}; }),
          std::function<std::size_t()>([&] { return size(dice); })}) {
      const heard told = listen(whole, next);
      check_case(each, told.reply);
      check_deltas(told, each.id);
    }
  });
  BOOST_TEST(streams >= 12U);
}

BOOST_AUTO_TEST_CASE(the_hour_long_cache_and_the_reason_of_a_refusal_are_kept) {
  const auto usage = decoded(R"({"content":[],"usage":{"input_tokens":1,"output_tokens":2,
    "cache_creation_input_tokens":30,"cache_read_input_tokens":400,
    "cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20}}})");
  BOOST_REQUIRE(usage.has_value());
  BOOST_TEST((usage->usage.cache_write_1h_tokens == 20U));
  BOOST_TEST(usage->usage.prompt_tokens == 431U);
  for (const char* id : {"anthropic/chat/refusal", "anthropic/stream/refusal"}) {
    const auto reply = listen(recorded(id), [] { return 5U; }).reply;
    BOOST_REQUIRE_MESSAGE(reply.has_value(), id);
    BOOST_TEST(reply->content.empty(), id);
    BOOST_TEST(reply->refusal.starts_with("This request triggered restrictions"), id);
  }
}

BOOST_AUTO_TEST_CASE(what_the_model_thought_comes_back_signed_in_the_next_request) {
  const auto reply = decoded(recorded("anthropic/thinking/basic").body);
  BOOST_REQUIRE(reply.has_value());
  chat_request next;
  next.messages = {make_message(role::user, "What is 5 + 3?"), to_message(*reply),
                   make_message(role::user, "And twice that?")};
  const auto request = make()->encode_chat(next);
  BOOST_REQUIRE(request.has_value());
  const auto body = parsed(request->body);
  const auto sent = parsed(recorded("anthropic/thinking/basic").body);
  BOOST_TEST((*find_member((*find_member(body, "messages"))[1], "content") == *find_member(sent, "content")));
}

BOOST_AUTO_TEST_CASE(the_providers_own_tools_come_back_as_they_were_streamed) {
  const auto reply =
      listen(recorded("anthropic/stream/server_tool_code_execution"), [] { return 11U; }).reply;
  BOOST_REQUIRE(reply.has_value());
  BOOST_REQUIRE(reply->parts.size() == 5U);
  const auto call = parsed(std::get<raw_part>(reply->parts[2]).json);
  BOOST_TEST(text_of(find_member(call, "id")) == "srvtoolu_01MwXaweAHve88x6s3Fc8x6Q");
  BOOST_TEST(text_of(find_member(call, "input", "command")) ==
             R"(echo "65465-6544 * 65464-6+1.02255" | bc -l)");
  const auto outcome = parsed(std::get<raw_part>(reply->parts[3]).json);
  BOOST_TEST(text_of(find_member(outcome, "content", "stdout")) == "-428330955.97745\n");
  BOOST_TEST(!std::get<reasoning_part>(reply->parts[0]).signature.empty());
  BOOST_TEST(reply->tool_calls.empty());
}

BOOST_AUTO_TEST_CASE(a_body_that_breaks_off_anywhere_is_a_typed_failure) {
  for (const char* id : {"anthropic/tools/parallel_four", "anthropic/thinking/basic"}) {
    http_response part = recorded(id);
    const std::string whole = part.body;
    for (std::size_t length = 0; length <= whole.find_last_of('}'); ++length) {
      part.body = whole.substr(0, length);
      const auto reply = make()->decode_chat(part, {});
      BOOST_REQUIRE_MESSAGE(reply.has_error(), id << " cut at " << length);
      BOOST_REQUIRE((reply.error().type == errc::server_error));
      BOOST_REQUIRE((reply.error().fate == outcome::unknown));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_stream_that_breaks_off_anywhere_is_a_network_failure_or_the_whole_reply) {
  for (const char* id : {"anthropic/stream/tool_single", "anthropic/stream/tool_two"}) {
    const http_response whole = recorded(id);
    const auto right = listen(whole, [] { return std::size_t{1} << 30U; }).reply;
    BOOST_REQUIRE(right.has_value());
    const std::size_t last = whole.body.rfind("message_stop\"");
    for (std::size_t length = 1; length <= whole.body.size(); ++length) {
      http_response part = whole;
      part.body.resize(length);
      const auto reply = listen(part, [] { return std::size_t{1} << 30U; }).reply;
      if (reply) {
        BOOST_REQUIRE_MESSAGE(length > last, id << " cut at " << length);
        BOOST_REQUIRE((reply->tool_calls == right->tool_calls));
      } else {
        BOOST_REQUIRE_MESSAGE((reply.error().type == errc::network), id << " cut at " << length);
        BOOST_REQUIRE(reply.error().retryable);
        BOOST_REQUIRE((reply.error().fate == outcome::unknown));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_end_mark_after_a_cut_does_not_make_a_whole_call_of_half_a_one) {
  for (const char* id : {"anthropic/stream/tool_single", "anthropic/stream/tool_two"}) {
    const http_response whole = recorded(id);
    const auto right = listen(whole, [] { return std::size_t{1} << 30U; }).reply;
    std::size_t cuts = 0;
    for (auto at = whole.body.find("\n\n"); at != std::string::npos; at = whole.body.find("\n\n", at + 2)) {
      http_response part = whole;
      part.body = whole.body.substr(0, at + 2) + "data: [DONE]\n\n";
      const auto reply = listen(part, [] { return 9U; }).reply;
      BOOST_REQUIRE_MESSAGE(reply.has_value(), id << " cut at " << at);
      BOOST_REQUIRE(reply->tool_calls.size() <= right.value().tool_calls.size());
      for (std::size_t n = 0; n != reply->tool_calls.size(); ++n)
        BOOST_TEST((reply->tool_calls[n] == right->tool_calls[n]), id << " cut at " << at);
      ++cuts;
    }
    BOOST_TEST(cuts >= 10U);
  }
}

BOOST_AUTO_TEST_CASE(the_names_of_models_are_read_in_their_order) {
  const auto models = make()->decode_models(
      {200, {}, R"({"data":[{"type":"model","id":"b"},{"id":7},{"id":"a"},null],"has_more":false})"}, {});
  BOOST_REQUIRE(models.has_value());
  BOOST_TEST((*models == std::vector{model_name("b"), model_name("a")}));
  for (const char* body : {"", "7", "{}", R"({"data":{}})"})
    BOOST_TEST(make()->decode_models({200, {}, body}, {}).has_error(), body);
  const auto refused = make()->decode_models(
      {401, {}, R"({"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}})"},
      {});
  BOOST_TEST((refused.error().type == errc::auth));
}

BOOST_AUTO_TEST_SUITE_END()
