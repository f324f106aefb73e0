// Every recorded Chat Completions reply, whole and streamed, against what an independent parser made of it.
#include "openai_fixtures.hpp"

#include <set>

using namespace weir;
using namespace weir::protocols;
using namespace weir::protocols::recorded;

namespace {

/// Expected class of the index, as our error types.
std::set<errc> types_for(std::string_view word) {
  if (word == "auth" || word == "permission")
    return {errc::auth};
  if (word == "insufficient_quota")
    return {errc::quota_exceeded};
  if (word == "context_length")
    return {errc::token_limit};
  if (word == "request_too_large")
    return {errc::token_limit, errc::invalid_request};
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
  if (const json_value* status = find_member(expected, "status");
      status != nullptr && status->GetInt() != 200)
    BOOST_TEST(error.status_code == status->GetInt(), id << ": status");
}

void check_count(std::optional<std::uint64_t> got, const json_value* usage, const char* name,
                 std::string_view id) {
  const json_value* want = usage == nullptr ? nullptr : find_member(*usage, name);
  if (want != nullptr)
    BOOST_TEST(got.value_or(0) == want->GetUint64(), id << ": " << name);
}

/// A figure that the provider did not report is not zero but unknown.
void check_part(std::optional<std::uint64_t> got, const json_value* usage, const char* name,
                std::string_view id) {
  if (usage == nullptr)
    return;
  const json_value* want = find_member(*usage, name);
  if (id.find("llamacpp") ==
      std::string_view::npos) // says it outside of its usage, where the index does not look
    BOOST_TEST(got.has_value() == (want != nullptr), id << ": " << name << " reported");
  check_count(got, usage, name, id);
}

void check_calls(const chat_reply& reply, const json_value& wanted, std::string_view id) {
  BOOST_REQUIRE_MESSAGE(reply.tool_calls.size() == wanted.Size(), id << ": " << reply.tool_calls.size());
  for (rapidjson::SizeType n = 0; n != wanted.Size(); ++n) {
    const tool_call& call = reply.tool_calls[n];
    BOOST_TEST(call.name == text_of(find_member(wanted[n], "name")), id);
    BOOST_TEST(!call.id.empty(), id);
    if (const auto name = text_of(find_member(wanted[n], "id")); !name.empty())
      BOOST_TEST(call.id == name, id);
    BOOST_TEST(call.arguments == text_of(find_member(wanted[n], "arguments")), id << ": arguments");
    BOOST_TEST(call.custom == (text_of(find_member(wanted[n], "type")) == "custom"), id << ": custom");
  }
}

void check_reply(const chat_reply& reply, const json_value& expected, std::string_view id) {
  BOOST_TEST(reply.success, id);
  const json_value& choice = (*find_member(expected, "choices"))[0];
  std::string_view text = text_of(find_member(choice, "text"));
  if (text.empty())
    text = text_of(find_member(choice, "refusal"));
  BOOST_TEST(reply.content == text, id << ": content");
  BOOST_TEST(reply.reasoning == text_of(find_member(choice, "reasoning")), id << ": reasoning");
  std::set<std::string_view> reasons{text_of(find_member(choice, "finish_reason"))};
  if (const json_value* also = find_member(choice, "finish_reason_also_accepted")) {
    if (also->IsString())
      reasons.insert(text_of(also));
    else
      for (const json_value& each : also->GetArray())
        reasons.insert(text_of(&each));
  }
  BOOST_TEST(reasons.contains(to_string(reply.finish_reason)), id << ": " << to_string(reply.finish_reason));
  check_calls(reply, *find_member(choice, "tool_calls"), id);
  BOOST_TEST(reply.model.str() == text_of(find_member(expected, "model")), id << ": model");
  const json_value* usage = find_member(expected, "usage");
  BOOST_TEST((reply.usage.source == metering::reported) == (usage != nullptr), id << ": metering");
  check_count(reply.usage.prompt_tokens, usage, "prompt_tokens", id);
  check_part(reply.usage.cached_tokens, usage, "cached_tokens", id);
  check_part(reply.usage.cache_write_tokens, usage, "cache_write_tokens", id);
  check_part(reply.usage.reasoning_tokens, usage, "reasoning_tokens", id);
  const bool hidden = usage != nullptr && find_member(*usage, "billable_output_tokens") != nullptr;
  check_count(reply.usage.completion_tokens, usage, hidden ? "billable_output_tokens" : "completion_tokens",
              id);
}

void check_outcome(const result<chat_reply>& reply, const json_value& expected, std::string_view id) {
  const bool ok = find_member(expected, "ok")->GetBool();
  BOOST_TEST(reply.has_value() == ok, id << ": " << (reply ? "" : to_string(reply.error())));
  if (reply && ok)
    check_reply(*reply, expected, id);
  else if (!reply && !ok)
    check_failure(reply.error(), *find_member(expected, "error"), id);
}

/// What was told on the way is what the reply says at its end.
void check_deltas(const streamed& got, std::string_view id) {
  if (!got.reply)
    return;
  const chat_reply& reply = *got.reply;
  if (reply.refusal.empty())
    BOOST_TEST(told(got.deltas, chat_delta::kind::content) == reply.content, id << ": content told");
  BOOST_TEST(told(got.deltas, chat_delta::kind::reasoning) == reply.reasoning, id << ": reasoning told");
  BOOST_TEST(told(got.deltas, chat_delta::kind::refusal) == reply.refusal, id << ": refusal told");
  for (std::size_t at = 0; at != reply.tool_calls.size(); ++at) {
    const auto number = static_cast<std::uint32_t>(at);
    BOOST_TEST(told(got.deltas, chat_delta::kind::tool_call, number) == reply.tool_calls[at].arguments, id);
    const auto first = std::ranges::find_if(got.deltas, [&](const chat_delta& each) {
      return each.type == chat_delta::kind::tool_call && each.tool_index == number;
    });
    BOOST_REQUIRE_MESSAGE(first != got.deltas.end(), id);
    BOOST_TEST(first->tool_name == reply.tool_calls[at].name, id);
  }
}

bool is_chat(const json_value& entry) {
  return text_of(find_member(entry, "api")) == "openai.chat";
}

} // namespace

BOOST_AUTO_TEST_SUITE(recorded_test)

BOOST_AUTO_TEST_CASE(every_recorded_reply_is_read_as_an_independent_parser_reads_it) {
  const auto chat = chat_codec();
  std::size_t whole = 0;
  std::size_t streams = 0;
  const std::size_t all = for_each_case([&](const json_value& entry, const json_value& recorded) {
    if (!is_chat(entry))
      return;
    const http_response response = response_of(recorded);
    const json_value& expected = *find_member(entry, "expected");
    const std::string id(text_of(find_member(entry, "id")));
    if (!is_streamed(recorded, response)) {
      check_outcome(chat->decode_chat(response, {}), expected, id);
      ++whole;
      return;
    }
    ++streams;
    for (const streamed& got :
         {feed_whole(*chat, response), feed_bytes(*chat, response), feed_pieces(*chat, response, streams),
          feed_pieces(*chat, response, streams + 1000)}) {
      check_outcome(got.reply, expected, id);
      check_deltas(got, id);
    }
  });
  BOOST_TEST(all == 143U);
  BOOST_TEST(whole + streams == 102U);
  BOOST_TEST(streams >= 30U);
}

BOOST_AUTO_TEST_CASE(a_reply_that_was_not_streamed_is_told_as_deltas_all_the_same) {
  // Some servers answer a streamed request with a whole body, for errors nearly all.
  const auto chat = chat_codec();
  std::size_t cases = 0;
  for_each_case([&](const json_value& entry, const json_value& recorded) {
    const http_response response = response_of(recorded);
    if (!is_chat(entry) || is_streamed(recorded, response))
      return;
    const std::string id(text_of(find_member(entry, "id")));
    for (const streamed& got : {feed_whole(*chat, response), feed_pieces(*chat, response, 7)}) {
      check_outcome(got.reply, *find_member(entry, "expected"), id);
      check_deltas(got, id);
    }
    ++cases;
  });
  BOOST_TEST(cases >= 60U);
}

BOOST_AUTO_TEST_CASE(a_body_that_breaks_off_anywhere_is_a_typed_failure) {
  const auto chat = chat_codec();
  for (const char* name :
       {"openai/chat/basic.json", "openai/tools/parallel_two.json", "generic/mistral/chat/basic.json",
        "generic/deepseek/chat/basic.json", "openai/vision/image_url_length.json"}) {
    const auto file = json_document::parse(read_fixture(name));
    BOOST_REQUIRE_MESSAGE(file.has_value(), name);
    const http_response whole = response_of(file->root());
    const std::size_t end = whole.body.find_last_not_of(" \r\n") + 1;
    for (std::size_t length = 0; length < end; ++length) {
      http_response part = whole;
      part.body.resize(length);
      const auto reply = chat->decode_chat(part, std::chrono::sys_seconds{});
      BOOST_REQUIRE_MESSAGE(reply.has_error(), name << " cut at " << length);
      BOOST_REQUIRE((reply.error().type == errc::server_error));
      BOOST_REQUIRE((reply.error().fate == outcome::unknown));
    }
    BOOST_TEST(chat->decode_chat(whole, std::chrono::sys_seconds{}).has_value(), name);
  }
}

BOOST_AUTO_TEST_CASE(a_stream_that_breaks_off_anywhere_is_whole_or_a_network_failure) {
  const auto chat = chat_codec();
  for (const char* name : {"openai/stream/tool_parallel_usage.json",
                           "generic/perplexity/stream/crlf_no_done_usage_each_chunk.json",
                           "generic/openrouter/stream/reasoning_details_tool.json",
                           "generic/quirks/stream/tool_repeated_args_null_finish.json"}) {
    const auto file = json_document::parse(read_fixture(name));
    BOOST_REQUIRE_MESSAGE(file.has_value(), name);
    const http_response whole = response_of(file->root());
    const auto right = feed_whole(*chat, whole);
    BOOST_REQUIRE_MESSAGE(right.reply.has_value(), name);
    std::size_t answers = 0;
    for (std::size_t length = 1; length < whole.body.size(); ++length) {
      http_response part = whole;
      part.body.resize(length);
      const auto got = feed_whole(*chat, part);
      if (got.reply) { // cut behind the reason to finish: the usage may be missing, and nothing else
        ++answers;
        BOOST_REQUIRE_MESSAGE(got.reply->content == right.reply->content, name << " cut at " << length);
        BOOST_REQUIRE_MESSAGE((got.reply->tool_calls == right.reply->tool_calls),
                              name << " cut at " << length);
        continue;
      }
      BOOST_REQUIRE_MESSAGE((got.reply.error().type == errc::network), name << " cut at " << length);
      BOOST_REQUIRE(got.reply.error().retryable);
      BOOST_REQUIRE((got.reply.error().fate == outcome::unknown));
    }
    BOOST_TEST(answers < whole.body.size() / 2, name);
  }
}

BOOST_AUTO_TEST_CASE(a_recorded_list_of_models_is_read) {
  std::size_t lists = 0;
  for_each_case([&](const json_value& entry, const json_value& recorded) {
    if (text_of(find_member(entry, "api")) != "openai.models")
      return;
    const auto models = chat_codec()->decode_models(response_of(recorded), {});
    BOOST_REQUIRE(models.has_value());
    BOOST_TEST(!models->empty());
    BOOST_TEST(!models->front().empty());
    ++lists;
  });
  BOOST_TEST(lists == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
