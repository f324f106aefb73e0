// Messages, by OpenAI's cookbook; images by the rules beside this file; and guesses, marked as such, for the
// rest.
#include "protocols/prompt_tokens.hpp"

#include "protocols/base64.hpp"
#include "protocols/estimate.hpp"
#include "protocols/image_size.hpp"
#include "protocols/image_tokens.hpp"
#include "protocols/json.hpp"
#include "protocols/model_rules.hpp"

#include <algorithm>
#include <string>

namespace weir::protocols {

namespace {

// "How to count tokens with tiktoken", section 6. The names of all roles are single tokens.
constexpr std::uint64_t message_frame = 3, role_token = 1, name_frame = 1, reply_begins = 3;

// Nobody has published these.
constexpr std::uint64_t tool_call_frame = 3;
constexpr std::uint64_t opaque_data = 1600; // a file or a recording: as much as a large picture

/// Base 64 of something that is no text, or a `data:` URL of it.
bool is_opaque(std::string_view text) noexcept {
  constexpr std::size_t shortest = 256;
  if (text.starts_with("data:"))
    return true;
  return text.size() >= shortest && std::ranges::all_of(text, [](char letter) {
           return base64_value(letter) != no_base64 || letter == '=' || letter == '-' || letter == '_';
         });
}

/// The strings of a part that only its own API knows, without the names of its kinds.
void count_strings(const json_value& value, token_tally& into) {
  if (value.IsString()) {
    const std::string_view text = text_of(&value);
    if (is_opaque(text))
      into.tokens(opaque_data);
    else
      into.text(text);
  } else if (value.IsArray()) {
    for (const json_value& each : value.GetArray())
      count_strings(each, into);
  } else if (value.IsObject()) {
    for (const auto& each : value.GetObject()) {
      const std::string_view name = text_of(&each.name);
      if (name != "type" && name != "media_type" && name != "id" && name != "format")
        count_strings(each.value, into);
    }
  }
}

/// Counts the parts of one message.
class part_counter {
public:
  part_counter(std::string_view model, token_tally& into) : model_(model), into_(into) {}

  void operator()(const text_part& part) {
    into_.text(part.text);
    // The cookbook has one text a message; how several are joined is not said.
    if (++texts_ > 1)
      into_.guessed();
  }
  void operator()(const image_part& part) {
    into_.part(count_image_tokens(image_size_of(part.url), part.detail, model_));
  }
  void operator()(const reasoning_part& part) {
    into_.guessed();
    into_.text(part.text);
    // Encrypted text is as long as the text: base 64 makes four characters of three bytes, and four bytes are
    // taken for a token.
    into_.tokens((part.redacted.size() * 3 + 15) / 16);
  }
  void operator()(const raw_part& part) {
    into_.guessed();
    const auto parsed = json_document::parse(part.json);
    if (parsed)
      count_strings(parsed->root(), into_);
    else
      into_.text(part.json);
  }

private:
  std::string_view model_;
  token_tally& into_;
  int texts_ = 0;
};

void count_message(const message& counted, std::string_view model, token_tally& into) {
  into.tokens(message_frame + role_token);
  part_counter count_part(model, into);
  for (const content_part& each : counted.content)
    std::visit(count_part, each);
  for (const tool_call& each : counted.tool_calls) {
    into.guessed();
    into.tokens(tool_call_frame);
    into.text(each.name);
    into.text(each.arguments);
  }
  for (const auto& [name, json] : counted.extra) {
    if (name != "name") {
      into.guessed();
      continue;
    }
    const auto parsed = json_document::parse(json);
    into.text(parsed ? text_of(&parsed->root()) : std::string_view(json));
    into.tokens(name_frame);
  }
}

/// A schema that the reply must follow is shown to the model; how is not published.
void count_response_format(const chat_request& request, token_tally& into) {
  for (const auto& [name, json] : request.extra) {
    if (name != "response_format" && name != "functions")
      continue;
    into.guessed();
    const auto parsed = json_document::parse(json);
    const json_value* schema = parsed ? find_member(parsed->root(), "json_schema") : nullptr;
    if (name == "functions")
      into.text(json);
    else if (schema != nullptr)
      into.text(to_json_text(*schema));
  }
}

} // namespace

void token_tally::text(std::string_view counted) {
  total_.tokens += vocabulary_ != nullptr ? vocabulary_->count(counted) : estimate_text_tokens(counted);
}

token_count count_prompt_tokens(const chat_request& request, const token_counter* vocabulary) {
  token_tally tally(vocabulary);
  const std::string_view model = request.model.str();
  if (!has_counting_rules(model))
    tally.guessed();
  for (const message& each : request.messages)
    count_message(each, model, tally);
  tally.tokens(reply_begins);
  count_tools(request, tally);
  count_response_format(request, tally);
  return tally.total();
}

} // namespace weir::protocols
