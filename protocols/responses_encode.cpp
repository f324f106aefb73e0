// Messages as input items. An assistant's turn becomes several: what it said, thought and called, in order.
#include "protocols/responses_encode.hpp"

#include "protocols/json_write.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <variant>

namespace weir::protocols {

namespace {

failure refused(std::string message, std::string place) {
  return make_failure(errc::invalid_request, std::move(message), std::move(place));
}

std::string path_of(std::size_t message) {
  return "messages[" + std::to_string(message) + "]";
}

std::string path_of(std::size_t message, std::size_t part) {
  return path_of(message) + ".content[" + std::to_string(part) + "]";
}

/// The only part of a message, where it is text.
const text_part* plain_text(const message& value) {
  return value.content.size() == 1 ? std::get_if<text_part>(&value.content.front()) : nullptr;
}

bool is_all_text(const message& value) {
  return std::ranges::all_of(
      value.content, [](const content_part& part) { return std::holds_alternative<text_part>(part); });
}

/// A thought that holds nothing of itself: the provider would look it up under its id.
bool is_reference(const json_value& item) {
  if (text_of(find_member(item, "type")) == "item_reference")
    return true;
  if (text_of(find_member(item, "type")) != "reasoning")
    return false;
  const json_value* content = find_member(item, "content");
  return text_of(find_member(item, "encrypted_content")).empty() &&
         (content == nullptr || !content->IsArray() || content->Empty());
}

class input_writer {
public:
  input_writer(json_writer& out, bool stored) : out_(out), stored_(stored) {}

  result<void> write(const message& value, std::size_t at) {
    at_ = at;
    switch (value.role) {
    case role::system:
      return write_parts(value, "system");
    case role::user:
      return write_parts(value, "user");
    case role::assistant:
      return write_assistant(value);
    case role::tool:
      return write_result(value);
    }
    return {};
  }

private:
  void open(std::string_view from) {
    if (open_)
      return;
    open_ = true;
    out_.StartObject();
    write_member(out_, "role", from);
    write_key(out_, "content");
    out_.StartArray();
  }

  void close() {
    if (!open_)
      return;
    open_ = false;
    out_.EndArray();
    out_.EndObject();
  }

  void write_text_part(std::string_view type, std::string_view text) {
    out_.StartObject();
    write_member(out_, "type", type);
    write_member(out_, "text", text);
    out_.EndObject();
  }

  void write_image(const image_part& image) {
    out_.StartObject();
    write_member(out_, "type", "input_image");
    write_member(out_, "image_url", image.url);
    write_member(out_, "detail", image.detail.empty() ? std::string_view("auto") : image.detail);
    out_.EndObject();
  }

  /// A raw part as parsed, or why it cannot be sent.
  result<json_document> parse_raw(const raw_part& part, std::size_t index) const {
    if (part.api != api_kind::responses)
      return refused("the part belongs to the API '" + std::string(to_string(part.api)) +
                         "', and the provider speaks 'responses'",
                     path_of(at_, index));
    auto parsed = json_document::parse(part.json);
    if (!parsed || !parsed->root().IsObject())
      return refused("expected the part's raw JSON to be an object", path_of(at_, index));
    return parsed;
  }

  /// A message of parts. A raw part is one of them (`input_file`), or an item of its own.
  result<void> write_parts(const message& value, std::string_view from) {
    if (const text_part* only = plain_text(value); only != nullptr || value.content.empty()) {
      out_.StartObject();
      write_member(out_, "role", from);
      write_member(out_, "content", only == nullptr ? std::string_view() : only->text);
      out_.EndObject();
      return {};
    }
    for (std::size_t index = 0; index != value.content.size(); ++index) {
      const content_part& part = value.content[index];
      if (const auto* text = std::get_if<text_part>(&part)) {
        open(from);
        write_text_part("input_text", text->text);
      } else if (const auto* image = std::get_if<image_part>(&part)) {
        if (value.role != role::user)
          return refused("an image stands in a user's or a tool's message only", path_of(at_, index));
        open(from);
        write_image(*image);
      } else if (const auto* raw = std::get_if<raw_part>(&part)) {
        const auto parsed = parse_raw(*raw, index);
        if (!parsed)
          return parsed.error();
        if (text_of(find_member(parsed->root(), "type")).starts_with("input_")) {
          open(from);
          write_raw(out_, raw->json);
        } else if (stored_ || !is_reference(parsed->root())) {
          close();
          write_raw(out_, raw->json);
        }
      }
    }
    close();
    return {};
  }

  result<void> write_assistant(const message& value) {
    std::set<std::string, std::less<>> written; // calls that stand among the raw items, in their place
    for (std::size_t index = 0; index != value.content.size(); ++index) {
      const content_part& part = value.content[index];
      if (const auto* text = std::get_if<text_part>(&part)) {
        if (text->text.empty())
          continue;
        open("assistant");
        write_text_part("output_text", text->text);
      } else if (const auto* raw = std::get_if<raw_part>(&part)) {
        const auto parsed = parse_raw(*raw, index);
        if (!parsed)
          return parsed.error();
        if (!stored_ && is_reference(parsed->root()))
          continue;
        close();
        write_raw(out_, raw->json);
        if (const auto id = text_of(find_member(parsed->root(), "call_id")); !id.empty())
          written.emplace(id);
      } else if (std::holds_alternative<image_part>(part)) {
        return refused("an image stands in a user's or a tool's message only", path_of(at_, index));
      }
      // A thought of another vendor's model is signed by him: it means nothing here.
    }
    close();
    for (const tool_call& call : value.tool_calls) {
      if (call.custom)
        custom_.emplace(call.id);
      if (!written.contains(call.id))
        write_call(call);
    }
    return {};
  }

  void write_call(const tool_call& call) {
    out_.StartObject();
    write_member(out_, "type", call.custom ? "custom_tool_call" : "function_call");
    write_member(out_, "call_id", call.id);
    write_member(out_, "name", call.name);
    if (call.custom)
      write_member(out_, "input", call.arguments);
    else // some models write nothing where there are no arguments, which is refused as no JSON
      write_member(out_, "arguments", call.arguments.empty() ? std::string_view("{}") : call.arguments);
    out_.EndObject();
  }

  /// The API has no mark for a tool that failed: the text says it.
  result<void> write_result(const message& value) {
    out_.StartObject();
    write_member(out_, "type",
                 custom_.contains(value.tool_call_id) ? "custom_tool_call_output" : "function_call_output");
    write_member(out_, "call_id", value.tool_call_id);
    if (is_all_text(value)) {
      write_member(out_, "output", (value.is_error ? "Error: " : "") + weir::text_of(value));
      out_.EndObject();
      return {};
    }
    write_key(out_, "output");
    out_.StartArray();
    bool marked = !value.is_error;
    if (!marked && !std::holds_alternative<text_part>(value.content.front())) {
      write_text_part("input_text", "Error: the tool failed");
      marked = true;
    }
    for (std::size_t index = 0; index != value.content.size(); ++index) {
      const content_part& part = value.content[index];
      if (const auto* text = std::get_if<text_part>(&part)) {
        write_text_part("input_text", marked ? text->text : "Error: " + text->text);
        marked = true;
      } else if (const auto* image = std::get_if<image_part>(&part)) {
        write_image(*image);
      } else if (const auto* raw = std::get_if<raw_part>(&part)) {
        const auto parsed = parse_raw(*raw, index);
        if (!parsed)
          return parsed.error();
        if (!text_of(find_member(parsed->root(), "type")).starts_with("input_"))
          return refused("expected a part that a tool's output may hold, such as 'input_file'",
                         path_of(at_, index));
        write_raw(out_, raw->json);
      }
    }
    out_.EndArray();
    out_.EndObject();
    return {};
  }

  json_writer& out_;
  bool stored_;
  bool open_ = false; ///< a message whose parts are being written
  std::size_t at_ = 0;
  std::set<std::string, std::less<>>
      custom_; ///< calls of custom tools: their results have a type of their own
};

/// The system messages at the front that are text and nothing else. At least one message stays for `input`,
/// which must not be empty.
std::size_t count_instructions(const chat_request& request) {
  const auto end = std::ranges::find_if_not(
      request.messages, [](const message& each) { return each.role == role::system && is_all_text(each); });
  const auto count = static_cast<std::size_t>(end - request.messages.begin());
  return count == request.messages.size() && count > 0 ? count - 1 : count;
}

result<void> write_options(json_writer& out, const chat_request& request) {
  if (request.temperature) {
    if (!std::isfinite(*request.temperature))
      return refused("the temperature is no number", "temperature");
    write_key(out, "temperature");
    out.Double(*request.temperature);
  }
  if (request.max_tokens) {
    write_key(out, "max_output_tokens");
    out.Uint(*request.max_tokens);
  }
  if (!request.stop.empty())
    return refused("the Responses API knows no stop texts", "stop");
  if (request.stream) {
    write_key(out, "stream");
    out.Bool(true);
  }
  return {};
}

} // namespace

result<void> write_responses_input(json_writer& out, const chat_request& request, bool stored) {
  const std::size_t instructions = count_instructions(request);
  if (instructions > 0) {
    std::string text;
    for (std::size_t at = 0; at != instructions; ++at)
      text.append(at == 0 ? "" : "\n\n").append(weir::text_of(request.messages[at]));
    write_member(out, "instructions", text);
  }
  write_key(out, "input");
  out.StartArray();
  input_writer items(out, stored);
  for (std::size_t at = instructions; at < request.messages.size(); ++at)
    if (auto written = items.write(request.messages[at], at); !written)
      return written;
  out.EndArray();
  return {};
}

result<std::string> encode_responses_request(const chat_request& request) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  write_member(out, "model", request.model.str());
  if (auto written = write_responses_input(out, request, is_stored(request)); !written)
    return written.error();
  if (auto written = write_options(out, request); !written)
    return written.error();
  if (auto written = write_responses_tools(out, request); !written)
    return written.error();
  if (auto written = write_responses_extra(out, request); !written)
    return written.error();
  out.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

} // namespace weir::protocols
