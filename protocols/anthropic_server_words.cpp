// The words of a reply's end, its usage and its errors.
// Wire facts: Anthropic's API reference, "Messages", "Handling stop reasons", "Errors".
#include "protocols/anthropic_server_words.hpp"

#include <algorithm>
#include <string>

namespace weir::protocols::anthropic {

namespace {

void write_count(json_writer& out, const char* name, std::uint64_t value) {
  out.Key(name);
  out.Uint64(value);
}

/// A failure's class as the type that the API's clients look at.
std::string_view error_word(const failure& error) noexcept {
  switch (error.type) {
  case errc::auth:
    return error.status_code == 403 ? "permission_error" : "authentication_error";
  case errc::rate_limit:
    return "rate_limit_error";
  case errc::token_limit:
    return error.status_code == 413 ? "request_too_large" : "invalid_request_error";
  case errc::model_not_found:
    return "not_found_error";
  case errc::invalid_request:
    return error.status_code == 404 ? "not_found_error" : "invalid_request_error";
  case errc::content_filter:
    return "invalid_request_error";
  case errc::quota_exceeded:
  case errc::budget_exceeded:
    return "billing_error";
  case errc::timeout:
    return "timeout_error";
  case errc::overloaded:
  case errc::circuit_open:
    return "overloaded_error";
  case errc::server_error:
    return error.status_code == 529 || error.vendor_code == "overloaded_error" ? "overloaded_error"
                                                                               : "api_error";
  default:
    return "api_error";
  }
}

} // namespace

std::string_view stop_word(const chat_reply& reply) noexcept {
  switch (reply.finish_reason) {
  case finish_reason::length:
    return reply.metadata.raw_finish_reason == "model_context_window_exceeded"
               ? "model_context_window_exceeded"
               : "max_tokens";
  case finish_reason::tool_calls:
    return "tool_use";
  case finish_reason::content_filter:
    return "refusal";
  case finish_reason::pause:
    return "pause_turn";
  default:
    break;
  }
  if (!reply.tool_calls.empty())
    return "tool_use";
  return reply.metadata.stop_sequence.empty() ? "end_turn" : "stop_sequence";
}

void write_stop_members(json_writer& out, const chat_reply& reply) {
  const std::string_view word = stop_word(reply);
  write_member(out, "stop_reason", word);
  out.Key("stop_sequence");
  if (word == "stop_sequence")
    write_text(out, reply.metadata.stop_sequence);
  else
    out.Null();
  if (word != "refusal" || reply.refusal.empty())
    return;
  out.Key("stop_details");
  out.StartObject();
  write_member(out, "type", "refusal");
  out.Key("category");
  out.Null();
  write_member(out, "explanation", reply.refusal);
  out.EndObject();
}

void write_usage_members(json_writer& out, const token_usage& usage) {
  const std::uint64_t cached = std::min(usage.cached_tokens.value_or(0), usage.prompt_tokens);
  const std::uint64_t written = std::min(usage.cache_write_tokens.value_or(0), usage.prompt_tokens - cached);
  write_count(out, "input_tokens", usage.prompt_tokens - cached - written);
  // Clients add these up: what nobody reported is in the input, and these are zero.
  write_count(out, "cache_creation_input_tokens", written);
  write_count(out, "cache_read_input_tokens", cached);
  if (usage.cache_write_1h_tokens) {
    const std::uint64_t hour = std::min(*usage.cache_write_1h_tokens, written);
    out.Key("cache_creation");
    out.StartObject();
    write_count(out, "ephemeral_5m_input_tokens", written - hour);
    write_count(out, "ephemeral_1h_input_tokens", hour);
    out.EndObject();
  }
  write_count(out, "output_tokens", usage.completion_tokens);
  if (usage.reasoning_tokens) {
    out.Key("output_tokens_details");
    out.StartObject();
    write_count(out, "thinking_tokens", *usage.reasoning_tokens);
    out.EndObject();
  }
}

void write_error_body(json_writer& out, const failure& error) {
  std::string message = error.vendor_message.empty() ? error.message : error.vendor_message;
  // The API has no member for the place: it stands before the message there as well.
  if (error.vendor_message.empty() && !error.place.empty() && error.type == errc::invalid_request)
    message = error.place + ": " + message;
  out.StartObject();
  write_member(out, "type", "error");
  out.Key("error");
  out.StartObject();
  write_member(out, "type", error_word(error));
  write_member(out, "message", message);
  out.EndObject();
  if (!error.request_id.empty())
    write_member(out, "request_id", error.request_id);
  out.EndObject();
}

} // namespace weir::protocols::anthropic
