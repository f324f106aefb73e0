// Reading a client's request. Each fault names its JSON path; what weir has no member for is carried along.
#include "protocols/json.hpp"
#include "protocols/openai_chat_server.hpp"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>

namespace weir::protocols {

namespace {

failure fault(std::string path, std::string expected) {
  failure made = make_failure(errc::invalid_request, "expected " + std::move(expected), std::move(path));
  made.status_code = 400;
  return made;
}

std::string element(const std::string& path, rapidjson::SizeType at) {
  return path + "[" + std::to_string(at) + "]";
}

std::string json_of(const json_value* value) {
  return value == nullptr ? std::string() : to_json_text(*value);
}

/// Text that some clients send as the JSON that it would hold.
std::string text_or_json(const json_value* value) {
  return value == nullptr || value->IsString() ? std::string(text_of(value)) : to_json_text(*value);
}

/// All members but these. What is null counts as absent.
void carry_along(const json_value& from, std::initializer_list<std::string_view> but, extra_members& into) {
  for (const auto& member : from.GetObject())
    if (!member.value.IsNull() && std::ranges::find(but, text_of(&member.name)) == but.end())
      into.emplace_back(text_of(&member.name), to_json_text(member.value));
}

result<content_part> read_part(const json_value& part, const std::string& path) {
  const auto type = text_of(find_member(part, "type"));
  if (type.empty())
    return fault(path + ".type", "the type of a part, such as 'text' or 'image_url'");
  if (type == "text") {
    const json_value* text = find_member(part, "text");
    if (text == nullptr || !text->IsString())
      return fault(path + ".text", "a string");
    return content_part{text_part{std::string(text_of(text)), json_of(find_member(part, "cache_control"))}};
  }
  if (type == "image_url") {
    const json_value* image = find_member(part, "image_url");
    const auto url =
        image == nullptr || image->IsString() ? text_of(image) : text_of(find_member(*image, "url"));
    if (url.empty())
      return fault(path + ".image_url.url", "a URL");
    return content_part{image_part{std::string(url), std::string(text_of(find_member(*image, "detail"))),
                                   json_of(find_member(part, "cache_control"))}};
  }
  return content_part{raw_part{api_kind::chat, to_json_text(part)}}; // audio, files, and what is to come
}

result<void> read_content(const json_value* content, const std::string& path, message& into) {
  if (content == nullptr)
    return {};
  if (content->IsString()) {
    into.content.emplace_back(text_part{std::string(text_of(content))});
    return {};
  }
  if (!content->IsArray())
    return fault(path, "a string or an array of parts");
  for (rapidjson::SizeType at = 0; at != content->Size(); ++at) {
    auto part = read_part((*content)[at], element(path, at));
    if (!part)
      return part.error();
    into.content.push_back(std::move(*part));
  }
  return {};
}

result<tool_call> read_call(const json_value& from, const std::string& path) {
  tool_call read;
  const json_value* function = find_member(from, "function");
  const json_value* custom = find_member(from, "custom");
  read.custom = function == nullptr && custom != nullptr;
  const json_value* body = read.custom ? custom : function;
  if (body == nullptr || text_of(find_member(*body, "name")).empty())
    return fault(path + (read.custom ? ".custom.name" : ".function.name"), "the name of a function");
  read.id = text_of(find_member(from, "id"));
  read.name = text_of(find_member(*body, "name"));
  read.arguments = text_or_json(find_member(*body, read.custom ? "input" : "arguments"));
  carry_along(from, {"id", "type", "function", "custom", "index"}, read.extra);
  return read;
}

result<void> read_calls(const json_value* calls, const std::string& path, message& into) {
  if (calls == nullptr)
    return {};
  if (!calls->IsArray())
    return fault(path, "an array");
  for (rapidjson::SizeType at = 0; at != calls->Size(); ++at) {
    auto read = read_call((*calls)[at], element(path, at));
    if (!read)
      return read.error();
    into.tool_calls.push_back(std::move(*read));
  }
  return {};
}

/// `developer` is what newer models call the system role; `function` what older ones called a tool's.
std::optional<role> read_role(std::string_view word) {
  if (word == "developer")
    return role::system;
  return word == "function" ? std::optional{role::tool} : to_role(word);
}

result<message> read_message(const json_value& from, const std::string& path) {
  if (!from.IsObject())
    return fault(path, "an object");
  message read;
  const auto found = read_role(text_of(find_member(from, "role")));
  if (!found)
    return fault(path + ".role", "'system', 'developer', 'user', 'assistant' or 'tool'");
  read.role = *found;
  if (auto content = read_content(find_member(from, "content"), path + ".content", read); !content)
    return content.error();
  if (auto calls = read_calls(find_member(from, "tool_calls"), path + ".tool_calls", read); !calls)
    return calls.error();
  read.tool_call_id = text_of(find_member(from, "tool_call_id"));
  carry_along(from, {"role", "content", "tool_calls", "tool_call_id"}, read.extra);
  return read;
}

result<void> read_messages(const json_value& from, chat_request& into) {
  if (!from.IsArray() || from.Empty())
    return fault("messages", "an array with at least one message");
  into.messages.clear(); // of members of one name, the last counts
  for (rapidjson::SizeType at = 0; at != from.Size(); ++at) {
    auto read = read_message(from[at], element("messages", at));
    if (!read)
      return read.error();
    into.messages.push_back(std::move(*read));
  }
  return {};
}

/// A custom tool, or one of the provider's own: weir only passes it on.
tool raw_tool(const json_value& from, std::string_view type) {
  tool read;
  read.name = text_of(find_member(from, "custom", "name"));
  if (read.name.empty())
    read.name = text_of(find_member(from, "name"));
  if (read.name.empty())
    read.name = type;
  read.raw = to_json_text(from);
  return read;
}

result<tool> read_tool(const json_value& from, const std::string& path) {
  const auto type = text_of(find_member(from, "type"));
  if (!type.empty() && type != "function")
    return raw_tool(from, type);
  const json_value* function = find_member(from, "function");
  if (function == nullptr || text_of(find_member(*function, "name")).empty())
    return fault(path + ".function.name", "the name of a function");
  tool read;
  read.name = text_of(find_member(*function, "name"));
  read.description = text_of(find_member(*function, "description"));
  read.parameters = json_of(find_member(*function, "parameters"));
  if (const json_value* strict = find_member(*function, "strict"); strict != nullptr && strict->IsBool())
    read.strict = strict->GetBool();
  read.cache_control = json_of(find_member(from, "cache_control"));
  return read;
}

result<void> read_tools(const json_value& from, chat_request& into) {
  if (!from.IsArray())
    return fault("tools", "an array");
  into.tools.clear();
  for (rapidjson::SizeType at = 0; at != from.Size(); ++at) {
    auto read = read_tool(from[at], element("tools", at));
    if (!read)
      return read.error();
    into.tools.push_back(std::move(*read));
  }
  return {};
}

/// A choice that weir has no value for (`allowed_tools`, a custom tool, another server's word) is carried
/// along.
result<void> read_tool_choice(const json_value& from, chat_request& into) {
  if (!from.IsString() && !from.IsObject())
    return fault("tool_choice", "'auto', 'required', 'none' or an object");
  const auto word = text_of(&from);
  const auto name = text_of(find_member(from, "function", "name"));
  if (word == "auto")
    into.tool_choice = tool_choice{tool_choice::mode::automatic, {}};
  else if (word == "required")
    into.tool_choice = tool_choice{tool_choice::mode::required, {}};
  else if (word == "none")
    into.tool_choice = tool_choice{tool_choice::mode::none, {}};
  else if (!name.empty())
    into.tool_choice = tool_choice{tool_choice::mode::one, std::string(name)};
  else
    into.extra.emplace_back("tool_choice", to_json_text(from));
  return {};
}

result<void> read_stop(const json_value& from, chat_request& into) {
  into.stop.clear();
  if (from.IsString()) {
    into.stop.emplace_back(text_of(&from));
    return {};
  }
  if (!from.IsArray())
    return fault("stop", "a string or an array of strings");
  for (rapidjson::SizeType at = 0; at != from.Size(); ++at) {
    if (!from[at].IsString())
      return fault(element("stop", at), "a string");
    into.stop.emplace_back(text_of(&from[at]));
  }
  return {};
}

result<void> read_max_tokens(const json_value& from, const std::string& name, chat_request& into) {
  if (!from.IsUint() || from.GetUint() == 0)
    return fault(name, "a whole number of at least 1");
  into.max_tokens = from.GetUint();
  return {};
}

/// One member of the request. What is null counts as absent.
result<void> read_member(const std::string& name, const json_value& value, chat_request& into) {
  if (value.IsNull())
    return {};
  if (name == "model") {
    if (!value.IsString())
      return fault(name, "a string");
    into.model = model_name(text_of(&value));
  } else if (name == "messages") {
    return read_messages(value, into);
  } else if (name == "temperature") {
    if (!value.IsNumber() || value.GetDouble() < 0 || value.GetDouble() > 2)
      return fault(name, "a number from 0 to 2");
    into.temperature = value.GetDouble();
  } else if (name == "max_tokens" || name == "max_completion_tokens") {
    return read_max_tokens(value, name, into);
  } else if (name == "stream") {
    if (!value.IsBool())
      return fault(name, "true or false");
    into.stream = value.GetBool();
  } else if (name == "tools") {
    return read_tools(value, into);
  } else if (name == "tool_choice") {
    return read_tool_choice(value, into);
  } else if (name == "stop") {
    return read_stop(value, into);
  } else {
    into.extra.emplace_back(name, to_json_text(value));
  }
  return {};
}

} // namespace

result<chat_request> decode_chat_request(std::string_view json) {
  const auto parsed = json_document::parse(json);
  if (!parsed) {
    failure error = parsed.error();
    error.status_code = 400;
    return error;
  }
  const json_value& root = parsed->root();
  if (!root.IsObject())
    return fault("$", "an object");
  chat_request request;
  std::set<std::string> seen;
  for (const auto& member : root.GetObject()) {
    const std::string name(text_of(&member.name));
    if (!seen.insert(name).second)
      return fault(name, "the member only once");
    if (auto read = read_member(name, member.value, request); !read)
      return read.error();
  }
  if (request.messages.empty())
    return fault("messages", "an array with at least one message");
  return request;
}

} // namespace weir::protocols
