// Recorded cases and JSON for the tests of Anthropic's API.
// Knows no codec but this one; what is expected comes from the index alone.
#pragma once

#include "protocols/anthropic_messages.hpp"
#include "protocols/json.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace anthropic_cases {

using namespace weir;
using namespace weir::protocols;

inline std::string read_file(const std::string& file) {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/fixtures/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline rapidjson::Document parsed(std::string_view text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseFullPrecisionFlag>(text.data(), text.size());
  BOOST_REQUIRE_MESSAGE(!document.HasParseError(), text.substr(0, 400));
  return document;
}

/// A case's file holds one case or an array of them.
inline const json_value* find_case(const json_value& root, std::string_view id) {
  if (!root.IsArray())
    return &root;
  for (const json_value& each : root.GetArray())
    if (text_of(find_member(each, "id")) == id)
      return &each;
  return nullptr;
}

struct recorded_case {
  std::string id;
  const json_value& request;
  const json_value& response;
  const json_value& expected;

  bool streamed() const {
    return text_of(find_member(response, "headers", "content-type")).starts_with("text/event-stream");
  }
};

/// Calls `use` for each case of this API. Gives their number.
inline std::size_t for_each_case(const std::function<void(const recorded_case&)>& use) {
  const auto index = parsed(read_file("index.json"));
  std::size_t cases = 0;
  for (const json_value& entry : find_member(index, "cases")->GetArray()) {
    if (text_of(find_member(entry, "api")) != "anthropic.messages")
      continue;
    const std::string id(text_of(find_member(entry, "id")));
    const auto file = parsed(read_file(std::string(text_of(find_member(entry, "file")))));
    const json_value* found = find_case(file, id);
    BOOST_REQUIRE_MESSAGE(found != nullptr, id);
    use({id, *find_member(*found, "request"), *find_member(*found, "response"),
         *find_member(entry, "expected")});
    ++cases;
  }
  return cases;
}

inline http_response to_response(const json_value& recorded) {
  http_response made;
  made.status = find_member(recorded, "status")->GetInt();
  if (const json_value* headers = find_member(recorded, "headers"))
    for (const auto& member : headers->GetObject())
      made.fields.add(member.name.GetString(), text_of(&member.value));
  made.body = text_of(find_member(recorded, "body"));
  return made;
}

inline provider_config plain_provider() {
  provider_config provider;
  provider.name = provider_name("claude");
  provider.type = provider_type::claude;
  provider.api_key = secret("sk-canary");
  provider.base_url = "http://127.0.0.1:1/v1";
  return provider;
}

inline std::unique_ptr<const codec> make(const provider_config& provider = plain_provider()) {
  auto made = anthropic_messages::make(provider);
  BOOST_REQUIRE(made.has_value());
  return std::move(*made);
}

/// A streamed reply and what was told on the way.
struct heard {
  result<chat_reply> reply = failure{};
  std::vector<chat_delta> deltas;
  token_usage usage; ///< as known before the end
};

/// Feeds a body in pieces whose sizes `size` gives.
inline heard listen(const http_response& whole, const std::function<std::size_t()>& size) {
  http_response head = whole;
  head.body.clear();
  const auto chat = make();
  const auto decoder = chat->decode_stream(head, {});
  heard told;
  std::string_view rest = whole.body;
  bool more = true;
  while (!rest.empty() && more) {
    const std::string_view piece = rest.substr(0, size());
    rest.remove_prefix(piece.size());
    more = decoder->feed(piece, told.deltas);
  }
  told.usage = decoder->usage();
  told.reply = decoder->finish(told.deltas);
  return told;
}

inline heard listen(std::string body) {
  return listen({200, {{"content-type", "text/event-stream"}}, std::move(body)}, [] { return 1U << 30U; });
}

/// All that deltas of a kind said; of one call where its number is given.
inline std::string said(const std::vector<chat_delta>& deltas, chat_delta::kind kind,
                        std::uint32_t tool = 0) {
  std::string text;
  for (const chat_delta& each : deltas)
    if (each.type == kind && each.tool_index == tool)
      text += each.text;
  return text;
}

inline result<chat_reply> decoded(std::string body, int status = 200, http_fields fields = {}) {
  return make()->decode_chat({status, std::move(fields), std::move(body)}, {});
}

/// An event without its `event` line.
inline std::string event(std::string_view data) {
  return "data: " + std::string(data) + "\n\n";
}

/// Puts every kind of value in the place of every value, one at a time.
inline void for_each_change(const std::string& text, const std::function<void(const std::string&)>& use) {
  std::function<void(rapidjson::Document&, rapidjson::Value&)> walk = [&](rapidjson::Document& whole,
                                                                          rapidjson::Value& at) {
    for (const char* odd : {"null", "true", "-1", "1e300", "18446744073709551615", "\"\"", "\"x\"", "[]",
                            "{}", "[{\"type\":7}]", "{\"type\":[]}"}) {
      rapidjson::Value saved(at, whole.GetAllocator());
      at.CopyFrom(rapidjson::Document().Parse(odd), whole.GetAllocator());
      use(to_json_text(whole));
      at = saved.Move();
    }
    if (at.IsObject())
      for (auto& member : at.GetObject())
        walk(whole, member.value);
    else if (at.IsArray())
      for (auto& each : at.GetArray())
        walk(whole, each);
  };
  auto whole = parsed(text);
  walk(whole, whole);
}

} // namespace anthropic_cases
