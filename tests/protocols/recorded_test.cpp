// Every recorded Chat Completions reply, against what an independent parser made of it (tests/data/fixtures).
#include "protocols/codec.hpp"
#include "protocols/json.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

using namespace weir;
using namespace weir::protocols;

namespace {

std::string read(const std::string& file) {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/fixtures/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A case's file holds one case or an array of them.
const json_value* find_case(const json_value& root, std::string_view id) {
  if (!root.IsArray())
    return &root;
  for (const json_value& each : root.GetArray())
    if (text_of(find_member(each, "id")) == id)
      return &each;
  return nullptr;
}

http_response recorded(const json_value& response) {
  http_response made;
  made.status = find_member(response, "status")->GetInt();
  if (const json_value* headers = find_member(response, "headers"))
    for (const auto& member : headers->GetObject())
      made.fields.add(member.name.GetString(), text_of(&member.value));
  made.body = text_of(find_member(response, "body"));
  return made;
}

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

void check_calls(const chat_reply& reply, const json_value& wanted, std::string_view id) {
  BOOST_REQUIRE_EQUAL(reply.tool_calls.size(), wanted.Size());
  for (rapidjson::SizeType n = 0; n != wanted.Size(); ++n) {
    const tool_call& call = reply.tool_calls[n];
    BOOST_TEST(call.name == text_of(find_member(wanted[n], "name")), id);
    BOOST_TEST(!call.id.empty(), id);
    if (const auto name = text_of(find_member(wanted[n], "id")); !name.empty())
      BOOST_TEST(call.id == name, id);
    BOOST_TEST(call.arguments == text_of(find_member(wanted[n], "arguments")), id << ": arguments");
  }
}

void check_reply(const chat_reply& reply, const json_value& expected, std::string_view id) {
  const json_value& choice = (*find_member(expected, "choices"))[0];
  std::string_view text = text_of(find_member(choice, "text"));
  if (text.empty())
    text = text_of(find_member(choice, "refusal"));
  BOOST_TEST(reply.content == text, id << ": content");
  std::set<std::string_view> reasons{text_of(find_member(choice, "finish_reason"))};
  if (const json_value* also = find_member(choice, "finish_reason_also_accepted")) {
    if (also->IsString())
      reasons.insert(text_of(also));
    else
      for (const json_value& each : also->GetArray())
        reasons.insert(text_of(&each));
  }
  BOOST_TEST(reasons.contains(to_string(reply.finish_reason)), id << ": finish_reason");
  check_calls(reply, *find_member(choice, "tool_calls"), id);
  const json_value* usage = find_member(expected, "usage");
  check_count(reply.usage.prompt_tokens, usage, "prompt_tokens", id);
  check_count(reply.usage.cached_tokens, usage, "cached_tokens", id);
  check_count(reply.usage.cache_write_tokens, usage, "cache_write_tokens", id);
  check_count(reply.usage.reasoning_tokens, usage, "reasoning_tokens", id);
  const bool hidden = usage != nullptr && find_member(*usage, "billable_output_tokens") != nullptr;
  check_count(reply.usage.completion_tokens, usage, hidden ? "billable_output_tokens" : "completion_tokens",
              id);
}

std::unique_ptr<const codec> any_codec() {
  provider_config provider;
  provider.type = provider_type::generic;
  provider.base_url = "http://127.0.0.1:1/v1";
  return std::move(*make_codec(provider));
}

} // namespace

BOOST_AUTO_TEST_SUITE(recorded_test)

BOOST_AUTO_TEST_CASE(every_recorded_reply_is_read_as_an_independent_parser_reads_it) {
  const auto index = json_document::parse(read("index.json"));
  BOOST_REQUIRE(index.has_value());
  const auto chat = any_codec();
  std::size_t cases = 0;
  for (const json_value& entry : find_member(index->root(), "cases")->GetArray()) {
    const auto id = text_of(find_member(entry, "id"));
    const auto file = json_document::parse(read(std::string(text_of(find_member(entry, "file")))));
    BOOST_REQUIRE_MESSAGE(file.has_value(), id);
    const json_value* found = find_case(file->root(), id);
    BOOST_REQUIRE_MESSAGE(found != nullptr, id);
    const json_value& expected = *find_member(entry, "expected");
    const auto reply =
        chat->decode_chat(recorded(*find_member(*found, "response")), std::chrono::sys_seconds{});
    const bool ok = find_member(expected, "ok")->GetBool();
    BOOST_TEST(reply.has_value() == ok, id);
    if (reply && ok)
      check_reply(*reply, expected, id);
    else if (!reply && !ok)
      check_failure(reply.error(), *find_member(expected, "error"), id);
    ++cases;
  }
  BOOST_TEST(cases == find_member(index->root(), "count")->GetUint64());
  BOOST_TEST(cases >= 60U);
}

BOOST_AUTO_TEST_CASE(a_body_that_breaks_off_anywhere_is_a_typed_failure) {
  const auto chat = any_codec();
  for (const char* name :
       {"openai/chat/basic.json", "openai/tools/parallel_two.json", "generic/mistral/chat/basic.json",
        "generic/deepseek/chat/basic.json", "openai/vision/image_url_length.json"}) {
    const auto file = json_document::parse(read(name));
    BOOST_REQUIRE_MESSAGE(file.has_value(), name);
    const http_response whole = recorded(*find_member(file->root(), "response"));
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

BOOST_AUTO_TEST_SUITE_END()
