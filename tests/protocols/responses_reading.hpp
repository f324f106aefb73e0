// Reading replies of OpenAI's Responses API in tests: recorded bodies, streams in pieces, what deltas add up
// to. Knows no case: those stand in responses_test.cpp and responses_stream_test.cpp.
#pragma once

#include "protocols/json.hpp"
#include "protocols/openai_responses.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <string>

namespace responses_reading {

using namespace weir;
using namespace weir::protocols;

inline std::string read(const std::string& file) {
  std::ifstream in(std::string(WEIR_TEST_DATA) + "/fixtures/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The recorded response of a case; its file holds one case, or an array of them.
inline http_response recorded(const std::string& file, std::string_view id) {
  const auto parsed = json_document::parse(read(file));
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), file);
  const json_value* found = &parsed->root();
  if (found->IsArray())
    for (const json_value& each : parsed->root().GetArray())
      if (text_of(find_member(each, "id")) == id)
        found = &each;
  const json_value* response = find_member(*found, "response");
  BOOST_REQUIRE_MESSAGE(response != nullptr, id);
  http_response made;
  made.status = find_member(*response, "status")->GetInt();
  for (const auto& member : find_member(*response, "headers")->GetObject())
    made.fields.add(member.name.GetString(), text_of(&member.value));
  made.body = text_of(find_member(*response, "body"));
  return made;
}

inline std::unique_ptr<const codec> make_responses() {
  provider_config provider;
  provider.base_url = "http://127.0.0.1:1/v1";
  return openai_responses::make(provider).value();
}

/// A stream's reply, and what its deltas add up to.
struct streamed {
  result<chat_reply> reply;
  std::string content;
  std::string reasoning;
  std::string refusal;
  std::string arguments;
};

using next_piece = std::function<std::size_t()>;

inline streamed stream(const http_response& response, const next_piece& next) {
  const auto codec = make_responses();
  const auto decoder = codec->decode_stream({response.status, response.fields, {}}, {});
  std::vector<chat_delta> deltas;
  std::string_view rest = response.body;
  bool more = true;
  while (more && !rest.empty()) {
    const std::size_t size = std::min(rest.size(), next());
    more = decoder->feed(rest.substr(0, size), deltas);
    rest.remove_prefix(size);
  }
  streamed seen{decoder->finish(deltas), {}, {}, {}, {}};
  for (const chat_delta& each : deltas)
    (each.type == chat_delta::kind::content     ? seen.content
     : each.type == chat_delta::kind::reasoning ? seen.reasoning
     : each.type == chat_delta::kind::refusal   ? seen.refusal
                                                : seen.arguments) += each.text;
  return seen;
}

inline std::size_t whole() {
  return std::string::npos;
}

inline http_response events(std::initializer_list<std::string_view> data) {
  http_response made;
  made.status = 200;
  made.fields.add("content-type", "text/event-stream");
  for (const std::string_view each : data)
    made.body.append("data: ").append(each).append("\n\n");
  return made;
}

inline http_response body(std::string json) {
  http_response made;
  made.status = 200;
  made.fields.add("content-type", "application/json");
  made.body = std::move(json);
  return made;
}

inline result<chat_reply> decode(std::string json) {
  return make_responses()->decode_chat(body(std::move(json)), {});
}

/// The last event of a stream.
inline constexpr std::string_view completed =
    R"({"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"m","output":[],)"
    R"("usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}})";

} // namespace responses_reading
