// Content blocks of Anthropic's Messages API as they are written, by its client and by its server alike.
// Knows neither requests nor replies. Raw JSON that is handed in must have been checked.
#pragma once

#include "protocols/json_write.hpp"

#include <weir/chat.hpp>

#include <string>
#include <string_view>

namespace weir::protocols::anthropic {

/// A `text` block. `cache_control` is JSON text; empty: none.
void write_text_block(json_writer& out, std::string_view text, std::string_view cache_control = {});

/// A `redacted_thinking` block where the thought is encrypted, else a `thinking` block.
void write_reasoning_block(json_writer& out, const reasoning_part& part);

/// A `tool_use` block; `input` is a JSON object as text.
void write_tool_use_block(json_writer& out, const tool_call& call, std::string_view input);

/// Whether a text has nothing but white space. The API refuses such blocks.
bool is_blank(std::string_view text) noexcept;

/// Whether a text is a JSON value that may go onto the wire as it is.
bool is_writable_json(std::string_view text);

/// Whether it is an object besides.
bool is_json_object(std::string_view text);

} // namespace weir::protocols::anthropic
