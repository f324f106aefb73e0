// Parsing, look-ups, and strings that are always valid UTF-8.
#include "protocols/json.hpp"

#include <rapidjson/error/en.h>

#include <algorithm>
#include <cstring>

namespace weir::protocols {

namespace {

constexpr std::size_t padding = 32; ///< SSE2 reads aligned blocks past the end

/// The memory of this thread's last document, for its next one: every call parses, and malloc is slow at this
/// size.
thread_local std::vector<char> spare;
constexpr std::size_t largest_spare = 64 * 1024;

/// Checks the nesting before parsing, so that no later walk over the value can exhaust the stack.
bool too_deep(std::string_view text) noexcept {
  // So many brackets do not fit in, as in nearly every event of a stream.
  if (text.size() <= json_document::max_depth)
    return false;
  // Nothing opens often enough: nearly always the whole answer, and found at the speed of memory.
  if (std::ranges::count(text, '[') + std::ranges::count(text, '{') <=
      static_cast<std::ptrdiff_t>(json_document::max_depth))
    return false;
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if (quoted) {
      if (letter == '\\')
        ++at;
      else
        quoted = letter != '"';
    } else if (letter == '"') {
      quoted = true;
    } else if (letter == '[' || letter == '{') {
      if (++depth > json_document::max_depth)
        return true;
    } else if ((letter == ']' || letter == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

/// Length of the UTF-8 sequence at the front, or 0 where there is none (RFC 3629: no surrogates, no overlong
/// forms).
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto follows = [&](std::size_t at, unsigned low = 0x80, unsigned high = 0xbf) {
    return at < text.size() && byte(at) >= low && byte(at) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first <= 0xdf)
    return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef)
    return follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && follows(2) ? 3 : 0;
  if (first >= 0xf0 && first <= 0xf4)
    return follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && follows(2) && follows(3)
               ? 4
               : 0;
  return 0;
}

/// The first byte that is no UTF-8, or the text's size.
std::size_t first_fault(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0)
      return at;
    at += length;
  }
  return at;
}

std::string repaired(std::string_view text) {
  std::string whole;
  while (!text.empty()) {
    const std::size_t good = first_fault(text);
    whole.append(text.substr(0, good));
    if (good == text.size())
      break;
    whole.append("\xef\xbf\xbd");
    text.remove_prefix(good + 1);
  }
  return whole;
}

} // namespace

result<json_document> json_document::parse(std::string_view text) {
  if (too_deep(text))
    return make_failure(errc::invalid_request,
                        "the JSON is nested deeper than " + std::to_string(max_depth) + " levels");
  // The parser takes a NUL for the end, and would not see what follows it. Servers that send their strings'
  // last NUL along mean no harm.
  text = text.substr(0, text.find_last_not_of('\0') + 1);
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return make_failure(errc::invalid_request, "no JSON: a NUL character", "byte " + std::to_string(nul));
  json_document parsed;
  parsed.memory_ = std::move(spare);
  if (parsed.memory_.size() < arena_size + text.size() + padding)
    parsed.memory_.resize(arena_size + text.size() + padding);
  char* const copy = parsed.memory_.data() + arena_size;
  if (!text.empty())
    std::memcpy(copy, text.data(), text.size());
  std::memset(copy + text.size(), 0, padding);
  parsed.pool_ =
      std::make_unique<rapidjson::MemoryPoolAllocator<>>(parsed.memory_.data(), arena_size, arena_size);
  parsed.document_ = std::make_unique<rapidjson::Document>(parsed.pool_.get());
  parsed.document_->ParseInsitu<rapidjson::kParseInsituFlag | rapidjson::kParseFullPrecisionFlag>(copy);
  if (parsed.document_->HasParseError())
    return make_failure(errc::invalid_request,
                        std::string("no JSON: ") +
                            rapidjson::GetParseError_En(parsed.document_->GetParseError()),
                        "byte " + std::to_string(parsed.document_->GetErrorOffset()));
  return parsed;
}

json_document::~json_document() {
  document_.reset();
  pool_.reset();
  if (memory_.size() > spare.size() && memory_.size() <= largest_spare)
    spare = std::move(memory_);
}

const json_value* find_member(const json_value& from, const char* name) noexcept {
  if (!from.IsObject())
    return nullptr;
  const auto found = from.FindMember(name);
  return found == from.MemberEnd() || found->value.IsNull() ? nullptr : &found->value;
}

std::string_view text_of(const json_value* value) noexcept {
  return value != nullptr && value->IsString()
             ? std::string_view(value->GetString(), value->GetStringLength())
             : std::string_view();
}

std::optional<std::uint64_t> count_of(const json_value* value, bool& good) noexcept {
  constexpr std::uint64_t most = 1ULL << 53U;
  if (value == nullptr)
    return std::nullopt;
  if (value->IsUint64() && value->GetUint64() <= most)
    return value->GetUint64();
  good = false;
  return std::nullopt;
}

std::string to_json_text(const json_value& value) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  value.Accept(out);
  return {buffer.GetString(), buffer.GetSize()};
}

bool is_json(std::string_view text) {
  return json_document::parse(text).has_value();
}

void write_text(json_writer& out, std::string_view text) {
  if (first_fault(text) == text.size()) {
    out.String(text.data() == nullptr ? "" : text.data(), static_cast<rapidjson::SizeType>(text.size()));
    return;
  }
  const std::string whole = repaired(text);
  out.String(whole.data(), static_cast<rapidjson::SizeType>(whole.size()));
}

void write_member(json_writer& out, std::string_view name, std::string_view text) {
  out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  write_text(out, text);
}

} // namespace weir::protocols
