// The one place that sets RapidJSON up: parsing in place, bounded in depth, and tolerant look-ups.
// Knows no vendor. Bad input gives null or a failure, never an abort.
#pragma once

// Part of every amd64. Two to eight times the speed, but it reads whole 16-byte blocks: buffers are padded.
#if defined(__SSE2__)
#define RAPIDJSON_SSE2
#endif

#include <weir/error.hpp>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::protocols {

using json_value = rapidjson::Value;
using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

/// A parsed document and the text that it points into.
class json_document {
public:
  /// Parses a whole text. Errors (`invalid_request`): no JSON, with the byte at which it ends to be; nested
  /// deeper than `max_depth`.
  static result<json_document> parse(std::string_view text);

  static constexpr std::size_t max_depth = 256;

  json_document(json_document&&) noexcept = default;
  json_document& operator=(json_document&&) = delete; // the old values would outlive their memory
  ~json_document();

  const json_value& root() const noexcept { return *document_; }

private:
  json_document() = default;

  /// Values of a usual reply fit in here; a larger one takes memory chunk by chunk.
  static constexpr std::size_t arena_size = 8 * 1024;

  std::vector<char> memory_; ///< the arena, then the text with its padding
  std::unique_ptr<rapidjson::MemoryPoolAllocator<>> pool_;
  std::unique_ptr<rapidjson::Document> document_;
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

/// Whether a text is one JSON value, and nothing else.
bool is_json(std::string_view text);

/// Writes a string; bytes that are no UTF-8 become U+FFFD, so that what is written is always JSON.
void write_text(json_writer& out, std::string_view text);
void write_member(json_writer& out, std::string_view name, std::string_view text);

} // namespace weir::protocols
