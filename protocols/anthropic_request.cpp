// The body around the conversation: options, tools, and how tools are chosen.
// Wire facts: Anthropic's API reference, "Messages".
#include "protocols/anthropic_request.hpp"

#include "protocols/anthropic_blocks.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace weir::protocols::anthropic {

namespace {

failure refused(std::string message, std::string place) {
  return make_failure(errc::invalid_request, std::move(message), std::move(place));
}

result<void> write_stop(json_writer& out, const chat_request& request, const sorted_extra& extra) {
  if (request.stop.empty() || extra.has("stop_sequences"))
    return {};
  write_key(out, "stop_sequences");
  out.StartArray();
  for (std::size_t at = 0; at != request.stop.size(); ++at) {
    if (is_blank(request.stop[at]))
      return refused("the provider takes no stop text that is only white space",
                     "stop[" + std::to_string(at) + "]");
    write_text(out, request.stop[at]);
  }
  out.EndArray();
  return {};
}

result<void> write_options(json_writer& out, const chat_request& request, const sorted_extra& extra,
                           const dialect& how) {
  write_key(out, "max_tokens");
  out.Uint(request.max_tokens.value_or(how.max_tokens));
  if (request.temperature && !std::isfinite(*request.temperature))
    return refused("the temperature is no number", "temperature");
  if (request.temperature && how.sampling) {
    write_key(out, "temperature");
    out.Double(std::min(*request.temperature, 1.0)); // elsewhere it goes up to 2
  }
  if (request.stream) {
    write_key(out, "stream");
    out.Bool(true);
  }
  return write_stop(out, request, extra);
}

/// The API demands a schema of type `object`; elsewhere a tool without parameters has none, or an empty one.
result<void> write_schema(json_writer& out, const std::string& parameters, std::string path) {
  write_key(out, "input_schema");
  if (is_blank(parameters)) {
    write_raw(out, R"({"type":"object","properties":{}})");
    return {};
  }
  if (!is_json_object(parameters))
    return refused("the tool's parameters are no JSON object", std::move(path));
  const auto parsed = json_document::parse(parameters);
  if (parsed->root().ObjectEmpty()) {
    write_raw(out, R"({"type":"object","properties":{}})");
    return {};
  }
  if (find_member(parsed->root(), "type") != nullptr) {
    write_raw(out, parameters);
    return {};
  }
  out.StartObject();
  write_member(out, "type", "object");
  for (const auto& member : parsed->root().GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (name == "type")
      continue;
    write_key(out, name);
    member.value.Accept(out);
  }
  out.EndObject();
  return {};
}

result<void> write_tool(json_writer& out, const tool& value, const std::string& path) {
  if (!value.raw.empty()) {
    if (!is_json_object(value.raw))
      return refused("the tool is no JSON object", path);
    const auto parsed = json_document::parse(value.raw);
    if (find_member(parsed->root(), "custom") != nullptr)
      return refused("custom tools are OpenAI's: the Messages API has none", path + ".custom");
    write_raw(out, value.raw);
    return {};
  }
  out.StartObject();
  write_member(out, "name", value.name);
  if (!value.description.empty())
    write_member(out, "description", value.description);
  if (auto written = write_schema(out, value.parameters, path + ".function.parameters"); !written)
    return written;
  if (value.strict) {
    write_key(out, "strict");
    out.Bool(*value.strict);
  }
  if (!value.cache_control.empty()) {
    if (!is_json_object(value.cache_control))
      return refused("the mark is no JSON object", path + ".cache_control");
    write_raw(out, "cache_control", value.cache_control);
  }
  out.EndObject();
  return {};
}

std::string_view choice_word(tool_choice::mode kind) noexcept {
  switch (kind) {
  case tool_choice::mode::automatic:
    return "auto";
  case tool_choice::mode::required:
    return "any";
  case tool_choice::mode::none:
    return "none";
  case tool_choice::mode::one:
    return "tool";
  }
  return "auto";
}

/// To forbid calls side by side is a member of the choice, so there must be one; `none` has no such member.
void write_choice(json_writer& out, const chat_request& request, const sorted_extra& extra) {
  if (extra.has("tool_choice"))
    return;
  const bool one_at_a_time = extra.one_tool_at_a_time;
  const tool_choice choice = request.tool_choice.value_or(tool_choice{});
  const bool harmless = choice.kind == tool_choice::mode::automatic || choice.kind == tool_choice::mode::none;
  // The API refuses a choice where there are no tools, even one that changes nothing.
  if (request.tools.empty() ? harmless : !request.tool_choice && !one_at_a_time)
    return;
  write_key(out, "tool_choice");
  out.StartObject();
  write_member(out, "type", choice_word(choice.kind));
  if (choice.kind == tool_choice::mode::one)
    write_member(out, "name", choice.tool);
  if (one_at_a_time && choice.kind != tool_choice::mode::none) {
    write_key(out, "disable_parallel_tool_use");
    out.Bool(true);
  }
  out.EndObject();
}

result<void> write_tools(json_writer& out, const chat_request& request, const sorted_extra& extra) {
  if (!request.tools.empty()) {
    write_key(out, "tools");
    out.StartArray();
    for (std::size_t at = 0; at != request.tools.size(); ++at)
      if (auto written = write_tool(out, request.tools[at], "tools[" + std::to_string(at) + "]"); !written)
        return written;
    out.EndArray();
  }
  write_choice(out, request, extra);
  return {};
}

} // namespace

result<std::string> encode_body(const chat_request& request, const dialect& how) {
  const auto extra = sort_extra(request.extra, how);
  if (!extra)
    return extra.error();
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write_member(out, "model", request.model.str());
  if (auto written = write_options(out, request, *extra, how); !written)
    return written.error();
  if (auto written = write_tools(out, request, *extra); !written)
    return written.error();
  if (auto written = write_conversation(out, request.messages); !written)
    return written.error();
  write_extra(out, *extra);
  out.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

} // namespace weir::protocols::anthropic
