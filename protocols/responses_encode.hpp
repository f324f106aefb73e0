// Requests out: weir's values as a request of OpenAI's Responses API.
// Wire facts: OpenAI's API reference and migration guide. Knows no head and no reply.
#pragma once

#include "protocols/json.hpp"

#include <weir/chat.hpp>

#include <string>
#include <string_view>

namespace weir::protocols {

/// The body of a request. Unless the request says otherwise, the provider stores nothing (`store`). Errors
/// (`invalid_request`), each with its JSON path: a part that this API cannot be told (a raw part of another
/// API, an image of the assistant), `stop`, more than one answer, raw JSON that is none.
result<std::string> encode_responses_request(const chat_request& request);

/// Writes `instructions`, from the system messages at the front, and `input`, from the others. Unless
/// `stored`, thoughts that only refer to what the provider keeps are left out: it would not find them.
result<void> write_responses_input(json_writer& out, const chat_request& request, bool stored);

/// Writes `tools` and `tool_choice`.
result<void> write_responses_tools(json_writer& out, const chat_request& request);

/// Whether the request has the provider store the conversation.
bool is_stored(const chat_request& request);

/// Writes what stands in `extra`: this API's own fields as they are, those of Chat Completions under their
/// name here, if there is one.
result<void> write_responses_extra(json_writer& out, const chat_request& request);

} // namespace weir::protocols
