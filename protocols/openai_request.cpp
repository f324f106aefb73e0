// Reading a client's request. Each fault names its JSON path; what weir has no member for is carried along.
#include "protocols/json.hpp"
#include "protocols/openai_chat_server.hpp"

#include <limits>
#include <utility>

namespace weir::protocols {

namespace {

failure fault(std::string path, std::string expected) {
  failure made = make_failure(errc::invalid_request, "expected " + std::move(expected), std::move(path));
  made.status_code = 400;
  return made;
}

result<content_part> read_part(const json_value& part, const std::string& path) {
  const auto type = text_of(find_member(part, "type"));
  if (type == "text") {
    const json_value* text = find_member(part, "text");
    if (text == nullptr || !text->IsString())
      return fault(path + ".text", "a string");
    return content_part{text_part{std::string(text_of(text))}};
  }
  if (type == "image_url") {
    const auto url = text_of(find_member(part, "image_url", "url"));
    if (url.empty())
      return fault(path + ".image_url.url", "a URL");
    return content_part{
        image_part{std::string(url), std::string(text_of(find_member(part, "image_url", "detail")))}};
  }
  return fault(path + ".type", "'text' or 'image_url'");
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
    auto part = read_part((*content)[at], path + "[" + std::to_string(at) + "]");
    if (!part)
      return part.error();
    into.content.push_back(std::move(*part));
  }
  return {};
}

result<void> read_calls(const json_value* calls, const std::string& path, message& into) {
  if (calls == nullptr)
    return {};
  if (!calls->IsArray())
    return fault(path, "an array");
  for (rapidjson::SizeType at = 0; at != calls->Size(); ++at) {
    const json_value& each = (*calls)[at];
    const json_value* function = find_member(each, "function");
    if (function == nullptr || text_of(find_member(*function, "name")).empty())
      return fault(path + "[" + std::to_string(at) + "].function.name", "the name of a function");
    into.tool_calls.push_back({std::string(text_of(find_member(each, "id"))),
                               std::string(text_of(find_member(*function, "name"))),
                               std::string(text_of(find_member(*function, "arguments")))});
  }
  return {};
}

result<message> read_message(const json_value& from, const std::string& path) {
  if (!from.IsObject())
    return fault(path, "an object");
  message read;
  const auto word = text_of(find_member(from, "role"));
  // `developer` is what newer models call the system role.
  const auto found = word == "developer" ? std::optional{role::system} : to_role(word);
  if (!found)
    return fault(path + ".role", "'system', 'developer', 'user', 'assistant' or 'tool'");
  read.role = *found;
  if (auto content = read_content(find_member(from, "content"), path + ".content", read); !content)
    return content.error();
  if (auto calls = read_calls(find_member(from, "tool_calls"), path + ".tool_calls", read); !calls)
    return calls.error();
  read.tool_call_id = text_of(find_member(from, "tool_call_id"));
  return read;
}

result<void> read_messages(const json_value& from, chat_request& into) {
  if (!from.IsArray() || from.Empty())
    return fault("messages", "an array with at least one message");
  for (rapidjson::SizeType at = 0; at != from.Size(); ++at) {
    auto read = read_message(from[at], "messages[" + std::to_string(at) + "]");
    if (!read)
      return read.error();
    into.messages.push_back(std::move(*read));
  }
  return {};
}

result<void> read_tools(const json_value& from, chat_request& into) {
  if (!from.IsArray())
    return fault("tools", "an array");
  for (rapidjson::SizeType at = 0; at != from.Size(); ++at) {
    const json_value* function = find_member(from[at], "function");
    if (function == nullptr || text_of(find_member(*function, "name")).empty())
      return fault("tools[" + std::to_string(at) + "].function.name", "the name of a function");
    tool read;
    read.name = text_of(find_member(*function, "name"));
    read.description = text_of(find_member(*function, "description"));
    if (const json_value* schema = find_member(*function, "parameters"); schema != nullptr)
      read.parameters = to_json_text(*schema);
    if (const json_value* strict = find_member(*function, "strict"); strict != nullptr && strict->IsBool())
      read.strict = strict->GetBool();
    into.tools.push_back(std::move(read));
  }
  return {};
}

result<void> read_tool_choice(const json_value& from, chat_request& into) {
  const auto word = text_of(&from);
  if (word == "auto")
    into.tool_choice = tool_choice{tool_choice::mode::automatic, {}};
  else if (word == "required")
    into.tool_choice = tool_choice{tool_choice::mode::required, {}};
  else if (word == "none")
    into.tool_choice = tool_choice{tool_choice::mode::none, {}};
  else if (const auto name = text_of(find_member(from, "function", "name")); !name.empty())
    into.tool_choice = tool_choice{tool_choice::mode::one, std::string(name)};
  else
    return fault("tool_choice", "'auto', 'required', 'none' or a function");
  return {};
}

result<void> read_stop(const json_value& from, chat_request& into) {
  if (from.IsString()) {
    into.stop.emplace_back(text_of(&from));
    return {};
  }
  if (!from.IsArray())
    return fault("stop", "a string or an array of strings");
  for (rapidjson::SizeType at = 0; at != from.Size(); ++at) {
    if (!from[at].IsString())
      return fault("stop[" + std::to_string(at) + "]", "a string");
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
  for (const auto& member : root.GetObject())
    if (auto read =
            read_member({member.name.GetString(), member.name.GetStringLength()}, member.value, request);
        !read)
      return read.error();
  if (request.messages.empty())
    return fault("messages", "an array with at least one message");
  return request;
}

} // namespace weir::protocols
