// Usage figures of the Chat Completions API, read and written: the same in whole and in streamed replies.
// Knows no prices. What a server leaves out stays unknown, which is not zero.
#pragma once

#include "protocols/json.hpp"

#include <weir/chat.hpp>

#include <optional>

namespace weir::protocols {

/// The usage that a reply, or a chunk of one, reports: in `usage` or, at Groq, in `x_groq.usage`. Nothing
/// where there is none, or where a count is impossible.
std::optional<token_usage> read_openai_usage(const json_value& root);

/// What stands in where nobody reported: the completion, counted from what was said.
token_usage estimate_openai_usage(const chat_reply& reply);

/// A `usage` object's value, with the parts that are known.
void write_openai_usage(json_writer& out, const token_usage& usage);

} // namespace weir::protocols
