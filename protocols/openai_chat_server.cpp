// Writing replies: the fields that clients' strict schemas ask for are always there.
#include "protocols/openai_chat_server.hpp"

#include "protocols/json.hpp"

namespace weir::protocols {

namespace {

http_response json_response(int status, const rapidjson::StringBuffer& body) {
  return {status, {{"Content-Type", "application/json"}}, std::string(body.GetString(), body.GetSize())};
}

void write_count(json_writer& out, const char* name, std::uint64_t value) {
  out.Key(name);
  out.Uint64(value);
}

/// OpenAI's word for a reason; what it has no word for ends as `stop`.
std::string_view finish_word(finish_reason reason) {
  switch (reason) {
  case finish_reason::length:
  case finish_reason::tool_calls:
  case finish_reason::content_filter:
    return to_string(reason);
  default:
    return "stop";
  }
}

void write_said(json_writer& out, const chat_reply& reply) {
  out.Key("message");
  out.StartObject();
  write_member(out, "role", "assistant");
  out.Key("content");
  if (reply.content.empty() && !reply.tool_calls.empty())
    out.Null();
  else
    write_text(out, reply.content);
  out.Key("refusal");
  if (reply.refusal.empty())
    out.Null();
  else
    write_text(out, reply.refusal);
  if (!reply.tool_calls.empty()) {
    out.Key("tool_calls");
    out.StartArray();
    for (const tool_call& call : reply.tool_calls) {
      out.StartObject();
      write_member(out, "id", call.id);
      write_member(out, "type", "function");
      out.Key("function");
      out.StartObject();
      write_member(out, "name", call.name);
      write_member(out, "arguments", call.arguments);
      out.EndObject();
      out.EndObject();
    }
    out.EndArray();
  }
  out.EndObject();
}

void write_usage(json_writer& out, const token_usage& usage) {
  out.Key("usage");
  out.StartObject();
  write_count(out, "prompt_tokens", usage.prompt_tokens);
  write_count(out, "completion_tokens", usage.completion_tokens);
  write_count(out, "total_tokens", usage.total_tokens);
  if (usage.cached_tokens || usage.cache_write_tokens) {
    out.Key("prompt_tokens_details");
    out.StartObject();
    if (usage.cached_tokens)
      write_count(out, "cached_tokens", *usage.cached_tokens);
    if (usage.cache_write_tokens)
      write_count(out, "cache_write_tokens", *usage.cache_write_tokens);
    out.EndObject();
  }
  if (usage.reasoning_tokens) {
    out.Key("completion_tokens_details");
    out.StartObject();
    write_count(out, "reasoning_tokens", *usage.reasoning_tokens);
    out.EndObject();
  }
  out.EndObject();
}

/// The type that OpenAI's clients look at.
std::string_view error_word(errc type) {
  switch (type) {
  case errc::auth:
    return "authentication_error";
  case errc::rate_limit:
    return "rate_limit_error";
  case errc::quota_exceeded:
    return "insufficient_quota";
  case errc::server_error:
  case errc::network:
  case errc::timeout:
    return "server_error";
  default:
    return "invalid_request_error";
  }
}

} // namespace

http_response encode_chat_reply(const chat_reply& reply, std::string_view id, std::int64_t created) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write_member(out, "id", id);
  write_member(out, "object", "chat.completion");
  out.Key("created");
  out.Int64(created);
  write_member(out, "model", reply.model.str());
  out.Key("choices");
  out.StartArray();
  out.StartObject();
  write_count(out, "index", 0);
  write_said(out, reply);
  out.Key("logprobs");
  out.Null();
  write_member(out, "finish_reason", finish_word(reply.finish_reason));
  out.EndObject();
  out.EndArray();
  write_usage(out, reply.usage);
  out.EndObject();
  return json_response(200, buffer);
}

http_response encode_error(const failure& error) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  out.Key("error");
  out.StartObject();
  write_member(out, "message", error.vendor_message.empty() ? error.message : error.vendor_message);
  write_member(out, "type", error_word(error.type));
  out.Key("param");
  if (error.place.empty())
    out.Null();
  else
    write_text(out, error.place);
  out.Key("code");
  if (error.vendor_code.empty())
    out.Null();
  else
    write_text(out, error.vendor_code);
  out.EndObject();
  out.EndObject();
  return json_response(error.status_code == 0 ? 500 : error.status_code, buffer);
}

http_response encode_model_list(const std::vector<model_name>& models) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write_member(out, "object", "list");
  out.Key("data");
  out.StartArray();
  for (const model_name& each : models) {
    out.StartObject();
    write_member(out, "id", each.str());
    write_member(out, "object", "model");
    write_count(out, "created", 0);
    write_member(out, "owned_by", "weir");
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return json_response(200, buffer);
}

} // namespace weir::protocols
