// Tools, and fields that weir has no member for: the Responses API has most of Chat Completions' under
// another name or in another shape. Wire facts: OpenAI's API reference and migration guide.
#include "protocols/responses_encode.hpp"

#include "protocols/json_write.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace weir::protocols {

namespace {

/// Fields that a request sets by its own members, or whose place is in its messages.
constexpr std::array<std::string_view, 11> own_fields{"model",
                                                      "messages",
                                                      "input",
                                                      "instructions",
                                                      "max_tokens",
                                                      "max_completion_tokens",
                                                      "max_output_tokens",
                                                      "temperature",
                                                      "stream",
                                                      "tools",
                                                      "tool_choice"};

/// Chat Completions' fields that this API knows nothing like: hints, or what does not change the answer.
constexpr std::array<std::string_view, 11> dropped_fields{
    "audio", "frequency_penalty", "logit_bias",   "logprobs", "modalities", "prediction", "presence_penalty",
    "seed",  "stream_options",    "top_logprobs", "top_k"};

/// Fields that become members of one object here.
constexpr std::array<std::string_view, 5> nested_fields{"reasoning", "reasoning_effort", "text",
                                                        "response_format", "verbosity"};

template <std::size_t Size>
bool contains(const std::array<std::string_view, Size>& names, std::string_view name) noexcept {
  return std::ranges::find(names, name) != names.end();
}

failure refused(std::string message, std::string place) {
  return make_failure(errc::invalid_request, std::move(message), std::move(place));
}

/// The JSON text of a field of `extra`; null where it is absent or a JSON null.
const std::string* find_extra(const chat_request& request, std::string_view name) {
  for (const auto& [key, json] : request.extra)
    if (key == name)
      return json == "null" ? nullptr : &json;
  return nullptr;
}

void write_members(json_writer& out, const json_value& from, std::string_view but = {}) {
  for (const auto& member : from.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (name == but)
      continue;
    write_key(out, name);
    member.value.Accept(out);
  }
}

/// A tool of the provider's own. OpenAI's custom tools come in the shape of Chat Completions, too: with the
/// definition, and its grammar, one level deeper.
void write_own_tool(json_writer& out, const json_value& tool, const std::string& json) {
  const json_value* custom = find_member(tool, "custom");
  if (text_of(find_member(tool, "type")) != "custom" || custom == nullptr || !custom->IsObject()) {
    out.RawValue(json.data(), json.size(), rapidjson::kObjectType);
    return;
  }
  out.StartObject();
  write_member(out, "type", "custom");
  write_members(out, *custom, "format");
  if (const json_value* format = find_member(*custom, "format"); format != nullptr && format->IsObject()) {
    write_key(out, "format");
    out.StartObject();
    write_members(out, *format, "grammar");
    if (const json_value* grammar = find_member(*format, "grammar");
        grammar != nullptr && grammar->IsObject())
      write_members(out, *grammar);
    out.EndObject();
  }
  out.EndObject();
}

result<void> write_tool(json_writer& out, const tool& value, std::size_t at) {
  const std::string path = "tools[" + std::to_string(at) + "]";
  if (!value.raw.empty()) {
    const auto parsed = json_document::parse(value.raw);
    if (!parsed || !parsed->root().IsObject())
      return refused("expected the tool's raw JSON to be an object", path);
    write_own_tool(out, parsed->root(), value.raw);
    return {};
  }
  if (!value.parameters.empty() && !is_json(value.parameters))
    return refused("the tool's parameters are no JSON", path + ".function.parameters");
  out.StartObject();
  write_member(out, "type", "function");
  write_member(out, "name", value.name);
  if (!value.description.empty())
    write_member(out, "description", value.description);
  write_raw(out, "parameters",
            value.parameters.empty() ? std::string_view(R"({"type":"object","properties":{}})")
                                     : value.parameters);
  // Absent, it would be true here, and make every optional parameter mandatory; in Chat Completions it is
  // false.
  write_key(out, "strict");
  out.Bool(value.strict.value_or(false));
  out.EndObject();
  return {};
}

/// How a tool is named in `tool_choice`: a function or a custom tool by its name, the provider's own by its
/// type.
void write_one_tool(json_writer& out, const chat_request& request) {
  const std::string& name = request.tool_choice->tool;
  std::string type = "function";
  for (const tool& each : request.tools)
    if (each.name == name && !each.raw.empty())
      if (const auto parsed = json_document::parse(each.raw))
        type = text_of(find_member(parsed->root(), "type"));
  out.StartObject();
  write_member(out, "type", type);
  if (type == "function" || type == "custom")
    write_member(out, "name", name);
  out.EndObject();
}

/// `response_format` as `text.format`: a schema's members stand one level higher here.
result<std::string> format_of(const std::string& json) {
  const auto parsed = json_document::parse(json);
  if (!parsed || !parsed->root().IsObject())
    return refused("expected an object", "response_format");
  const json_value* schema = find_member(parsed->root(), "json_schema");
  if (schema == nullptr || !schema->IsObject())
    return json;
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write_member(out, "type", "json_schema");
  write_members(out, *schema, "type");
  out.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

/// The object `name` of this API, with the members that Chat Completions has as fields of their own.
/// `mapped`: member, Chat's name, JSON text. What is said twice is refused.
struct mapped_member {
  std::string_view name;
  std::string_view chat_name;
  std::string json;
};
result<void> write_object(json_writer& out, const chat_request& request, std::string_view name,
                          const std::vector<mapped_member>& mapped) {
  const std::string* own = find_extra(request, name);
  if (own == nullptr && mapped.empty())
    return {};
  const auto parsed = json_document::parse(own == nullptr ? std::string_view("{}") : *own);
  if (!parsed || !parsed->root().IsObject())
    return refused("expected an object", std::string(name));
  write_key(out, name);
  out.StartObject();
  write_members(out, parsed->root());
  for (const mapped_member& each : mapped) {
    if (parsed->root().HasMember(std::string(each.name).c_str()))
      return refused("the same is said by '" + std::string(name) + "." + std::string(each.name) + "'",
                     std::string(each.chat_name));
    write_raw(out, each.name, each.json);
  }
  out.EndObject();
  return {};
}

result<void> write_nested(json_writer& out, const chat_request& request) {
  std::vector<mapped_member> reasoning;
  if (const std::string* effort = find_extra(request, "reasoning_effort"))
    reasoning.push_back({"effort", "reasoning_effort", *effort});
  if (auto written = write_object(out, request, "reasoning", reasoning); !written)
    return written;
  std::vector<mapped_member> text;
  if (const std::string* format = find_extra(request, "response_format")) {
    auto made = format_of(*format);
    if (!made)
      return made.error();
    text.push_back({"format", "response_format", std::move(*made)});
  }
  if (const std::string* verbosity = find_extra(request, "verbosity"))
    text.push_back({"verbosity", "verbosity", *verbosity});
  return write_object(out, request, "text", text);
}

/// What is wrong with a field, if anything.
result<void> check_extra(const std::string& name, const std::string& json) {
  if (contains(own_fields, name) || name == "stop")
    return refused("the field has a member of its own in the request", name);
  if (name == "functions" || name == "function_call")
    return refused("the Responses API knows no deprecated functions; say it in 'tools'", name);
  const auto parsed = json_document::parse(json);
  if (!parsed)
    return refused("the extra field is no JSON", name);
  const json_value& value = parsed->root();
  if (name == "n" && !value.IsNull() && !(value.IsInt() && value.GetInt() == 1))
    return refused("the provider gives one answer to a call", name);
  if (name == "background" && value.IsTrue())
    return refused("an answer that must be asked for later is not supported", name);
  return {};
}

} // namespace

result<void> write_responses_tools(json_writer& out, const chat_request& request) {
  if (!request.tools.empty()) {
    write_key(out, "tools");
    out.StartArray();
    for (std::size_t at = 0; at != request.tools.size(); ++at)
      if (auto written = write_tool(out, request.tools[at], at); !written)
        return written;
    out.EndArray();
  }
  if (!request.tool_choice)
    return {};
  write_key(out, "tool_choice");
  switch (request.tool_choice->kind) {
  case tool_choice::mode::automatic:
    out.String("auto");
    break;
  case tool_choice::mode::required:
    out.String("required");
    break;
  case tool_choice::mode::none:
    out.String("none");
    break;
  case tool_choice::mode::one:
    write_one_tool(out, request);
    break;
  }
  return {};
}

bool is_stored(const chat_request& request) {
  const std::string* store = find_extra(request, "store");
  return store != nullptr && *store == "true";
}

result<void> write_responses_extra(json_writer& out, const chat_request& request) {
  std::set<std::string_view> seen;
  for (const auto& [name, json] : request.extra) {
    if (auto checked = check_extra(name, json); !checked)
      return checked;
    if (!seen.insert(name).second)
      return refused("the field stands twice", name);
    if (json == "null" || name == "n" || contains(dropped_fields, name) || contains(nested_fields, name))
      continue;
    write_raw(out, name, json);
  }
  if (find_extra(request, "store") == nullptr)
    write_raw(out, "store", "false");
  return write_nested(out, request);
}

} // namespace weir::protocols
