// What hosts say on the wire, in both dialects: replies, streams, errors. Small, since a history has
// hundreds. Knows no time and no fault plan.
#pragma once

#include "protocols/http_message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::simulation {

enum class dialect : std::uint8_t { chat, messages };

/// Of one answer: what it costs, and which words it has.
struct spoken {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::vector<std::string> words; ///< plain ASCII, without anything that JSON escapes
  bool calls_tool = false;        ///< asks for the tool `clock` instead of saying words
  bool has_usage = true;
  bool has_end_mark = true; ///< of a stream: `[DONE]`, or `message_stop`
};

/// A whole reply.
std::string reply_body(dialect speaks, const spoken& what);

/// A streamed reply, event by event; the first brings no text. Of the last, the words' end and the usage.
std::vector<std::string> stream_events(dialect speaks, const spoken& what);

/// An error event in a stream.
std::string error_event(dialect speaks);

/// An error body with a vendor's type and sentence.
std::string error_body(dialect speaks, std::string_view type, std::string_view sentence);

/// What a request says of itself.
struct asked {
  dialect speaks = dialect::chat;
  std::uint64_t call = 0; ///< the number between two `#`
  bool has_call = false;
  std::string model;
  std::string key;
  bool has_tools = false;
  bool asks_usage = false;
};

asked read_request(const http_request& request);

} // namespace weir::simulation
