// The request as a whole: options, tools, extra fields, sizes. Messages stand in validate_messages.cpp.
#include "protocols/json.hpp"
#include "protocols/validate_parts.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace weir {

namespace {

using namespace weir::protocols;

constexpr std::size_t longest_description = 64 * 1024;
constexpr std::size_t most_stops = 4;

void check_options(const chat_request& request, const model_config* model, fault_list& faults) {
  if (request.temperature &&
      !(std::isfinite(*request.temperature) && *request.temperature >= 0 && *request.temperature <= 2))
    faults.add("temperature", "expected a number from 0 to 2");
  if (request.max_tokens == 0U)
    faults.add("max_tokens", "expected a whole number of at least 1");
  if (model != nullptr && model->max_tokens > 0 && request.max_tokens.value_or(0) > model->max_tokens)
    faults.add("max_tokens", "the model gives at most " + std::to_string(model->max_tokens) +
                                 " tokens, and " + std::to_string(*request.max_tokens) + " are asked for");
  if (request.stop.size() > most_stops)
    faults.add("stop", "expected at most " + std::to_string(most_stops) + " texts, got " +
                           std::to_string(request.stop.size()));
  for (std::size_t at = 0; at != request.stop.size() && !faults.full(); ++at)
    if (request.stop[at].empty())
      faults.add(indexed("stop", at), "expected a text that is not empty");
  if (request.stream && model != nullptr && model->supports_streaming == false)
    faults.add("stream", "the model does not stream");
}

void check_schema(const std::string& schema, const std::string& path, fault_list& faults) {
  const auto parsed = json_document::parse(schema);
  if (!parsed) {
    faults.add(path, parsed.error().message + " (" + parsed.error().place + ")");
    return;
  }
  if (!parsed->root().IsObject()) {
    faults.add(path, "expected a JSON Schema, which is an object");
    return;
  }
  const json_value* type = find_member(parsed->root(), "type");
  if (type != nullptr && text_of(type) != "object")
    faults.add(path + ".type", "expected 'object': a tool's parameters are members of one");
}

void check_tool(const tool& value, const std::string& path, fault_list& faults) {
  if (!value.cache_control.empty() && !is_object_text(value.cache_control))
    faults.add(path + ".cache_control", "expected a JSON object");
  if (!value.raw.empty()) {
    if (!is_object_text(value.raw))
      faults.add(path, "expected the raw tool to be a JSON object");
    return;
  }
  if (!is_tool_name(value.name))
    faults.add(path + ".function.name",
               "expected 1 to 128 letters, digits, '_' and '-', got " + in_quotes(value.name));
  if (value.description.size() > longest_description)
    faults.add(path + ".function.description", "has " + std::to_string(value.description.size()) +
                                                   " bytes; at most " + std::to_string(longest_description));
  if (!value.parameters.empty())
    check_schema(value.parameters, path + ".function.parameters", faults);
}

void check_tools(const chat_request& request, const model_config* model, fault_list& faults) {
  if (!request.tools.empty() && model != nullptr && model->supports_tools == false)
    faults.add("tools", "the model takes no tools");
  std::set<std::string_view> names;
  for (std::size_t at = 0; at != request.tools.size() && !faults.full(); ++at) {
    const tool& each = request.tools[at];
    const std::string path = indexed("tools", at);
    check_tool(each, path, faults);
    if (!each.name.empty() && !names.insert(each.name).second)
      faults.add(path + ".function.name", "another tool has the name " + in_quotes(each.name));
  }
  if (!request.tool_choice)
    return;
  if (request.tools.empty())
    faults.add("tool_choice", "there are no tools to choose from");
  else if (request.tool_choice->kind == tool_choice::mode::one && !names.contains(request.tool_choice->tool))
    faults.add("tool_choice.function.name", "there is no tool " + in_quotes(request.tool_choice->tool));
}

void check_extra(const chat_request& request, fault_list& faults) {
  check_members(request.extra, {},
                {"model", "messages", "temperature", "max_tokens", "max_completion_tokens", "stream", "tools",
                 "tool_choice", "stop"},
                faults);
  for (const auto& [name, json] : request.extra) {
    if (name != "n")
      continue;
    const auto count = json_document::parse(json);
    if (count && !count->root().IsNull() && !(count->root().IsInt() && count->root().GetInt() == 1))
      faults.add("n", "expected 1: a call has one answer");
  }
}

std::size_t size_of(const extra_members& members) {
  std::size_t size = 0;
  for (const auto& [name, json] : members)
    size += name.size() + json.size();
  return size;
}

std::size_t size_of(const content_part& part) {
  if (const auto* text = std::get_if<text_part>(&part))
    return text->text.size();
  if (const auto* thought = std::get_if<reasoning_part>(&part))
    return thought->text.size() + thought->signature.size() + thought->redacted.size();
  if (const auto* raw = std::get_if<raw_part>(&part))
    return raw->json.size();
  const std::string_view url = std::get<image_part>(part).url;
  return url.starts_with("data:") ? 0 : url.size(); // an image's own size has a limit of its own
}

std::size_t text_size(const chat_request& request) {
  std::size_t size = size_of(request.extra);
  for (const message& each : request.messages) {
    size += each.tool_call_id.size() + size_of(each.extra);
    for (const content_part& part : each.content)
      size += size_of(part);
    for (const tool_call& call : each.tool_calls)
      size += call.id.size() + call.name.size() + call.arguments.size() + size_of(call.extra);
  }
  for (const tool& each : request.tools)
    size += each.name.size() + each.description.size() + each.parameters.size() + each.raw.size();
  for (const std::string& each : request.stop)
    size += each.size();
  return size;
}

} // namespace

std::vector<failure> validate(const chat_request& request, const model_config* model) {
  fault_list faults;
  // What is too large is not looked at any further.
  if (const std::size_t size = text_size(request); size > largest_request_text) {
    faults.add(errc::token_limit, "messages",
               "the request has " + std::to_string(size) + " bytes of text; at most " +
                   std::to_string(largest_request_text));
    return std::move(faults).take();
  }
  check_messages(request, model, faults);
  check_options(request, model, faults);
  check_tools(request, model, faults);
  check_extra(request, faults);
  return std::move(faults).take();
}

failure to_failure(const std::vector<failure>& faults) {
  if (faults.empty())
    return make_failure(errc::none, {});
  failure made = faults.front();
  if (faults.size() == 1)
    return made;
  made.message = "the request has " + std::to_string(faults.size()) + " faults: ";
  for (std::size_t at = 0; at != faults.size(); ++at)
    made.message.append(at == 0 ? "" : "; ").append(faults[at].place).append(": ").append(faults[at].message);
  return made;
}

} // namespace weir
