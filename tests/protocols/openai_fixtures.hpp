// Recorded traffic for tests of the wire formats: the cases of tests/data/fixtures/index.json, and how a body
// arrives. Knows no expectation; each test has its own.
#pragma once

#include "protocols/codec.hpp"
#include "protocols/json.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::protocols::recorded {

inline std::string read_fixture(const std::string& file) {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/fixtures/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A file holds one case or an array of them.
inline const json_value* find_case(const json_value& root, std::string_view id) {
  if (!root.IsArray())
    return &root;
  for (const json_value& each : root.GetArray())
    if (text_of(find_member(each, "id")) == id)
      return &each;
  return nullptr;
}

inline http_response response_of(const json_value& recorded) {
  const json_value& response = *find_member(recorded, "response");
  http_response made;
  made.status = find_member(response, "status")->GetInt();
  if (const json_value* headers = find_member(response, "headers"))
    for (const auto& member : headers->GetObject())
      made.fields.add(member.name.GetString(), text_of(&member.value));
  made.body = text_of(find_member(response, "body"));
  return made;
}

/// Whether the response answers a streamed request.
inline bool is_streamed(const json_value& recorded, const http_response& response) {
  if (response.find("content-type").find("event-stream") != std::string_view::npos)
    return true;
  const json_value* wish = find_member(recorded, "request", "body", "stream");
  return wish != nullptr && wish->IsTrue();
}

/// Calls `look` with the index's entry and the case, for each of them; returns how many there were.
inline std::size_t
for_each_case(const std::function<void(const json_value& entry, const json_value& recorded)>& look) {
  const auto index = json_document::parse(read_fixture("index.json"));
  BOOST_REQUIRE(index.has_value());
  std::size_t cases = 0;
  for (const json_value& entry : find_member(index->root(), "cases")->GetArray()) {
    const auto file = json_document::parse(read_fixture(std::string(text_of(find_member(entry, "file")))));
    BOOST_REQUIRE_MESSAGE(file.has_value(), text_of(find_member(entry, "id")));
    const json_value* found = find_case(file->root(), text_of(find_member(entry, "id")));
    BOOST_REQUIRE_MESSAGE(found != nullptr, text_of(find_member(entry, "id")));
    look(entry, *found);
    ++cases;
  }
  return cases;
}

/// A codec for the API `chat`, of a server that is compatible with OpenAI's.
inline std::unique_ptr<const codec> chat_codec(wire_options wire = {}) {
  provider_config provider;
  provider.type = provider_type::generic;
  provider.base_url = "http://127.0.0.1:1/v1";
  provider.wire = std::move(wire);
  return std::move(*make_codec(provider, api_kind::chat));
}

/// What a stream gave.
struct streamed {
  result<chat_reply> reply;
  std::vector<chat_delta> deltas;
};

/// Feeds a body in pieces whose sizes `next_size` says.
inline streamed feed(const codec& chat, const http_response& response,
                     const std::function<std::size_t()>& next_size) {
  const auto decoder = chat.decode_stream({response.status, response.fields, {}}, std::chrono::sys_seconds{});
  std::vector<chat_delta> deltas;
  std::string_view rest = response.body;
  while (!rest.empty()) {
    const std::size_t size = std::min(next_size(), rest.size());
    const std::string piece(rest.substr(0, size)); // memory of its own: a view that is kept shows
    rest.remove_prefix(size);
    if (!decoder->feed(piece, deltas))
      break;
  }
  auto reply = decoder->finish(deltas);
  return {std::move(reply), std::move(deltas)};
}

inline streamed feed_whole(const codec& chat, const http_response& response) {
  return feed(chat, response, [] { return std::string::npos; });
}

inline streamed feed_bytes(const codec& chat, const http_response& response) {
  return feed(chat, response, [] { return std::size_t{1}; });
}

/// Pieces of 1 to 23 bytes; the same for the same seed.
inline streamed feed_pieces(const codec& chat, const http_response& response, std::uint64_t seed) {
  std::mt19937_64 dice(seed);
  return feed(chat, response, [&dice] { return 1 + static_cast<std::size_t>(dice() % 23); });
}

/// A stream of events, each of which holds one of these texts.
inline http_response stream_of(const std::vector<std::string>& data) {
  http_response made{200, {{"content-type", "text/event-stream"}}, {}};
  for (const std::string& each : data)
    made.body += "data: " + each + "\n\n";
  return made;
}

/// The pieces of one kind, put together; of a tool call those of its number.
inline std::string told(const std::vector<chat_delta>& deltas, chat_delta::kind type,
                        std::uint32_t call = 0) {
  std::string text;
  for (const chat_delta& each : deltas)
    if (each.type == type && (type != chat_delta::kind::tool_call || each.tool_index == call))
      text += each.text;
  return text;
}

} // namespace weir::protocols::recorded
