// Parsing, look-ups, and strings that are always valid UTF-8.
#include "protocols/json.hpp"

#include "protocols/utf8.hpp"

#include <rapidjson/error/en.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <span>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::protocols {

namespace {

#if defined(__SSE2__)
__m128i load_block(const char* from) noexcept {
  __m128i block;
  std::memcpy(&block, from, sizeof block);
  return block;
}
#endif

constexpr std::size_t padding = 32; ///< SSE2 reads aligned blocks past the end

using pool = rapidjson::MemoryPoolAllocator<>;
using pooled_document = rapidjson::GenericDocument<rapidjson::UTF8<>, pool, pool>;

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

/// A byte that no JSON has as it is, of those that RapidJSON's reader passes over with SSE2; or the text's
/// size.
std::size_t hidden_control(std::string_view text) noexcept {
  constexpr unsigned first = 0x1a;
  constexpr unsigned last = 0x1f;
  std::size_t at = 0;
#if defined(__SSE2__)
  const __m128i low = _mm_set1_epi8(static_cast<char>(first));
  const __m128i span = _mm_set1_epi8(static_cast<char>(last - first));
  for (; at + sizeof(__m128i) <= text.size(); at += sizeof(__m128i)) {
    const __m128i block = _mm_sub_epi8(load_block(text.data() + at), low);
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(block, span), block)) != 0)
      break;
  }
#endif
  for (; at != text.size(); ++at)
    if (const auto letter = static_cast<unsigned char>(text[at]); letter >= first && letter <= last)
      break;
  return at;
}

/// The code unit that an escape `\uXXXX` says; 0 where there is none.
unsigned escaped_unit(std::string_view json, std::size_t at) noexcept {
  unsigned unit = 0;
  if (json.substr(at, 2) != "\\u" || json.size() - at < 6)
    return 0;
  const char* const end = json.data() + at + 6;
  return std::from_chars(json.data() + at + 2, end, unit, 16).ptr == end ? unit : 0;
}

/// Turns halves of surrogate pairs that stand alone into U+FFFD: a server that cuts its text between the two
/// sends them. RapidJSON refuses the first half, and makes of the second what is no UTF-8.
void mend_surrogates(std::span<char> text) noexcept {
  const std::string_view json(text.data(), text.size());
  constexpr std::string_view mark = "\\ufffd";
  for (std::size_t at = json.find('\\'); at < json.size(); at = json.find('\\', at)) {
    const unsigned unit = escaped_unit(json, at);
    if (unit < 0xd800 || unit > 0xdfff) {
      at += 2;
      continue;
    }
    const unsigned next = unit < 0xdc00 ? escaped_unit(json, at + mark.size()) : 0;
    if (next >= 0xdc00 && next <= 0xdfff)
      at += mark.size();
    else
      std::ranges::copy(mark, text.begin() + static_cast<std::ptrdiff_t>(at));
    at += mark.size();
  }
}

/// How many places before the point (or, below 0, behind it) a number begins, times its power of ten: what
/// tells a number beyond all doubles from one that is nearly nothing.
std::int64_t magnitude(std::string_view number) noexcept {
  constexpr std::int64_t beyond_all = 1'000'000'000;
  const std::size_t mark = number.find_first_of("eE");
  std::int64_t power = 0;
  if (mark != std::string_view::npos) {
    std::string_view digits = number.substr(mark + 1);
    if (digits.starts_with('+'))
      digits.remove_prefix(1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), power);
    if (read.ec == std::errc::result_out_of_range)
      power = digits.starts_with('-') ? -beyond_all : beyond_all;
  }
  const std::string_view plain = number.substr(0, mark);
  const auto first = static_cast<std::int64_t>(std::min(plain.find_first_of("123456789"), plain.size()));
  const auto point = static_cast<std::int64_t>(std::min(plain.find('.'), plain.size()));
  return std::clamp(power, -beyond_all, beyond_all) + point - first;
}

/// Hands on what the parser says, and reads the numbers itself: RapidJSON reads most of them less exactly,
/// and in its exact mode takes a zero with many digits for anything.
class value_builder {
public:
  explicit value_builder(pooled_document& out) : out_(out) {}

  bool Null() { return out_.Null(); }
  bool Bool(bool value) { return out_.Bool(value); }
  bool Int(int value) { return out_.Int(value); }
  bool Uint(unsigned value) { return out_.Uint(value); }
  bool Int64(std::int64_t value) { return out_.Int64(value); }
  bool Uint64(std::uint64_t value) { return out_.Uint64(value); }
  bool Double(double value) { return out_.Double(value); }
  bool String(const char* text, rapidjson::SizeType size, bool copy) { return out_.String(text, size, copy); }
  bool Key(const char* text, rapidjson::SizeType size, bool copy) { return out_.Key(text, size, copy); }
  bool StartObject() { return out_.StartObject(); }
  bool EndObject(rapidjson::SizeType count) { return out_.EndObject(count); }
  bool StartArray() { return out_.StartArray(); }
  bool EndArray(rapidjson::SizeType count) { return out_.EndArray(count); }

  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    const char* const end = text + size;
    if (*text == '-') {
      std::int64_t whole = 0;
      if (const auto read = std::from_chars(text, end, whole); read.ec == std::errc() && read.ptr == end)
        return whole >= std::numeric_limits<int>::min() ? Int(static_cast<int>(whole)) : Int64(whole);
    } else {
      std::uint64_t whole = 0;
      if (const auto read = std::from_chars(text, end, whole); read.ec == std::errc() && read.ptr == end)
        return whole <= std::numeric_limits<unsigned>::max() ? Uint(static_cast<unsigned>(whole))
                                                             : Uint64(whole);
    }
    double value = 0;
    if (std::from_chars(text, end, value).ec == std::errc::result_out_of_range) {
      value = magnitude({text, size}) > 0 ? std::numeric_limits<double>::max() : 0;
      value = *text == '-' ? -value : value;
    }
    return Double(value);
  }

private:
  pooled_document& out_;
};

} // namespace

/// What parsing needs. Values of a usual reply fit into the arrays; a larger one takes memory chunk by chunk.
struct json_document::memory {
  std::vector<char> text; ///< and its padding; the strings lie in it
  std::size_t size = 0;
  bool mended = false;
  alignas(16) std::array<char, 8 * 1024> value_room;
  alignas(16) std::array<char, 4 * 1024> stack_room;
  pool values{value_room.data(), value_room.size(), value_room.size()};
  pool stack{stack_room.data(), stack_room.size(), stack_room.size()};
  pooled_document document{&values, 1024, &stack};
  rapidjson::ParseResult outcome;

  memory() {} // the arrays stay as they are
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;

  void take(std::string_view from) {
    std::string repaired;
    mended = valid_utf8(from) != from.size();
    if (mended)
      from = repaired = repaired_utf8(from);
    size = from.size();
    if (text.size() < size + padding)
      text.resize(size + padding);
    std::ranges::copy(from, text.begin());
    std::memset(text.data() + size, 0, padding);
    mend_surrogates({text.data(), size});
    values.Clear();
    stack.Clear();
    document.Populate(*this);
  }

  /// RapidJSON's name for what fills a document.
  bool operator()(pooled_document& into) {
    rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, pool> reader(&stack);
    rapidjson::InsituStringStream stream(text.data());
    value_builder builder(into);
    outcome =
        reader.Parse<rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag>(stream, builder);
    return !outcome.IsError();
  }
};

namespace {

/// The memory of this thread's last document, for its next one: every call, and every event of a stream,
/// parses, and malloc is slow at this size.
template <class Memory>
std::unique_ptr<Memory>& spare() {
  thread_local std::unique_ptr<Memory> kept;
  return kept;
}
constexpr std::size_t largest_spare = 64 * 1024;

} // namespace

json_document::json_document(std::unique_ptr<memory> own) noexcept
    : memory_(std::move(own)), root_(&memory_->document) {}

json_document::json_document(json_document&&) noexcept = default;

json_document::~json_document() {
  if (memory_ && memory_->text.size() <= largest_spare)
    spare<memory>() = std::move(memory_);
}

result<json_document> json_document::parse(std::string_view text) {
  if (too_deep(text))
    return make_failure(errc::invalid_request,
                        "the JSON is nested deeper than " + std::to_string(max_depth) + " levels");
  // The parser takes a NUL for the end, and would not see what follows it. Servers that send their strings'
  // last NUL along mean no harm.
  text = text.substr(0, text.find_last_not_of('\0') + 1);
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return make_failure(errc::invalid_request, "no JSON: a NUL character", "byte " + std::to_string(nul));
  if (const std::size_t control = hidden_control(text); control != text.size())
    return make_failure(errc::invalid_request, "no JSON: a control character",
                        "byte " + std::to_string(control));
  auto own = std::move(spare<memory>());
  if (!own)
    own = std::make_unique<memory>();
  own->take(text);
  json_document parsed(std::move(own));
  if (const rapidjson::ParseResult& outcome = parsed.memory_->outcome; outcome.IsError())
    return make_failure(errc::invalid_request,
                        std::string("no JSON: ") + rapidjson::GetParseError_En(outcome.Code()),
                        "byte " + std::to_string(outcome.Offset()));
  return parsed;
}

std::optional<std::size_t> json_document::place_of(const json_value& string) const noexcept {
  const char* const first = string.GetString();
  const char* const begin = memory_->text.data();
  if (memory_->mended || first < begin || first > begin + memory_->size)
    return std::nullopt;
  return static_cast<std::size_t>(first - begin);
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

std::size_t plain_json(std::string_view text) noexcept {
  std::size_t at = 0;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i controls = _mm_set1_epi8(0x1f);
  for (; at + sizeof(__m128i) <= text.size(); at += sizeof(__m128i)) {
    const __m128i block = load_block(text.data() + at);
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(block, controls), block));
    if (const int found = _mm_movemask_epi8(special); found != 0)
      return at + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(found)));
  }
#endif
  for (; at != text.size(); ++at)
    if (const auto letter = static_cast<unsigned char>(text[at]);
        letter == '"' || letter == '\\' || letter < 0x20)
      break;
  return at;
}

bool json_writer::String(const char* text, rapidjson::SizeType size, bool) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view named = "\"\\\b\f\n\r\t";
  constexpr std::string_view names = "\"\\bfnrt";
  Prefix(rapidjson::kStringType);
  os_->Put('"');
  for (std::string_view rest(text, size); !rest.empty();) {
    const std::size_t plain = plain_json(rest);
    if (plain != 0)
      std::memcpy(os_->Push(plain), rest.data(), plain);
    if (plain == rest.size())
      break;
    const char letter = rest[plain];
    rest.remove_prefix(plain + 1);
    os_->Put('\\');
    if (const std::size_t which = named.find(letter); which != std::string_view::npos) {
      os_->Put(names[which]);
      continue;
    }
    for (const char each : {'u', '0', '0', digits[static_cast<unsigned char>(letter) >> 4U],
                            digits[static_cast<unsigned char>(letter) & 15U]})
      os_->Put(each);
  }
  os_->Put('"');
  return EndValue(true);
}

bool is_json(std::string_view text) {
  return json_document::parse(text).has_value();
}

void write_text(json_writer& out, std::string_view text) {
  if (valid_utf8(text) == text.size()) {
    out.String(text.data() == nullptr ? "" : text.data(), static_cast<rapidjson::SizeType>(text.size()));
    return;
  }
  const std::string whole = repaired_utf8(text);
  out.String(whole.data(), static_cast<rapidjson::SizeType>(whole.size()));
}

void write_member(json_writer& out, std::string_view name, std::string_view text) {
  out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  write_text(out, text);
}

} // namespace weir::protocols
