// Writing requests. The plainest form that says the same is chosen: every compatible server understands it.
#include "protocols/openai_encode.hpp"

#include "protocols/openai_check.hpp"

#include <algorithm>
#include <variant>
#include <vector>

namespace weir::protocols {

namespace {

constexpr std::string_view error_mark = "Error: ";
constexpr std::string_view shown_below = "The result is shown in a message below.";

void write_mark(json_writer& out, const std::string& cache_control) {
  if (!cache_control.empty())
    write_raw(out, "cache_control", cache_control);
}

void write_part(json_writer& out, const text_part& part, std::string_view before = {}) {
  out.StartObject();
  write_member(out, "type", "text");
  write_member(out, "text", before.empty() ? part.text : std::string(before) + part.text);
  write_mark(out, part.cache_control);
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
  write_mark(out, part.cache_control);
  out.EndObject();
}

void write_part(json_writer& out, const raw_part& part) {
  write_raw(out, part.json);
}

void write_part(json_writer&, const reasoning_part&) {} // the API has no place for it

bool is_text(const content_part& part) {
  return std::holds_alternative<text_part>(part);
}

/// The API refuses all but text in a tool's result: the rest goes into a message of the user below.
bool is_moved(const message& from, const content_part& part) {
  return from.role == role::tool && !is_text(part) && !std::holds_alternative<reasoning_part>(part);
}

/// A part of the Responses API is a thought, since the check refuses all else of that API.
bool is_written(const message& from, const content_part& part) {
  const auto* raw = std::get_if<raw_part>(&part);
  const bool thought = raw != nullptr && raw->api == api_kind::responses;
  return !thought && !std::holds_alternative<reasoning_part>(part) && !is_moved(from, part);
}

/// What stands before the text of a tool's result: the API has no field that says that the tool failed.
std::string_view mark_before(const message& value) {
  const bool failed = value.role == role::tool && value.is_error;
  return failed && !text_of(value).starts_with("Error:") ? error_mark : std::string_view();
}

bool has_extra(const message& value, std::string_view name) {
  return std::ranges::any_of(value.extra, [name](const auto& each) { return each.first == name; });
}

/// Content of which no part is left to write.
void write_no_content(json_writer& out, const message& value) {
  if (!value.tool_calls.empty() || has_extra(value, "function_call") || has_extra(value, "audio"))
    return void(out.Null());
  std::string text(mark_before(value));
  if (std::ranges::any_of(value.content, [&](const content_part& each) { return is_moved(value, each); }))
    text += shown_below;
  else if (!text.empty())
    text += "the tool failed";
  write_text(out, text);
}

void write_content(json_writer& out, const message& value) {
  write_key(out, "content");
  const auto written = [&value](const content_part& each) { return is_written(value, each); };
  const auto parts = std::ranges::count_if(value.content, written);
  if (parts == 0)
    return write_no_content(out, value);
  std::string_view before = mark_before(value);
  const auto first = std::ranges::find_if(value.content, written);
  if (const auto* only = std::get_if<text_part>(&*first);
      only != nullptr && parts == 1 && only->cache_control.empty())
    return write_text(out, before.empty() ? only->text : std::string(before) + only->text);
  out.StartArray();
  for (const content_part& each : value.content) {
    if (!written(each))
      continue;
    if (const auto* text = std::get_if<text_part>(&each)) {
      write_part(out, *text, before);
      before = {};
    } else {
      std::visit([&](const auto& part) { write_part(out, part); }, each);
    }
  }
  out.EndArray();
}

/// The deprecated result of a function has a name instead of the id of a call.
std::string_view role_word(const message& value) {
  return value.role == role::tool && value.tool_call_id.empty() && has_extra(value, "name")
             ? std::string_view("function")
             : to_string(value.role);
}

void write_message(json_writer& out, const message& value) {
  out.StartObject();
  write_member(out, "role", role_word(value));
  write_content(out, value);
  if (!value.tool_calls.empty()) {
    write_key(out, "tool_calls");
    out.StartArray();
    for (const tool_call& call : value.tool_calls)
      write_openai_call(out, call);
    out.EndArray();
  }
  if (!value.tool_call_id.empty())
    write_member(out, "tool_call_id", value.tool_call_id);
  for (const auto& [name, json] : value.extra)
    write_raw(out, name, json);
  out.EndObject();
}

/// What a run of tool messages could not hold, as a message of the user behind them.
void write_moved(json_writer& out, std::vector<const message*>& run) {
  if (run.empty())
    return;
  out.StartObject();
  write_member(out, "role", "user");
  write_key(out, "content");
  out.StartArray();
  for (const message* each : run) {
    write_part(out, text_part{"Result of the tool call " + each->tool_call_id + ":"});
    for (const content_part& part : each->content)
      if (is_moved(*each, part))
        std::visit([&](const auto& moved) { write_part(out, moved); }, part);
  }
  out.EndArray();
  out.EndObject();
  run.clear();
}

void write_messages(json_writer& out, const chat_request& request) {
  write_key(out, "messages");
  out.StartArray();
  std::vector<const message*> run; ///< tool messages of which something is to be moved
  for (const message& each : request.messages) {
    if (each.role != role::tool)
      write_moved(out, run);
    write_message(out, each);
    if (std::ranges::any_of(each.content, [&](const content_part& part) { return is_moved(each, part); }))
      run.push_back(&each);
  }
  write_moved(out, run);
  out.EndArray();
}

void write_tool(json_writer& out, const tool& value) {
  if (!value.raw.empty())
    return write_raw(out, value.raw);
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
  write_mark(out, value.cache_control);
  out.EndObject();
}

/// A custom tool is chosen by another word than a function.
std::string_view type_of_tool(const chat_request& request, const std::string& name) {
  const auto custom = [&name](const tool& each) {
    if (each.raw.empty() || each.name != name)
      return false;
    const auto parsed = json_document::parse(each.raw);
    return parsed && text_of(find_member(parsed->root(), "type")) == "custom";
  };
  return std::ranges::any_of(request.tools, custom) ? "custom" : "function";
}

void write_tool_choice(json_writer& out, const chat_request& request) {
  write_key(out, "tool_choice");
  switch (request.tool_choice->kind) {
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
    const std::string_view type = type_of_tool(request, request.tool_choice->tool);
    out.StartObject();
    write_member(out, "type", type);
    write_key(out, type);
    out.StartObject();
    write_member(out, "name", request.tool_choice->tool);
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
    write_tool_choice(out, request);
}

void write_options(json_writer& out, const chat_request& request, const wire_options& wire) {
  if (request.temperature) {
    write_key(out, "temperature");
    out.Double(*request.temperature);
  }
  if (request.max_tokens) {
    write_key(out, wire.max_tokens_field);
    out.Uint(*request.max_tokens);
  }
  if (!request.stop.empty()) {
    write_key(out, "stop");
    out.StartArray();
    for (const std::string& each : request.stop)
      write_text(out, each);
    out.EndArray();
  }
  if (request.stream) {
    write_key(out, "stream");
    out.Bool(true);
  }
}

/// The caller's own options, and the wish for a usage where they say nothing of it.
void write_stream_options(json_writer& out, std::string_view own) {
  const auto parsed = json_document::parse(own);
  if (!parsed || !parsed->root().IsObject() || parsed->root().HasMember("include_usage"))
    return write_raw(out, "stream_options", own);
  write_key(out, "stream_options");
  out.StartObject();
  for (const auto& member : parsed->root().GetObject())
    write_raw(out, text_of(&member.name), to_json_text(member.value));
  write_key(out, "include_usage");
  out.Bool(true);
  out.EndObject();
}

void write_extra(json_writer& out, const chat_request& request, const wire_options& wire) {
  bool ask = request.stream && wire.stream_usage;
  for (const auto& [key, json] : request.extra) {
    if (ask && key == "stream_options") {
      write_stream_options(out, json);
      ask = false;
    } else {
      write_raw(out, key, json);
    }
  }
  if (ask)
    write_stream_options(out, "{}");
}

} // namespace

void write_openai_call(json_writer& out, const tool_call& call) {
  out.StartObject();
  write_member(out, "id", call.id);
  write_member(out, "type", call.custom ? "custom" : "function");
  write_key(out, call.custom ? "custom" : "function");
  out.StartObject();
  write_member(out, "name", call.name);
  write_member(out, call.custom ? "input" : "arguments", call.arguments);
  out.EndObject();
  for (const auto& [name, json] : call.extra)
    write_raw(out, name, json);
  out.EndObject();
}

result<std::string> encode_openai_chat(const chat_request& request, const wire_options& wire) {
  if (auto checked = check_openai_request(request); !checked)
    return checked.error();
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write_member(out, "model", request.model.str());
  write_messages(out, request);
  write_options(out, request, wire);
  write_tools(out, request);
  write_extra(out, request, wire);
  out.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

} // namespace weir::protocols
