// Tools: OpenAI's cookbook says how functions are counted, Anthropic what its own words around tools cost.
#include "protocols/json.hpp"
#include "protocols/model_rules.hpp"
#include "protocols/prompt_tokens.hpp"

#include <string>

namespace weir::protocols {

namespace {

// "How to count tokens with tiktoken", section 7.
constexpr std::uint64_t function_begins_o200k = 7, function_begins_cl100k = 10;
constexpr std::uint64_t properties_begin = 3, property = 3, enumeration_less = 3, enumeration_item = 3;
constexpr std::uint64_t functions_end = 12;

// "Tool use" in Anthropic's documents, of Claude 3.7 and later: the system prompt that comes with tools.
constexpr std::uint64_t claude_tools_free = 346, claude_tools_forced = 313;

std::string_view without_stop(std::string_view text) noexcept {
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

void count_properties(const json_value& schema, token_tally& into);

/// A type may be several: `["string","null"]`.
std::string type_of(const json_value& schema, token_tally& into) {
  const json_value* type = find_member(schema, "type");
  if (type != nullptr && type->IsString())
    return std::string(text_of(type));
  into.guessed();
  std::string all;
  if (type != nullptr && type->IsArray())
    for (const json_value& each : type->GetArray())
      all.append(all.empty() ? "" : "|").append(text_of(&each));
  return all;
}

void count_property(const json_value& name, const json_value& schema, token_tally& into) {
  into.tokens(property);
  if (const json_value* values = find_member(schema, "enum"); values != nullptr && values->IsArray()) {
    if (!values->Empty())
      into.tokens(enumeration_item * values->Size() - enumeration_less);
    for (const json_value& each : values->GetArray())
      into.text(each.IsString() ? std::string(text_of(&each)) : to_json_text(each));
  }
  const json_value* description = find_member(schema, "description");
  if (description == nullptr || !description->IsString())
    into.guessed();
  std::string line(text_of(&name));
  line.append(":").append(type_of(schema, into)).append(":").append(without_stop(text_of(description)));
  into.text(line);
  // The cookbook has flat functions only. What is nested is counted in the same way.
  if (const json_value* items = find_member(schema, "items"); items != nullptr) {
    into.guessed();
    count_properties(*items, into);
  }
  if (find_member(schema, "properties") != nullptr)
    into.guessed();
  count_properties(schema, into);
}

void count_properties(const json_value& schema, token_tally& into) {
  const json_value* properties = find_member(schema, "properties");
  if (properties == nullptr || !properties->IsObject() || properties->ObjectEmpty())
    return;
  into.tokens(properties_begin);
  for (const auto& each : properties->GetObject())
    count_property(each.name, each.value, into);
}

void count_function(const tool& counted, token_tally& into) {
  std::string line = counted.name;
  line.append(":").append(without_stop(counted.description));
  into.text(line);
  if (counted.parameters.empty())
    return;
  const auto schema = json_document::parse(counted.parameters);
  if (!schema) {
    into.guessed();
    return into.text(counted.parameters);
  }
  count_properties(schema->root(), into);
}

/// As its JSON, with the words that Anthropic puts around tools.
void count_claude_tools(const chat_request& request, token_tally& into) {
  const bool forced = request.tool_choice && (request.tool_choice->kind == tool_choice::mode::required ||
                                              request.tool_choice->kind == tool_choice::mode::one);
  into.tokens(forced ? claude_tools_forced : claude_tools_free);
  for (const tool& each : request.tools) {
    into.text(each.name);
    into.text(each.description);
    into.text(each.raw.empty() ? each.parameters : each.raw);
  }
}

} // namespace

void count_tools(const chat_request& request, token_tally& into) {
  if (request.tools.empty())
    return;
  if (is_claude(request.model.str()))
    return count_claude_tools(request, into);
  const bool cl100k = vocabulary_of_model(request.model.str()) == "cl100k_base";
  for (const tool& each : request.tools) {
    into.tokens(cl100k ? function_begins_cl100k : function_begins_o200k);
    if (each.raw.empty()) {
      count_function(each, into);
      continue;
    }
    into.guessed();
    into.text(each.raw);
  }
  into.tokens(functions_end);
}

} // namespace weir::protocols
