// Messages as turns of the Messages API: system texts stand apart, results of tools open the user's turn.
// Wire facts: Anthropic's API reference, "Messages" and "Tool use".
#include "protocols/anthropic_request.hpp"

#include "protocols/anthropic_blocks.hpp"
#include "protocols/data_url.hpp"
#include "protocols/foreign_item.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>
#include <vector>

namespace weir::protocols::anthropic {

namespace {

failure refused(std::string message, std::string place) {
  return make_failure(errc::invalid_request, std::move(message), std::move(place));
}

/// A message and its place in the request, for paths.
struct placed {
  const message* said = nullptr;
  std::size_t at = 0;

  std::string path() const { return "messages[" + std::to_string(at) + "]"; }
  std::string path(std::size_t part) const { return path() + ".content[" + std::to_string(part) + "]"; }
};

/// What becomes one message on the wire.
struct turn {
  bool assistant = false;
  std::vector<placed> results; ///< tool messages
  std::vector<placed> others;
};

/// Whether a part is told at all. The API refuses blank texts; a thought that it did not sign means nothing
/// to it, and only the model thinks.
bool is_sent(const content_part& part, role from) {
  if (const auto* text = std::get_if<text_part>(&part))
    return !is_blank(text->text);
  if (const auto* thought = std::get_if<reasoning_part>(&part))
    return from == role::assistant && !(thought->signature.empty() && thought->redacted.empty());
  const auto* raw = std::get_if<raw_part>(&part);
  return raw == nullptr || from != role::assistant || !may_be_left_out(*raw);
}

std::size_t count_sent(const message& said) {
  return static_cast<std::size_t>(std::ranges::count_if(
      said.content, [&said](const content_part& part) { return is_sent(part, said.role); }));
}

/// The mark of a part; null for parts that have none.
const std::string* mark_of(const content_part& part) noexcept {
  if (const auto* text = std::get_if<text_part>(&part))
    return &text->cache_control;
  if (const auto* image = std::get_if<image_part>(&part))
    return &image->cache_control;
  return nullptr;
}

result<void> write_image(json_writer& out, const image_part& image, std::string_view mark, std::string path) {
  const auto bytes = read_data_url(image.url);
  if (!bytes && !starts_with_word(image.url, "https://") && !starts_with_word(image.url, "http://"))
    return refused("expected an image as https: URL or as data: URL in base64", std::move(path));
  out.StartObject();
  write_member(out, "type", "image");
  write_key(out, "source");
  out.StartObject();
  if (bytes) {
    write_member(out, "type", "base64");
    write_member(out, "media_type", bytes->media_type);
    write_member(out, "data", bytes->base64);
  } else {
    write_member(out, "type", "url");
    write_member(out, "url", image.url);
  }
  out.EndObject();
  if (!mark.empty())
    write_raw(out, "cache_control", mark);
  out.EndObject();
  return {};
}

result<void> write_foreign(json_writer& out, const raw_part& part, std::string path) {
  if (part.api != api_kind::messages)
    return refused("the part belongs to the API '" + std::string(to_string(part.api)) +
                       "', which the provider does not speak",
                   std::move(path));
  if (!is_json_object(part.json))
    return refused("the part is no JSON object", std::move(path));
  write_raw(out, part.json);
  return {};
}

/// Within a tool's result the marks do not count: there `marked` is false.
result<void> write_part(json_writer& out, const content_part& part, bool marked, std::string path) {
  std::string_view mark;
  if (const auto* own = mark_of(part); own != nullptr && !own->empty()) {
    if (!is_json_object(*own))
      return refused("the mark is no JSON object", path + ".cache_control");
    mark = marked ? std::string_view(*own) : std::string_view();
  }
  if (const auto* text = std::get_if<text_part>(&part))
    write_text_block(out, text->text, mark);
  else if (const auto* image = std::get_if<image_part>(&part))
    return write_image(out, *image, mark, std::move(path));
  else if (const auto* thought = std::get_if<reasoning_part>(&part))
    write_reasoning_block(out, *thought);
  else
    return write_foreign(out, std::get<raw_part>(part), std::move(path));
  return {};
}

result<void> write_parts(json_writer& out, const placed& from, bool marked) {
  for (std::size_t at = 0; at != from.said->content.size(); ++at)
    if (const content_part& part = from.said->content[at]; is_sent(part, from.said->role))
      if (auto written = write_part(out, part, marked, from.path(at)); !written)
        return written.error();
  return {};
}

/// The plain string is what every compatible server understands. Null: the content is more than that.
const std::string* plain_text(const message& said, bool marked) noexcept {
  const std::string* plain = nullptr;
  for (const content_part& part : said.content) {
    if (!is_sent(part, said.role))
      continue;
    const auto* text = std::get_if<text_part>(&part);
    if (plain != nullptr || text == nullptr || (marked && !text->cache_control.empty()))
      return nullptr;
    plain = &text->text;
  }
  return plain;
}

/// The arguments of a call as the object that the API wants.
result<std::string> input_of(const tool_call& call, std::string path) {
  if (call.custom) {
    rapidjson::StringBuffer buffer;
    json_writer out(buffer);
    out.StartObject();
    write_member(out, "input", call.arguments);
    out.EndObject();
    return std::string(buffer.GetString(), buffer.GetSize());
  }
  if (is_blank(call.arguments))
    return std::string("{}");
  if (is_json_object(call.arguments))
    return call.arguments;
  const auto parsed = json_document::parse(call.arguments);
  if (parsed && parsed->root().IsNull())
    return std::string("{}");
  return refused("the arguments are no JSON object", std::move(path));
}

result<void> write_calls(json_writer& out, const placed& from) {
  for (std::size_t at = 0; at != from.said->tool_calls.size(); ++at) {
    const tool_call& call = from.said->tool_calls[at];
    const std::string path = from.path() + ".tool_calls[" + std::to_string(at) + "]";
    if (call.id.empty())
      return refused("the call has no id", path + ".id");
    auto input = input_of(call, path + ".function.arguments");
    if (!input)
      return input.error();
    write_tool_use_block(out, call, *input);
  }
  return {};
}

/// A mark of a part is the result's: the API caches whole blocks of a message.
result<void> write_result(json_writer& out, const placed& from) {
  const message& said = *from.said;
  if (said.tool_call_id.empty())
    return refused("the tool message does not say which call it answers", from.path() + ".tool_call_id");
  out.StartObject();
  write_member(out, "type", "tool_result");
  write_member(out, "tool_use_id", said.tool_call_id);
  if (const std::string* plain = plain_text(said, false)) {
    write_member(out, "content", *plain);
  } else if (count_sent(said) != 0) {
    write_key(out, "content");
    out.StartArray();
    if (auto written = write_parts(out, from, false); !written)
      return written;
    out.EndArray();
  }
  if (said.is_error) {
    write_key(out, "is_error");
    out.Bool(true);
  }
  std::string_view mark;
  for (std::size_t at = 0; at != said.content.size(); ++at)
    if (const auto* own = mark_of(said.content[at]); own != nullptr && !own->empty()) {
      if (!is_json_object(*own))
        return refused("the mark is no JSON object", from.path(at) + ".cache_control");
      mark = *own;
    }
  if (!mark.empty())
    write_raw(out, "cache_control", mark);
  out.EndObject();
  return {};
}

/// The API wants all results of a turn's calls in the next message, before anything else. So the messages
/// between two of the assistant's become one as soon as there is a result among them.
std::vector<turn> to_turns(const std::vector<message>& messages) {
  std::vector<turn> turns;
  bool one = false; // the last turn is the user's, and takes what follows
  for (std::size_t at = 0; at != messages.size(); ++at) {
    const message& said = messages[at];
    if (said.role == role::system)
      continue;
    if (said.role == role::assistant) {
      turns.push_back({true, {}, {{&said, at}}});
      one = false;
      continue;
    }
    if (said.role == role::tool && !one) {
      // What the user said before the result goes behind it.
      auto first = turns.end();
      while (first != turns.begin() && !std::prev(first)->assistant)
        --first;
      turn joined;
      for (auto each = first; each != turns.end(); ++each)
        joined.others.insert(joined.others.end(), each->others.begin(), each->others.end());
      turns.erase(first, turns.end());
      turns.push_back(std::move(joined));
      one = true;
    } else if (!one) {
      turns.emplace_back();
    }
    auto& list = said.role == role::tool ? turns.back().results : turns.back().others;
    list.push_back({&said, at});
  }
  return turns;
}

bool says_anything(const turn& from) {
  return !from.results.empty() || std::ranges::any_of(from.others, [&from](const placed& each) {
    return (from.assistant && !each.said->tool_calls.empty()) || count_sent(*each.said) != 0;
  });
}

result<void> write_turn(json_writer& out, const turn& from) {
  out.StartObject();
  write_member(out, "role", from.assistant ? "assistant" : "user");
  const bool single = from.results.empty() && from.others.size() == 1;
  const bool calls = from.assistant && !from.others.front().said->tool_calls.empty();
  const std::string* plain = single && !calls ? plain_text(*from.others.front().said, true) : nullptr;
  if (plain != nullptr) {
    write_member(out, "content", *plain);
    out.EndObject();
    return {};
  }
  write_key(out, "content");
  out.StartArray();
  for (const placed& each : from.results)
    if (auto written = write_result(out, each); !written)
      return written;
  for (const placed& each : from.others) {
    if (auto written = write_parts(out, each, true); !written)
      return written;
    if (from.assistant)
      if (auto written = write_calls(out, each); !written)
        return written;
  }
  out.EndArray();
  out.EndObject();
  return {};
}

/// All system messages, wherever they stand. One string where that says everything.
result<void> write_system(json_writer& out, const std::vector<message>& messages) {
  std::string joined;
  bool blocks = false;
  bool any = false;
  for (std::size_t at = 0; at != messages.size(); ++at) {
    if (messages[at].role != role::system)
      continue;
    for (std::size_t part = 0; part != messages[at].content.size(); ++part) {
      const content_part& piece = messages[at].content[part];
      if (std::holds_alternative<image_part>(piece))
        return refused("a system message can hold no image", placed{&messages[at], at}.path(part));
      if (!is_sent(piece, role::system))
        continue;
      const auto* text = std::get_if<text_part>(&piece);
      if (text != nullptr)
        joined.append(any ? "\n\n" : "").append(text->text);
      blocks = blocks || text == nullptr || !text->cache_control.empty();
      any = true;
    }
  }
  if (!any)
    return {};
  if (!blocks) {
    write_member(out, "system", joined);
    return {};
  }
  write_key(out, "system");
  out.StartArray();
  for (std::size_t at = 0; at != messages.size(); ++at)
    if (messages[at].role == role::system)
      if (auto written = write_parts(out, {&messages[at], at}, true); !written)
        return written;
  out.EndArray();
  return {};
}

} // namespace

result<void> write_conversation(json_writer& out, const std::vector<message>& messages) {
  if (auto written = write_system(out, messages); !written)
    return written;
  write_key(out, "messages");
  out.StartArray();
  bool any = false;
  for (const turn& each : to_turns(messages))
    if (says_anything(each)) {
      any = true;
      if (auto written = write_turn(out, each); !written)
        return written;
    }
  out.EndArray();
  if (!any)
    return refused("there is nothing in the messages that could be sent", "messages");
  return {};
}

} // namespace weir::protocols::anthropic
