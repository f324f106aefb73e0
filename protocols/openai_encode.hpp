// Requests out: weir's values as the body of a Chat Completions request, and the piece of writing that the
// server side has in common with it. Knows no reply.
#pragma once

#include "protocols/json_write.hpp"

#include <weir/chat.hpp>
#include <weir/config.hpp>

#include <string>

namespace weir::protocols {

/// The body. Errors: `invalid_request` with the JSON path of what cannot be said to this API.
result<std::string> encode_openai_chat(const chat_request& request, const wire_options& wire);

/// A call as a message holds it.
void write_openai_call(json_writer& out, const tool_call& call);

} // namespace weir::protocols
