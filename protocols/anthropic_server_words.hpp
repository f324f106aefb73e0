// Words and figures that whole and streamed replies to a Messages client share.
// Knows no request.
#pragma once

#include "protocols/json.hpp"

#include <weir/chat.hpp>

#include <string_view>

namespace weir::protocols::anthropic {

/// The `stop_reason` for a reply.
std::string_view stop_word(const chat_reply& reply) noexcept;

/// Writes `stop_reason`, `stop_sequence` and, where a refusal has words, `stop_details`.
void write_stop_members(json_writer& out, const chat_reply& reply);

/// Writes the members of a `usage` object: its `input_tokens` leave out what was cached.
void write_usage_members(json_writer& out, const token_usage& usage);

/// Writes a whole error body: `{"type":"error","error":{…}}`.
void write_error_body(json_writer& out, const failure& error);

} // namespace weir::protocols::anthropic
