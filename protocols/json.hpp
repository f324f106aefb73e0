// The one place that sets RapidJSON up: parsing in place, bounded in depth, and tolerant look-ups.
// Knows no vendor. Bad input gives null or a failure, never an abort.
#pragma once

// Part of every amd64. Two to eight times the speed, but it reads whole 16-byte blocks: buffers are padded.
#if defined(__SSE2__)
#define RAPIDJSON_SSE2
#endif

// RapidJSON is all templates, set up by macros: under a name of our own, a program that uses weir can set up
// its own.
#define RAPIDJSON_NAMESPACE weir_rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN namespace weir_rapidjson {
#define RAPIDJSON_NAMESPACE_END }

#include <weir/error.hpp>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rapidjson = weir_rapidjson;

namespace weir::protocols {

using json_value = rapidjson::Value;

/// RapidJSON's writer, but that it always writes JSON: a number that JSON cannot have becomes the nearest
/// that it can, and all control characters are escaped (with SSE2, RapidJSON 1.1 leaves those from 0x1a on as
/// they are).
class json_writer : public rapidjson::Writer<rapidjson::StringBuffer> {
public:
  using rapidjson::Writer<rapidjson::StringBuffer>::Writer;

  bool Double(double value) {
    constexpr double largest = std::numeric_limits<double>::max();
    return rapidjson::Writer<rapidjson::StringBuffer>::Double(std::clamp(value, -largest, largest));
  }

  bool String(const char* text, rapidjson::SizeType size, bool copy = false);
  bool String(const char* text) { return String(text, static_cast<rapidjson::SizeType>(std::strlen(text))); }
  bool Key(const char* text, rapidjson::SizeType size, bool copy = false) { return String(text, size, copy); }
  bool Key(const char* text) { return String(text); }
};

/// A parsed document and the text that it points into. All of its strings are UTF-8.
class json_document {
public:
  /// Parses a whole text. Bytes that are no UTF-8, and lone halves of surrogate pairs, are read as U+FFFD;
  /// numbers as the nearest double (or exactly, as whole numbers of 64 bits). Errors (`invalid_request`): no
  /// JSON, or a number of the order of 1e309 and more, with the byte at which it ends to be; nested deeper
  /// than `max_depth`.
  static result<json_document> parse(std::string_view text);

  static constexpr std::size_t max_depth = 256;

  json_document(json_document&&) noexcept;
  json_document& operator=(json_document&&) = delete; // the old values would outlive their memory
  ~json_document();

  const json_value& root() const noexcept { return *root_; }

  /// Where in the parsed text the first character of a string of this document stands, behind the quote.
  /// Nothing, where the text had to be mended first.
  std::optional<std::size_t> place_of(const json_value& string) const noexcept;

private:
  struct memory;

  explicit json_document(std::unique_ptr<memory> own) noexcept;

  std::unique_ptr<memory> memory_;
  const json_value* root_;
};

/// The member of that name; null when `from` is no object, has none, or has a JSON null there.
const json_value* find_member(const json_value& from, const char* name) noexcept;
/// The same, over a path of names.
template <class... Names>
const json_value* find_member(const json_value& from, const char* name, Names... rest) noexcept {
  const json_value* next = find_member(from, name);
  return next == nullptr ? nullptr : find_member(*next, rest...);
}

/// A string's text; empty for anything else.
std::string_view text_of(const json_value* value) noexcept;

/// A count of tokens: nothing for null or absent. `good` becomes false for anything that is no whole number
/// from 0 to 2^53.
std::optional<std::uint64_t> count_of(const json_value* value, bool& good) noexcept;

/// A value as JSON text.
std::string to_json_text(const json_value& value);

/// How many bytes at the front stand for themselves in a JSON string: no quote, backslash or control
/// character.
std::size_t plain_json(std::string_view text) noexcept;

/// Whether a text is one JSON value, and nothing else.
bool is_json(std::string_view text);

/// Writes a string; bytes that are no UTF-8 become U+FFFD, so that what is written is always JSON.
void write_text(json_writer& out, std::string_view text);
void write_member(json_writer& out, std::string_view name, std::string_view text);

} // namespace weir::protocols
