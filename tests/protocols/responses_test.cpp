// Recorded replies of OpenAI's Responses API against what an independent parser made of them
// (tests/data/fixtures): whole, in pieces, and cut anywhere.
#include "tests/protocols/responses_reading.hpp"

#include <map>
#include <random>

using namespace responses_reading;

namespace {

void check_count(std::optional<std::uint64_t> got, const json_value& usage, const char* name,
                 std::string_view id) {
  const json_value* want = find_member(usage, name);
  BOOST_TEST(got.has_value() == (want != nullptr), id << ": " << name);
  if (want != nullptr && got)
    BOOST_TEST(*got == want->GetUint64(), id << ": " << name);
}

void check_reply(const chat_reply& reply, const json_value& expected, std::string_view id) {
  const json_value& choice = (*find_member(expected, "choices"))[0];
  BOOST_TEST(reply.success);
  BOOST_TEST(reply.content == text_of(find_member(choice, "text")), id);
  BOOST_TEST(reply.reasoning == text_of(find_member(choice, "reasoning")), id);
  BOOST_TEST(reply.refusal.empty(), id);
  BOOST_TEST(reply.model.str() == text_of(find_member(expected, "model")), id);
  BOOST_TEST(to_string(reply.finish_reason) == text_of(find_member(choice, "finish_reason")), id);
  BOOST_TEST(reply.metadata.raw_finish_reason == text_of(find_member(choice, "raw_finish_reason")), id);
  const json_value& calls = *find_member(choice, "tool_calls");
  BOOST_REQUIRE_EQUAL(reply.tool_calls.size(), calls.Size());
  for (rapidjson::SizeType n = 0; n != calls.Size(); ++n) {
    BOOST_TEST(reply.tool_calls[n].id == text_of(find_member(calls[n], "id")), id);
    BOOST_TEST(reply.tool_calls[n].name == text_of(find_member(calls[n], "name")), id);
    BOOST_TEST(reply.tool_calls[n].arguments == text_of(find_member(calls[n], "arguments")), id);
  }
  const json_value& usage = *find_member(expected, "usage");
  BOOST_TEST((reply.usage.source == metering::reported), id);
  check_count(reply.usage.prompt_tokens, usage, "prompt_tokens", id);
  check_count(reply.usage.completion_tokens, usage, "completion_tokens", id);
  check_count(reply.usage.total_tokens, usage, "total_tokens", id);
  check_count(reply.usage.cached_tokens, usage, "cached_tokens", id);
  check_count(reply.usage.cache_write_tokens, usage, "cache_write_tokens", id);
  check_count(reply.usage.reasoning_tokens, usage, "reasoning_tokens", id);
}

void check_streamed(const http_response& response, const json_value& expected, std::string_view id,
                    const next_piece& next) {
  const streamed seen = stream(response, next);
  BOOST_REQUIRE_MESSAGE(seen.reply.has_value(), id << ": " << to_string(seen.reply.error()));
  check_reply(*seen.reply, expected, id);
  BOOST_TEST(seen.content == seen.reply->content, id);
  BOOST_TEST(seen.reasoning == seen.reply->reasoning, id);
  std::string arguments;
  for (const tool_call& call : seen.reply->tool_calls)
    arguments += call.arguments;
  BOOST_TEST(seen.arguments == arguments, id);
}

const std::map<std::string_view, errc> types{{"context_length", errc::token_limit},
                                             {"model_not_found", errc::model_not_found},
                                             {"invalid_request", errc::invalid_request}};

} // namespace

BOOST_AUTO_TEST_SUITE(responses_test)

BOOST_AUTO_TEST_CASE(every_recording_is_read_as_an_independent_parser_reads_it) {
  const auto index = json_document::parse(read("index.json"));
  BOOST_REQUIRE(index.has_value());
  const unsigned seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  std::size_t replies = 0;
  std::size_t failures = 0;
  for (const json_value& entry : find_member(index->root(), "cases")->GetArray()) {
    if (text_of(find_member(entry, "api")) != "openai.responses")
      continue;
    const std::string id(text_of(find_member(entry, "id")));
    const http_response response = recorded(std::string(text_of(find_member(entry, "file"))), id);
    const json_value& expected = *find_member(entry, "expected");
    if (!find_member(expected, "ok")->GetBool()) {
      const auto reply = make_responses()->decode_chat(response, {});
      BOOST_REQUIRE_MESSAGE(reply.has_error(), id);
      const auto wanted = types.find(text_of(find_member(expected, "error", "class")));
      BOOST_REQUIRE_MESSAGE((wanted != types.end()), id);
      BOOST_TEST((reply.error().type == wanted->second), id << ": " << to_string(reply.error()));
      BOOST_TEST(reply.error().retryable == find_member(expected, "error", "retryable")->GetBool(), id);
      BOOST_TEST(reply.error().vendor_code == text_of(find_member(expected, "error", "code")), id);
      BOOST_TEST((stream(response, whole).reply.error() == reply.error()), id);
      ++failures;
      continue;
    }
    ++replies;
    if (find_member(expected, "sse_events") == nullptr) {
      const auto reply = make_responses()->decode_chat(response, {});
      BOOST_REQUIRE_MESSAGE(reply.has_value(), id);
      check_reply(*reply, expected, id);
    }
    check_streamed(response, expected, id, whole);
    check_streamed(response, expected, id, [] { return std::size_t{1}; });
    for (int round = 0; round != 50; ++round)
      check_streamed(response, expected, id, [&random] { return 1 + random() % 400; });
  }
  BOOST_TEST(replies >= 4U);
  BOOST_TEST(failures >= 3U);
}

BOOST_AUTO_TEST_CASE(a_stream_that_breaks_off_anywhere_is_a_network_failure) {
  const auto check_cuts = [](const std::string& id, std::size_t step) {
    const http_response full = recorded(id + ".json", id);
    const std::size_t end = full.body.find_last_not_of("\r\n") + 1;
    for (std::size_t length = 1; length < end; length += step) {
      http_response part = full;
      part.body.resize(length);
      const auto reply = stream(part, whole).reply;
      BOOST_REQUIRE_MESSAGE(reply.has_error(), id << " cut at " << length);
      BOOST_REQUIRE_MESSAGE((reply.error().type == errc::network),
                            id << " cut at " << length << ": " << to_string(reply.error()));
      BOOST_REQUIRE((reply.error().fate == outcome::unknown));
    }
    http_response unterminated = full;
    unterminated.body.resize(end);
    BOOST_TEST(stream(unterminated, whole).reply.has_value(), id);
  };
  check_cuts("openai/responses/stream_cached_1390", 1);
  check_cuts("generic/deepseek/responses/stream_tool", 7);
}

BOOST_AUTO_TEST_CASE(a_body_that_breaks_off_anywhere_is_a_server_error) {
  const http_response full = recorded("openai/responses/image_url.json", "openai/responses/image_url");
  const auto codec = make_responses();
  for (std::size_t length = 0; length < full.body.size(); ++length) {
    http_response part = full;
    part.body.resize(length);
    const auto reply = codec->decode_chat(part, {});
    BOOST_REQUIRE_MESSAGE(reply.has_error(), "cut at " << length);
    BOOST_REQUIRE((reply.error().type == errc::server_error));
    BOOST_REQUIRE((reply.error().fate == outcome::unknown));
  }
}

BOOST_AUTO_TEST_CASE(the_header_names_the_request_and_the_body_where_there_is_none) {
  const auto with_header = stream(
      recorded("openai/responses/stream_cached_1390.json", "openai/responses/stream_cached_1390"), whole);
  BOOST_TEST(with_header.reply->metadata.request_id == "req_bcf3e88dba199fc7bb5bb175cb1f3cc2");
  const auto without =
      stream(recorded("openai/responses/stream_text.json", "openai/responses/stream_text"), whole);
  BOOST_TEST(without.reply->metadata.request_id == "resp_0a02cdbf39789cc8016a85bef06dc88192bb00de16e4c5ac1e");
  BOOST_TEST(decode(R"({"id":"resp_9","output":[]})")->metadata.request_id == "resp_9");
}

BOOST_AUTO_TEST_CASE(models_are_listed_in_the_providers_order) {
  const auto codec = make_responses();
  BOOST_TEST(codec->encode_models().head->text().starts_with("GET /v1/models HTTP/1.1\r\n"));
  const auto models =
      codec->decode_models(body(R"({"object":"list","data":[{"id":"b"},{"id":"a"},{}]})"), {});
  BOOST_REQUIRE(models.has_value());
  const std::vector<model_name> wanted{model_name("b"), model_name("a")};
  BOOST_TEST((*models == wanted));
  BOOST_TEST(codec->decode_models(body("{}"), {}).has_error());
}

BOOST_AUTO_TEST_SUITE_END()
