// Writing replies: the members that clients' strict schemas ask for are always there.
// Wire facts: Anthropic's API reference, "Messages", "Errors", "Models".
#include "protocols/anthropic_messages_server.hpp"

#include "protocols/anthropic_blocks.hpp"
#include "protocols/anthropic_server_words.hpp"
#include "protocols/json.hpp"

#include <variant>

namespace weir::protocols {

using namespace anthropic;

namespace {

http_response json_response(int status, const rapidjson::StringBuffer& body) {
  return {status, {{"Content-Type", "application/json"}}, std::string(body.GetString(), body.GetSize())};
}

/// A call's input must be an object. What is none (free text of a custom tool, or a model's broken JSON)
/// becomes its only member.
void write_call(json_writer& out, const tool_call& call) {
  if (is_blank(call.arguments) && !call.custom)
    return write_tool_use_block(out, call, "{}");
  if (!call.custom && is_json_object(call.arguments))
    return write_tool_use_block(out, call, call.arguments);
  rapidjson::StringBuffer buffer;
  json_writer input(buffer);
  input.StartObject();
  write_member(input, "input", call.arguments);
  input.EndObject();
  write_tool_use_block(out, call, {buffer.GetString(), buffer.GetSize()});
}

/// Parts of other APIs mean nothing to the client.
void write_part(json_writer& out, const content_part& part) {
  if (const auto* text = std::get_if<text_part>(&part))
    write_text_block(out, text->text);
  else if (const auto* thought = std::get_if<reasoning_part>(&part))
    write_reasoning_block(out, *thought);
  else if (const auto* raw = std::get_if<raw_part>(&part);
           raw != nullptr && raw->api == api_kind::messages && is_json_object(raw->json))
    write_raw(out, raw->json);
}

void write_content(json_writer& out, const chat_reply& reply) {
  out.StartArray();
  if (reply.parts.empty()) {
    if (!reply.reasoning.empty())
      write_reasoning_block(out, {reply.reasoning});
    if (!reply.content.empty())
      write_text_block(out, reply.content);
  }
  for (const content_part& part : reply.parts)
    write_part(out, part);
  for (const tool_call& call : reply.tool_calls)
    write_call(out, call);
  out.EndArray();
}

} // namespace

http_response encode_messages_reply(const chat_reply& reply, std::string_view id) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write_member(out, "id", id);
  write_member(out, "type", "message");
  write_member(out, "role", "assistant");
  write_member(out, "model", reply.model.str());
  out.Key("content");
  write_content(out, reply);
  write_stop_members(out, reply);
  out.Key("usage");
  out.StartObject();
  write_usage_members(out, reply.usage);
  out.EndObject();
  out.EndObject();
  return json_response(200, buffer);
}

http_response encode_messages_error(const failure& error) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  write_error_body(out, error);
  // An error may have come under status 200; it must not go on as a success.
  return json_response(error.status_code < 400 ? 500 : error.status_code, buffer);
}

http_response encode_messages_model_list(const std::vector<model_name>& models) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  out.Key("data");
  out.StartArray();
  for (const model_name& each : models) {
    out.StartObject();
    write_member(out, "type", "model");
    write_member(out, "id", each.str());
    write_member(out, "display_name", each.str());
    write_member(out, "created_at", "1970-01-01T00:00:00Z");
    out.EndObject();
  }
  out.EndArray();
  out.Key("has_more");
  out.Bool(false);
  for (const char* end : {"first_id", "last_id"}) {
    out.Key(end);
    if (models.empty())
      out.Null();
    else
      write_text(out, end[0] == 'f' ? models.front().str() : models.back().str());
  }
  out.EndObject();
  return json_response(200, buffer);
}

http_response encode_token_count(std::uint64_t input_tokens) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  out.Key("input_tokens");
  out.Uint64(input_tokens);
  out.EndObject();
  return json_response(200, buffer);
}

} // namespace weir::protocols
