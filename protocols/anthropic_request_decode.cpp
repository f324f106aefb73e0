// Reading a client's request. Each fault names its JSON path; what weir has no member for is carried along.
#include "protocols/anthropic_decode.hpp"
#include "protocols/anthropic_messages_server.hpp"
#include "protocols/json.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace weir::protocols {

using namespace anthropic;

namespace {

/// What becomes a field of OpenAI's name, when all members are read.
struct mapped_fields {
  extra_members fields;

  void add(const char* name, std::string json) { fields.emplace_back(name, std::move(json)); }
};

result<void> read_choice(const json_value& from, chat_request& into, mapped_fields& mapped) {
  const auto word = text_of(find_member(from, "type"));
  tool_choice choice;
  if (word == "any") {
    choice.kind = tool_choice::mode::required;
  } else if (word == "none") {
    choice.kind = tool_choice::mode::none;
  } else if (word == "tool") {
    choice.kind = tool_choice::mode::one;
    choice.tool = text_of(find_member(from, "name"));
    if (choice.tool.empty())
      return request_fault("tool_choice.name", "the name of a tool");
  } else if (word != "auto") {
    return request_fault("tool_choice.type", "'auto', 'any', 'tool' or 'none'");
  }
  into.tool_choice = std::move(choice);
  const json_value* single = find_member(from, "disable_parallel_tool_use");
  if (single != nullptr && single->IsTrue())
    mapped.add("parallel_tool_calls", "false");
  return {};
}

/// `effort` and `format` have OpenAI's names; with any further member the whole goes along as well.
void read_output_config(const json_value& from, chat_request& into, mapped_fields& mapped) {
  std::size_t known = 0;
  if (const json_value* effort = find_member(from, "effort"); effort != nullptr && effort->IsString()) {
    mapped.add("reasoning_effort", to_json_text(*effort));
    ++known;
  }
  const json_value* schema = find_member(from, "format", "schema");
  if (schema != nullptr && schema->IsObject() &&
      text_of(find_member(from, "format", "type")) == "json_schema") {
    // OpenAI demands a name.
    mapped.add("response_format", R"({"type":"json_schema","json_schema":{"name":"response","schema":)" +
                                      to_json_text(*schema) + "}}");
    ++known;
  }
  if (!from.IsObject() || from.MemberCount() != known)
    into.extra.emplace_back("output_config", to_json_text(from));
}

void read_metadata(const json_value& from, chat_request& into, mapped_fields& mapped) {
  const json_value* user = find_member(from, "user_id");
  const bool known = user != nullptr && user->IsString();
  if (known)
    mapped.add("user", to_json_text(*user));
  if (!known || from.MemberCount() != 1)
    into.extra.emplace_back("metadata", to_json_text(from));
}

result<void> read_stop(const json_value& from, chat_request& into) {
  if (!from.IsArray())
    return request_fault("stop_sequences", "an array of strings");
  for (rapidjson::SizeType at = 0; at != from.Size(); ++at) {
    if (!from[at].IsString())
      return request_fault("stop_sequences[" + std::to_string(at) + "]", "a string");
    into.stop.emplace_back(text_of(&from[at]));
  }
  return {};
}

/// Members that are one value. Nothing: it is none of these.
std::optional<result<void>> read_scalar(std::string_view name, const json_value& value, chat_request& into) {
  if (name == "model") {
    if (!value.IsString())
      return request_fault("model", "a string");
    into.model = model_name(text_of(&value));
  } else if (name == "max_tokens") {
    if (!value.IsUint() || value.GetUint() == 0)
      return request_fault("max_tokens", "a whole number of at least 1");
    into.max_tokens = value.GetUint();
  } else if (name == "temperature") {
    if (!value.IsNumber() || value.GetDouble() < 0 || value.GetDouble() > 1)
      return request_fault("temperature", "a number from 0 to 1");
    into.temperature = value.GetDouble();
  } else if (name == "stream") {
    if (!value.IsBool())
      return request_fault("stream", "true or false");
    into.stream = value.GetBool();
  } else {
    return std::nullopt;
  }
  return result<void>{};
}

/// One member of the request. What is null counts as absent.
result<void> read_member(std::string_view name, const json_value& value, chat_request& into,
                         mapped_fields& mapped) {
  if (value.IsNull())
    return {};
  if (auto read = read_scalar(name, value, into))
    return *read;
  if (name == "messages")
    return read_conversation(value, into.messages);
  if (name == "tools")
    return read_tool_list(value, into.tools);
  if (name == "tool_choice")
    return read_choice(value, into, mapped);
  if (name == "stop_sequences")
    return read_stop(value, into);
  if (name == "output_config")
    read_output_config(value, into, mapped);
  else if (name == "metadata")
    read_metadata(value, into, mapped);
  else if (name != "system" && name != "stop" && name != "max_completion_tokens")
    into.extra.emplace_back(name, to_json_text(value)); // the last two are OpenAI's, and mean nothing here
  return {};
}

/// This API's own way to say it counts, where a client sends OpenAI's beside it.
void add_mapped(mapped_fields mapped, extra_members& into) {
  for (auto& [name, json] : mapped.fields) {
    const auto same = [&name = name](const auto& each) { return each.first == name; };
    into.erase(std::remove_if(into.begin(), into.end(), same), into.end());
    into.emplace_back(std::move(name), std::move(json));
  }
}

} // namespace

result<chat_request> decode_messages_request(std::string_view json) {
  const auto parsed = json_document::parse(json);
  if (!parsed) {
    failure error = parsed.error();
    error.status_code = 400;
    return error;
  }
  const json_value& root = parsed->root();
  if (!root.IsObject())
    return request_fault("$", "an object");
  chat_request request;
  mapped_fields mapped;
  std::set<std::string_view> seen;
  for (const auto& member : root.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (!seen.insert(name).second)
      return request_fault(std::string(name), "the member only once");
    if (auto read = read_member(name, member.value, request, mapped); !read)
      return read.error();
  }
  if (request.messages.empty())
    return request_fault("messages", "an array with at least one message");
  if (const json_value* system = find_member(root, "system"); system != nullptr)
    if (auto read = read_system(*system, request.messages); !read)
      return read.error();
  add_mapped(std::move(mapped), request.extra);
  return request;
}

} // namespace weir::protocols
