// Requests out: weir's values as a Chat Completions request.
#include "protocols/openai_chat.hpp"

#include "protocols/error_table.hpp"
#include "protocols/json.hpp"
#include "protocols/openai_reply.hpp"

#include <weir/url.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <variant>

namespace weir::protocols {

namespace {

/// Fields that a request sets by its own members: in `extra` they would stand twice.
constexpr std::array<std::string_view, 9> own_fields{
    "model",  "messages", "temperature", "max_tokens", "max_completion_tokens",
    "stream", "tools",    "tool_choice", "stop"};

void write_key(json_writer& out, std::string_view name) {
  out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

void write_part(json_writer& out, const text_part& part) {
  out.StartObject();
  write_member(out, "type", "text");
  write_member(out, "text", part.text);
  out.EndObject();
}

void write_part(json_writer& out, const image_part& part) {
  out.StartObject();
  write_member(out, "type", "image_url");
  write_key(out, "image_url");
  out.StartObject();
  write_member(out, "url", part.url);
  if (!part.detail.empty())
    write_member(out, "detail", part.detail);
  out.EndObject();
  out.EndObject();
}

void write_content(json_writer& out, const message& value) {
  write_key(out, "content");
  if (value.content.empty()) {
    if (value.tool_calls.empty())
      out.String("");
    else
      out.Null();
    return;
  }
  // The plain string is what every compatible server understands.
  if (const auto* only = std::get_if<text_part>(&value.content.front());
      only != nullptr && value.content.size() == 1)
    return write_text(out, only->text);
  out.StartArray();
  for (const content_part& part : value.content)
    std::visit([&](const auto& each) { write_part(out, each); }, part);
  out.EndArray();
}

void write_tool_call(json_writer& out, const tool_call& call) {
  out.StartObject();
  write_member(out, "id", call.id);
  write_member(out, "type", "function");
  write_key(out, "function");
  out.StartObject();
  write_member(out, "name", call.name);
  write_member(out, "arguments", call.arguments);
  out.EndObject();
  out.EndObject();
}

void write_message(json_writer& out, const message& value) {
  out.StartObject();
  write_member(out, "role", to_string(value.role));
  write_content(out, value);
  if (!value.tool_calls.empty()) {
    write_key(out, "tool_calls");
    out.StartArray();
    for (const tool_call& call : value.tool_calls)
      write_tool_call(out, call);
    out.EndArray();
  }
  if (!value.tool_call_id.empty())
    write_member(out, "tool_call_id", value.tool_call_id);
  out.EndObject();
}

void write_raw(json_writer& out, std::string_view name, const std::string& json) {
  write_key(out, name);
  out.RawValue(json.data(), json.size(), rapidjson::kObjectType);
}

void write_tool(json_writer& out, const tool& value) {
  out.StartObject();
  write_member(out, "type", "function");
  write_key(out, "function");
  out.StartObject();
  write_member(out, "name", value.name);
  if (!value.description.empty())
    write_member(out, "description", value.description);
  if (!value.parameters.empty())
    write_raw(out, "parameters", value.parameters);
  if (value.strict) {
    write_key(out, "strict");
    out.Bool(*value.strict);
  }
  out.EndObject();
  out.EndObject();
}

void write_tool_choice(json_writer& out, const tool_choice& choice) {
  write_key(out, "tool_choice");
  switch (choice.kind) {
  case tool_choice::mode::automatic:
    out.String("auto");
    return;
  case tool_choice::mode::required:
    out.String("required");
    return;
  case tool_choice::mode::none:
    out.String("none");
    return;
  case tool_choice::mode::one:
    out.StartObject();
    write_member(out, "type", "function");
    write_key(out, "function");
    out.StartObject();
    write_member(out, "name", choice.tool);
    out.EndObject();
    out.EndObject();
    return;
  }
}

void write_tools(json_writer& out, const chat_request& request) {
  if (!request.tools.empty()) {
    write_key(out, "tools");
    out.StartArray();
    for (const tool& each : request.tools)
      write_tool(out, each);
    out.EndArray();
  }
  if (request.tool_choice)
    write_tool_choice(out, *request.tool_choice);
}

void write_options(json_writer& out, const chat_request& request, const openai_dialect& dialect) {
  if (request.temperature) {
    write_key(out, "temperature");
    out.Double(*request.temperature);
  }
  if (request.max_tokens) {
    write_key(out, dialect.max_tokens_field);
    out.Uint(*request.max_tokens);
  }
  if (!request.stop.empty()) {
    write_key(out, "stop");
    out.StartArray();
    for (const std::string& each : request.stop)
      write_text(out, each);
    out.EndArray();
  }
}

/// What would not come out as JSON: raw JSON goes onto the wire as it is, so it must be JSON, and no field
/// may stand twice; and JSON has no numbers without a value.
result<void> check_writable(const chat_request& request) {
  if (request.temperature && !std::isfinite(*request.temperature))
    return make_failure(errc::invalid_request, "the temperature is no number", "temperature");
  for (std::size_t at = 0; at != request.tools.size(); ++at)
    if (const std::string& schema = request.tools[at].parameters; !schema.empty() && !is_json(schema))
      return make_failure(errc::invalid_request, "the tool's parameters are no JSON",
                          "tools[" + std::to_string(at) + "].function.parameters");
  for (const auto& [key, value] : request.extra) {
    if (std::ranges::find(own_fields, key) != own_fields.end())
      return make_failure(errc::invalid_request, "the field has a member of its own in the request", key);
    if (!is_json(value))
      return make_failure(errc::invalid_request, "the extra field is no JSON", key);
  }
  return {};
}

} // namespace

result<std::unique_ptr<const codec>> openai_chat::make(const provider_config& provider,
                                                       openai_dialect dialect) {
  const auto base = parse_url(provider.base_url);
  if (!base)
    return base.error();
  std::vector<http_field> fields{{"Host", base->authority()},
                                 {"User-Agent", "weir/0.1"},
                                 {"Accept", "application/json"},
                                 {"Accept-Encoding", "identity"}};
  if (!provider.api_key.empty())
    fields.push_back({"Authorization", "Bearer " + std::string(provider.api_key.reveal())});
  for (const auto& [name, value] : provider.headers)
    fields.push_back({name, value});
  auto models = request_head::make("GET", base->path + "/models", fields);
  if (!models)
    return models.error();
  fields.push_back({"Content-Type", "application/json"});
  auto chat = request_head::make("POST", base->path + "/chat/completions", fields);
  if (!chat)
    return chat.error();
  std::unique_ptr<openai_chat> made(new openai_chat);
  made->chat_head_ = std::move(*chat);
  made->models_head_ = std::move(*models);
  made->dialect_ = std::move(dialect);
  return std::unique_ptr<const codec>(std::move(made));
}

result<http_request> openai_chat::encode_chat(const chat_request& request) const {
  if (auto checked = check_writable(request); !checked)
    return checked.error();
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write_member(out, "model", request.model.str());
  write_key(out, "messages");
  out.StartArray();
  for (const message& each : request.messages)
    write_message(out, each);
  out.EndArray();
  write_options(out, request, dialect_);
  write_tools(out, request);
  for (const auto& [key, value] : request.extra)
    write_raw(out, key, value);
  out.EndObject();
  return http_request{chat_head_, std::string(buffer.GetString(), buffer.GetSize())};
}

result<chat_reply> openai_chat::decode_chat(const http_response& response,
                                            std::chrono::sys_seconds now) const {
  if (response.status < 200 || response.status > 299)
    return classify(response, now);
  return decode_openai_reply(response, now);
}

http_request openai_chat::encode_models() const {
  return {models_head_, {}};
}

result<std::vector<model_name>> openai_chat::decode_models(const http_response& response,
                                                           std::chrono::sys_seconds now) const {
  if (response.status < 200 || response.status > 299)
    return classify(response, now);
  const auto parsed = json_document::parse(response.body);
  const json_value* list = parsed ? find_member(parsed->root(), "data") : nullptr;
  if (list == nullptr || !list->IsArray())
    return nonsense(response, "no list of models", "data");
  std::vector<model_name> models;
  for (const json_value& each : list->GetArray())
    if (const auto id = text_of(find_member(each, "id")); !id.empty())
      models.emplace_back(id);
  return models;
}

} // namespace weir::protocols
