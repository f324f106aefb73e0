// Replies in: a whole response of OpenAI's Responses API as weir's values, and what its stream reads alike.
// Knows no request.
#pragma once

#include "protocols/http_message.hpp"
#include "protocols/json.hpp"

#include <weir/chat.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// Decodes a response of status 2xx. A response that failed, an error in the body, or no output in it is a
/// failure. Where the provider reports no usage, or an impossible one, it is estimated.
result<chat_reply> decode_responses_reply(const http_response& response, std::chrono::sys_seconds now);

/// What an item of the output is to weir.
enum class item_kind : std::uint8_t { message, function_call, custom_call, reasoning, other };

item_kind kind_of_item(const json_value& item) noexcept;

/// A message's texts, or what it refuses with, concatenated.
std::string text_of_message(const json_value& item);
std::string refusal_of_message(const json_value& item);

/// The summaries of a thought, then the thought itself, each piece as a paragraph.
std::string text_of_reasoning(const json_value& item);

/// The id under which a call is answered, and what it is called with.
std::string_view id_of_call(const json_value& item) noexcept;
std::string arguments_of_call(const json_value& item);

/// An item of the output, kept for the next request.
struct kept_item {
  item_kind kind = item_kind::other;
  std::string text;       ///< a message's text; of anything else, the item as JSON
  bool reference = false; ///< a thought that means nothing without what the provider stored of it
};

/// Reads an item for keeping.
kept_item keep_item(item_kind kind, const json_value& item);

/// The parts to send back, in order; none where content and tool calls say it all. `stored`: the provider
/// keeps the response, so that references to it mean something.
std::vector<content_part> parts_of(const std::vector<kept_item>& items, bool stored);

/// Whether the response says that it is stored; it is, when it says nothing.
bool says_stored(const json_value& response) noexcept;

/// The failure that a response tells in its `error` and `status`, if it does.
std::optional<failure> read_responses_failure(const json_value& response);

/// The failure of an `error` event, or of an object in its shape.
failure read_responses_error(const json_value& event);

/// Whether an `error` member says something: null, "" and an empty object do not.
bool says_error(const json_value* error) noexcept;

/// Model, reason to finish and usage. Where there is no usage, or an impossible one, it is estimated from the
/// reply, which must be whole but for these.
void read_responses_end(const json_value& response, chat_reply& reply);

/// What stands in where nobody reported: the completion, counted from what was said.
token_usage estimate_responses_usage(const chat_reply& reply);

} // namespace weir::protocols
