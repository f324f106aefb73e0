// Writing replies: the fields that clients' strict schemas ask for are always there.
#include "protocols/openai_chat_server.hpp"

#include "protocols/json.hpp"
#include "protocols/openai_encode.hpp"
#include "protocols/openai_reply.hpp"
#include "protocols/openai_usage.hpp"

#include <algorithm>

namespace weir::protocols {

namespace {

http_response json_response(int status, const rapidjson::StringBuffer& body) {
  return {status, {{"Content-Type", "application/json"}}, std::string(body.GetString(), body.GetSize())};
}

void write_count(json_writer& out, const char* name, std::uint64_t value) {
  out.Key(name);
  out.Uint64(value);
}

void write_text_or_null(json_writer& out, const char* name, std::string_view text) {
  out.Key(name);
  if (text.empty())
    out.Null();
  else
    write_text(out, text);
}

void write_said(json_writer& out, const chat_reply& reply) {
  out.StartObject();
  write_member(out, "role", "assistant");
  // A refusal stands in for the content inside weir; on the wire each has its place.
  if (reply.content.empty() && reply.tool_calls.empty() && reply.refusal.empty())
    write_member(out, "content", "");
  else
    write_text_or_null(out, "content", reply.content == reply.refusal ? std::string_view() : reply.content);
  write_text_or_null(out, "refusal", reply.refusal);
  if (!reply.reasoning.empty())
    write_member(out, "reasoning_content", reply.reasoning);
  if (!reply.tool_calls.empty()) {
    out.Key("tool_calls");
    out.StartArray();
    for (const tool_call& call : reply.tool_calls)
      write_openai_call(out, call);
    out.EndArray();
  }
  for (const auto& [name, json] : reply.extra)
    if (name != "reasoning_content" || reply.reasoning.empty())
      write_raw(out, name, json);
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
  case errc::budget_exceeded:
    return "insufficient_quota";
  case errc::server_error:
  case errc::network:
  case errc::timeout:
  case errc::overloaded:
  case errc::circuit_open:
  case errc::offline:
  case errc::config:
  case errc::storage:
    return "server_error";
  default:
    return "invalid_request_error";
  }
}

/// The code by which OpenAI's clients know a class, whoever the provider was.
std::string_view error_code(const failure& error) {
  switch (error.type) {
  case errc::token_limit:
    return "context_length_exceeded";
  case errc::model_not_found:
    return "model_not_found";
  case errc::quota_exceeded:
    return "insufficient_quota";
  case errc::content_filter:
    return "content_filter";
  default:
    return error.vendor_code;
  }
}

/// The status of a failure that came without one, or under status 200.
int status_for(const failure& error) {
  if (error.status_code >= 400 && error.status_code < 600)
    return error.status_code;
  switch (error.type) {
  case errc::invalid_request:
  case errc::content_filter:
  case errc::token_limit:
    return 400;
  case errc::auth:
    return 401;
  case errc::model_not_found:
    return 404;
  case errc::rate_limit:
  case errc::quota_exceeded:
  case errc::budget_exceeded:
    return 429;
  case errc::network:
    return 502;
  case errc::overloaded:
  case errc::circuit_open:
  case errc::offline:
    return 503;
  case errc::timeout:
    return 504;
  default:
    return 500;
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
  out.Key("message");
  write_said(out, reply);
  out.Key("logprobs");
  out.Null();
  write_member(out, "finish_reason", to_finish_word(reply.finish_reason));
  out.EndObject();
  out.EndArray();
  out.Key("usage");
  write_openai_usage(out, reply.usage);
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
  write_text_or_null(out, "param", error.place);
  write_text_or_null(out, "code", error_code(error));
  out.EndObject();
  out.EndObject();
  http_response made = json_response(status_for(error), buffer);
  if (error.retry_after) {
    const auto wait = std::max<std::int64_t>(error.retry_after->count(), 1);
    made.fields.add("Retry-After", std::to_string((wait + 999) / 1000)); // whole seconds, never too soon
    made.fields.add("Retry-After-Ms", std::to_string(wait));
  }
  return made;
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
