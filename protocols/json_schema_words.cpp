// Words for models and people alike.
#include "protocols/json_schema_words.hpp"

#include "protocols/utf8.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace weir::protocols {

namespace {

constexpr std::size_t longest_word = 60;
constexpr std::size_t most_words = 20;

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> words{{{"null", "null"},
                                                                              {"boolean", "a boolean"},
                                                                              {"integer", "an integer"},
                                                                              {"number", "a number"},
                                                                              {"string", "a string"},
                                                                              {"array", "an array"},
                                                                              {"object", "an object"}}};

} // namespace

bool is_of_type(const json_value& value, std::string_view type) noexcept {
  switch (value.GetType()) {
  case rapidjson::kNullType:
    return type == "null";
  case rapidjson::kFalseType:
  case rapidjson::kTrueType:
    return type == "boolean";
  case rapidjson::kStringType:
    return type == "string";
  case rapidjson::kArrayType:
    return type == "array";
  case rapidjson::kObjectType:
    return type == "object";
  case rapidjson::kNumberType:
    return type == "number" ||
           (type == "integer" && (!value.IsDouble() || std::trunc(value.GetDouble()) == value.GetDouble()));
  }
  return false;
}

std::string_view type_word(const json_value& value) noexcept {
  for (const auto& [type, word] : words)
    if (is_of_type(value, type))
      return word;
  return "nothing";
}

std::string type_words(const std::vector<std::string_view>& types) {
  std::vector<std::string> said;
  for (const auto& [type, word] : words)
    if (std::ranges::find(types, type) != types.end())
      said.emplace_back(word);
  return choice_of(said, "or");
}

std::string value_word(const json_value& value) {
  // A large value is not written out only to be cut.
  if (value.IsArray() && value.Size() > longest_word)
    return "an array of " + count_word(value.Size(), "item");
  if (value.IsObject() && value.MemberCount() > longest_word)
    return "an object of " + count_word(value.MemberCount(), "member");
  if (value.IsString() && value.GetStringLength() > longest_word) {
    const std::string_view text(value.GetString(), longest_word);
    return "\"" + std::string(text.substr(0, valid_utf8(text))) + "…\"";
  }
  std::string text = to_json_text(value);
  if (text.size() > longest_word)
    text = text.substr(0, valid_utf8(std::string_view(text).substr(0, longest_word))) + "…";
  return text;
}

std::string count_word(double count, std::string_view of) {
  const std::string number =
      count < 1e15 ? std::to_string(static_cast<unsigned long long>(count)) : "very many";
  return number + " " + std::string(of) + (count == 1 ? "" : "s");
}

std::string choice_of(const std::vector<std::string>& said, std::string_view last_word) {
  std::string text;
  const std::size_t shown = std::min(said.size(), most_words);
  for (std::size_t at = 0; at != shown; ++at) {
    if (at > 0)
      text.append(at + 1 == said.size() ? " " + std::string(last_word) + " " : ", ");
    text += said[at];
  }
  if (shown < said.size())
    text += " and " + std::to_string(said.size() - shown) + " more";
  return text;
}

} // namespace weir::protocols
