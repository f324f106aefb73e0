// Blocks as parts. A block that weir has no part for is kept whole, for providers of this API.
// Wire facts: Anthropic's API reference, "Messages"; requests captured from its SDKs.
#include "protocols/anthropic_decode.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace weir::protocols::anthropic {

namespace {

std::string at_index(const std::string& path, rapidjson::SizeType at) {
  return path + "[" + std::to_string(at) + "]";
}

content_part foreign(const json_value& block) {
  return raw_part{api_kind::messages, to_json_text(block)};
}

result<content_part> read_text(const json_value& block, const std::string& path) {
  const json_value* text = find_member(block, "text");
  if (text == nullptr || !text->IsString())
    return request_fault(path + ".text", "a string");
  return content_part{text_part{std::string(text_of(text)), mark_in(block)}};
}

/// Sources other than bytes and URLs (a file that was uploaded) are this API's own.
result<content_part> read_image(const json_value& block, const std::string& path) {
  const json_value* source = find_member(block, "source");
  if (source == nullptr || !source->IsObject())
    return request_fault(path + ".source", "an object");
  const auto type = text_of(find_member(*source, "type"));
  image_part image;
  image.cache_control = mark_in(block);
  if (type == "url") {
    image.url = text_of(find_member(*source, "url"));
    if (image.url.empty())
      return request_fault(path + ".source.url", "a URL");
    return content_part{std::move(image)};
  }
  if (type != "base64")
    return foreign(block);
  const auto media_type = text_of(find_member(*source, "media_type"));
  const auto data = text_of(find_member(*source, "data"));
  if (media_type.empty())
    return request_fault(path + ".source.media_type", "a media type");
  if (data.empty())
    return request_fault(path + ".source.data", "the image in base64");
  image.url.reserve(media_type.size() + data.size() + 13);
  image.url.append("data:").append(media_type).append(";base64,").append(data);
  return content_part{std::move(image)};
}

content_part read_thinking(const json_value& block) {
  return reasoning_part{std::string(text_of(find_member(block, "thinking"))),
                        std::string(text_of(find_member(block, "signature")))};
}

content_part read_redacted(const json_value& block) {
  return reasoning_part{{}, {}, std::string(text_of(find_member(block, "data")))};
}

/// A block of either side.
result<content_part> read_part(const json_value& block, role from, const std::string& path) {
  if (!block.IsObject())
    return request_fault(path, "an object");
  const auto type = text_of(find_member(block, "type"));
  if (type.empty())
    return request_fault(path + ".type", "the type of a content block");
  if (type == "text")
    return read_text(block, path);
  if (type == "image" && from != role::assistant)
    return read_image(block, path);
  if (type == "thinking" && from == role::assistant)
    return read_thinking(block);
  if (type == "redacted_thinking" && from == role::assistant)
    return read_redacted(block);
  return foreign(block);
}

result<void> read_content(const json_value* content, role from, const std::string& path,
                          std::vector<content_part>& into) {
  if (content == nullptr)
    return {};
  if (content->IsString()) {
    into.emplace_back(text_part{std::string(text_of(content))});
    return {};
  }
  if (!content->IsArray())
    return request_fault(path, "a string or an array of content blocks");
  for (rapidjson::SizeType at = 0; at != content->Size(); ++at) {
    auto part = read_part((*content)[at], from, at_index(path, at));
    if (!part)
      return part.error();
    into.push_back(std::move(*part));
  }
  return {};
}

/// The mark of a result goes to its last part, where it is found again.
void mark_last(std::vector<content_part>& content, std::string mark) {
  if (mark.empty())
    return;
  if (!content.empty()) {
    if (auto* text = std::get_if<text_part>(&content.back())) {
      text->cache_control = std::move(mark);
      return;
    }
    if (auto* image = std::get_if<image_part>(&content.back())) {
      image->cache_control = std::move(mark);
      return;
    }
  }
  content.emplace_back(text_part{{}, std::move(mark)});
}

result<message> read_result(const json_value& block, const std::string& path) {
  message made;
  made.role = role::tool;
  made.tool_call_id = text_of(find_member(block, "tool_use_id"));
  if (made.tool_call_id.empty())
    return request_fault(path + ".tool_use_id", "the id of the call");
  if (auto read = read_content(find_member(block, "content"), role::tool, path + ".content", made.content);
      !read)
    return read.error();
  const json_value* failed = find_member(block, "is_error");
  made.is_error = failed != nullptr && failed->IsTrue();
  mark_last(made.content, mark_in(block));
  return made;
}

result<tool_call> read_call(const json_value& block, const std::string& path) {
  tool_call call;
  call.id = text_of(find_member(block, "id"));
  if (call.id.empty())
    return request_fault(path + ".id", "the id of the call");
  call.name = text_of(find_member(block, "name"));
  if (call.name.empty())
    return request_fault(path + ".name", "the name of a tool");
  const json_value* input = find_member(block, "input");
  if (input != nullptr && !input->IsObject())
    return request_fault(path + ".input", "an object");
  call.arguments = input == nullptr ? "{}" : to_json_text(*input);
  return call;
}

/// Results first, each a message; then what the user says beside them.
result<void> read_user(const json_value& content, const std::string& path, std::vector<message>& into) {
  message rest;
  bool results = false;
  for (rapidjson::SizeType at = 0; at != content.Size(); ++at) {
    const std::string place = at_index(path, at);
    if (text_of(find_member(content[at], "type")) == "tool_result") {
      auto read = read_result(content[at], place);
      if (!read)
        return read.error();
      into.push_back(std::move(*read));
      results = true;
      continue;
    }
    auto part = read_part(content[at], role::user, place);
    if (!part)
      return part.error();
    rest.content.push_back(std::move(*part));
  }
  if (!results || !rest.content.empty())
    into.push_back(std::move(rest));
  return {};
}

result<void> read_assistant(const json_value& content, const std::string& path, message& into) {
  for (rapidjson::SizeType at = 0; at != content.Size(); ++at) {
    const std::string place = at_index(path, at);
    if (text_of(find_member(content[at], "type")) == "tool_use") {
      auto call = read_call(content[at], place);
      if (!call)
        return call.error();
      into.tool_calls.push_back(std::move(*call));
      continue;
    }
    auto part = read_part(content[at], role::assistant, place);
    if (!part)
      return part.error();
    into.content.push_back(std::move(*part));
  }
  return {};
}

result<void> read_message(const json_value& from, const std::string& path, std::vector<message>& into) {
  if (!from.IsObject())
    return request_fault(path, "an object");
  message made;
  const auto found = to_role(text_of(find_member(from, "role")));
  if (!found || *found == role::tool)
    return request_fault(path + ".role", "'user', 'assistant' or 'system'");
  made.role = *found;
  const json_value* content = find_member(from, "content");
  if (content == nullptr)
    return request_fault(path + ".content", "a string or an array of content blocks");
  if (content->IsArray() && made.role == role::user)
    return read_user(*content, path + ".content", into);
  auto read = content->IsArray() && made.role == role::assistant
                  ? read_assistant(*content, path + ".content", made)
                  : read_content(content, made.role, path + ".content", made.content);
  if (!read)
    return read;
  into.push_back(std::move(made));
  return {};
}

} // namespace

failure request_fault(std::string path, std::string expected) {
  failure made = make_failure(errc::invalid_request, "expected " + std::move(expected), std::move(path));
  made.status_code = 400;
  return made;
}

std::string mark_in(const json_value& from) {
  const json_value* mark = find_member(from, "cache_control");
  return mark != nullptr && mark->IsObject() ? to_json_text(*mark) : std::string();
}

result<void> read_conversation(const json_value& from, std::vector<message>& into) {
  if (!from.IsArray() || from.Empty())
    return request_fault("messages", "an array with at least one message");
  for (rapidjson::SizeType at = 0; at != from.Size(); ++at)
    if (auto read = read_message(from[at], at_index("messages", at), into); !read)
      return read;
  return {};
}

result<void> read_system(const json_value& from, std::vector<message>& into) {
  message made;
  made.role = role::system;
  if (auto read = read_content(&from, role::system, "system", made.content); !read)
    return read;
  const auto says = [](const content_part& part) {
    const auto* text = std::get_if<text_part>(&part);
    return text == nullptr || !text->text.empty();
  };
  if (std::ranges::any_of(made.content, says))
    into.insert(into.begin(), std::move(made));
  return {};
}

result<void> read_tool_list(const json_value& from, std::vector<tool>& into) {
  if (!from.IsArray())
    return request_fault("tools", "an array");
  for (rapidjson::SizeType at = 0; at != from.Size(); ++at) {
    const json_value& each = from[at];
    const std::string path = at_index("tools", at);
    if (!each.IsObject())
      return request_fault(path, "an object");
    tool read;
    read.name = text_of(find_member(each, "name"));
    const auto type = text_of(find_member(each, "type"));
    if (!type.empty() && type != "custom") {
      read.raw = to_json_text(each); // the provider's own
      into.push_back(std::move(read));
      continue;
    }
    if (read.name.empty())
      return request_fault(path + ".name", "the name of a tool");
    read.description = text_of(find_member(each, "description"));
    if (const json_value* schema = find_member(each, "input_schema"); schema != nullptr) {
      if (!schema->IsObject())
        return request_fault(path + ".input_schema", "a JSON Schema");
      read.parameters = to_json_text(*schema);
    }
    if (const json_value* strict = find_member(each, "strict"); strict != nullptr && strict->IsBool())
      read.strict = strict->GetBool();
    read.cache_control = mark_in(each);
    into.push_back(std::move(read));
  }
  return {};
}

} // namespace weir::protocols::anthropic
