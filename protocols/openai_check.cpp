// The checks, message by message and tool by tool. Plain text needs none: it is escaped.
#include "protocols/openai_check.hpp"

#include "protocols/foreign_item.hpp"
#include "protocols/json.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <variant>

namespace weir::protocols {

namespace {

/// Fields that a request sets by its own members: in `extra` they would stand twice.
constexpr std::array<std::string_view, 8> own_fields{
    "model", "messages", "temperature", "max_tokens", "max_completion_tokens", "stream", "tools", "stop"};
constexpr std::array<std::string_view, 4> own_message_fields{"role", "content", "tool_calls", "tool_call_id"};
constexpr std::array<std::string_view, 4> own_call_fields{"id", "type", "function", "custom"};

failure refused(std::string path, std::string why) {
  return make_failure(errc::invalid_request, std::move(why), std::move(path));
}

/// A NUL at its end is no harm to a reader, but would be one in the middle of what is written.
bool is_writable(std::string_view json) {
  return json.find('\0') == std::string_view::npos && is_json(json);
}

template <class Names>
result<void> check_members(const extra_members& members, const Names& own, const std::string& path) {
  for (const auto& [name, json] : members) {
    if (std::ranges::find(own, name) != own.end())
      return refused(path + name, "the field has a member of its own in the request");
    if (!is_writable(json))
      return refused(path + name, "the extra field is no JSON");
  }
  return {};
}

struct part_check {
  const std::string& path;
  role from;

  result<void> mark(const std::string& cache_control) const {
    if (cache_control.empty() || is_writable(cache_control))
      return {};
    return refused(path + ".cache_control", "the mark is no JSON");
  }
  result<void> operator()(const text_part& part) const { return mark(part.cache_control); }
  result<void> operator()(const image_part& part) const { return mark(part.cache_control); }
  result<void> operator()(const reasoning_part&) const { return {}; }
  result<void> operator()(const raw_part& part) const {
    if (from == role::assistant && may_be_left_out(part))
      return {}; // it is not written
    if (part.api != api_kind::chat)
      return refused(path, "the part is of the API '" + std::string(to_string(part.api)) +
                               "', and the provider speaks 'chat'");
    if (!is_writable(part.json))
      return refused(path, "the part is no JSON");
    return {};
  }
};

result<void> check_message(const message& value, const std::string& path) {
  for (std::size_t at = 0; at != value.content.size(); ++at) {
    const std::string here = path + ".content[" + std::to_string(at) + "]";
    if (auto checked = std::visit(part_check{here, value.role}, value.content[at]); !checked)
      return checked;
  }
  for (std::size_t at = 0; at != value.tool_calls.size(); ++at)
    if (auto checked = check_members(value.tool_calls[at].extra, own_call_fields,
                                     path + ".tool_calls[" + std::to_string(at) + "].");
        !checked)
      return checked;
  return check_members(value.extra, own_message_fields, path + ".");
}

result<void> check_tool(const tool& value, const std::string& path) {
  if (!value.raw.empty() && !is_writable(value.raw))
    return refused(path, "the tool is no JSON");
  if (!value.parameters.empty() && !is_writable(value.parameters))
    return refused(path + ".function.parameters", "the tool's parameters are no JSON");
  if (!value.cache_control.empty() && !is_writable(value.cache_control))
    return refused(path + ".cache_control", "the mark is no JSON");
  return {};
}

} // namespace

result<void> check_openai_request(const chat_request& request) {
  if (request.temperature && !std::isfinite(*request.temperature))
    return refused("temperature", "the temperature is no number");
  for (std::size_t at = 0; at != request.messages.size(); ++at)
    if (auto checked = check_message(request.messages[at], "messages[" + std::to_string(at) + "]"); !checked)
      return checked;
  for (std::size_t at = 0; at != request.tools.size(); ++at)
    if (auto checked = check_tool(request.tools[at], "tools[" + std::to_string(at) + "]"); !checked)
      return checked;
  // A choice that weir has no value for, such as `allowed_tools`, comes as a further field.
  for (const auto& [name, json] : request.extra)
    if (name == "tool_choice" && request.tool_choice)
      return refused(name, "the field has a member of its own in the request");
  return check_members(request.extra, own_fields, {});
}

} // namespace weir::protocols
