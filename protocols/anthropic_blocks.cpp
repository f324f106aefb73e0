// Wire facts: Anthropic's API reference, "Messages".
#include "protocols/anthropic_blocks.hpp"

namespace weir::protocols::anthropic {

void write_text_block(json_writer& out, std::string_view text, std::string_view cache_control) {
  out.StartObject();
  write_member(out, "type", "text");
  write_member(out, "text", text);
  if (!cache_control.empty())
    write_raw(out, "cache_control", cache_control);
  out.EndObject();
}

void write_reasoning_block(json_writer& out, const reasoning_part& part) {
  out.StartObject();
  if (!part.redacted.empty()) {
    write_member(out, "type", "redacted_thinking");
    write_member(out, "data", part.redacted);
  } else {
    write_member(out, "type", "thinking");
    write_member(out, "thinking", part.text);
    write_member(out, "signature", part.signature);
  }
  out.EndObject();
}

void write_tool_use_block(json_writer& out, const tool_call& call, std::string_view input) {
  out.StartObject();
  write_member(out, "type", "tool_use");
  write_member(out, "id", call.id);
  write_member(out, "name", call.name);
  write_raw(out, "input", input);
  out.EndObject();
}

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

namespace {

/// The reader takes a NUL for the text's end, but in the middle of what is written it would be one of its
/// own.
bool has_nul(std::string_view text) noexcept {
  return text.find('\0') != std::string_view::npos;
}

} // namespace

bool is_writable_json(std::string_view text) {
  return !has_nul(text) && is_json(text);
}

bool is_json_object(std::string_view text) {
  if (has_nul(text))
    return false;
  const auto parsed = json_document::parse(text);
  return parsed.has_value() && parsed->root().IsObject();
}

} // namespace weir::protocols::anthropic
