// The rule of thumb: runs of characters of one kind, each at a weight that was fitted to real vocabularies.
#include "protocols/estimate.hpp"

#include <algorithm>
#include <array>

namespace weir::protocols {

namespace {

/// What a byte is. Those from `letter` on are whole characters or begin one.
enum class kind : std::uint8_t {
  tail, ///< the second to fourth byte of a character
  small,
  capital,
  digit,
  space,
  line, ///< a line break, and the white space behind it
  sign,
  latin,    ///< letters with accents: U+0080 to U+036F
  alphabet, ///< Greek, Cyrillic, Armenian, Hebrew, Arabic and others, up to U+07FF
  script,   ///< U+0800 to U+1FFF: India, Thailand, Georgia, Ethiopia and others
  symbol,   ///< U+2000 to U+2FFF: punctuation, arrows, mathematics
  east,     ///< U+3000 to U+FFFF: Chinese, Japanese, Korean
  astral,   ///< beyond: emoji, rare characters
};

constexpr std::array<kind, 256> make_kinds() {
  std::array<kind, 256> kinds{};
  for (std::size_t byte = 0; byte != kinds.size(); ++byte) {
    const auto within = [byte](std::size_t low, std::size_t high) { return byte >= low && byte <= high; };
    kinds[byte] = within('a', 'z')                              ? kind::small
                  : within('A', 'Z')                            ? kind::capital
                  : within('0', '9')                            ? kind::digit
                  : byte == '\n'                                ? kind::line
                  : byte == ' ' || byte == '\t' || byte == '\r' ? kind::space
                  : byte < 0x80                                 ? kind::sign
                  : byte < 0xc0                                 ? kind::tail
                  : byte < 0xce                                 ? kind::latin
                  : byte < 0xe0                                 ? kind::alphabet
                  : byte < 0xe2                                 ? kind::script
                  : byte < 0xe3                                 ? kind::symbol
                  : byte < 0xf0                                 ? kind::east
                                                                : kind::astral;
  }
  return kinds;
}

constexpr std::array<kind, 256> kinds = make_kinds();

/// Weights in eighths of a token.
constexpr std::uint64_t unit = 8;
constexpr std::uint64_t word = 6, further_letter = 2, letters_in_word = 3;
constexpr std::uint64_t three_digits = 8;
constexpr std::uint64_t spaces = 8; // of two or more, or of a line break; one space is the next word's
constexpr std::uint64_t first_sign = 5, further_sign = 2;

constexpr std::uint64_t weight_of(kind which) noexcept {
  switch (which) {
  case kind::latin:
  case kind::east:
    return 6;
  case kind::alphabet:
    return 3;
  case kind::script:
    return 4;
  case kind::symbol:
    return 12;
  case kind::astral:
    return 20;
  default:
    return 0;
  }
}

/// What the next ASCII character adds to the run that it stands in, as its `length`th.
std::uint64_t weight_in_run(kind which, std::size_t length) noexcept {
  switch (which) {
  case kind::small:
  case kind::capital:
    return length == 1 ? word : length > letters_in_word ? further_letter : 0;
  case kind::digit:
    return length % 3 == 1 ? three_digits : 0;
  case kind::space:
    return length == 2 ? spaces : 0;
  case kind::line:
    return length == 1 ? spaces : 0;
  default:
    return length == 1 ? first_sign : further_sign;
  }
}

/// Whether a character goes on with the run before it: a capital begins a word, and does not end it.
bool goes_on(kind before, kind now) noexcept {
  return before == now || (before == kind::capital && now == kind::small) ||
         (before == kind::line && now == kind::space);
}

} // namespace

std::uint64_t estimate_text_tokens(std::string_view text) noexcept {
  std::uint64_t weight = 0;
  std::size_t length = 0; // of the run
  kind run = kind::tail;
  std::size_t tails = 0; // that the last character still has
  for (const char letter : text) {
    const kind now = kinds[static_cast<unsigned char>(letter)];
    if (now == kind::tail) {
      // One that belongs to no character is no UTF-8, and will be U+FFFD.
      weight += tails == 0 ? weight_of(kind::symbol) : 0;
      tails -= tails == 0 ? 0 : 1;
      continue;
    }
    tails = now < kind::latin ? 0 : now < kind::script ? 1 : now < kind::astral ? 2 : 3;
    const bool further = goes_on(run, now);
    length = further ? length + 1 : 1;
    run = further && run == kind::line ? run : now;
    weight += now < kind::latin ? weight_in_run(run, length) : weight_of(now);
  }
  // A single space alone weighs nothing, and is a token.
  return text.empty() ? 0 : std::max<std::uint64_t>((weight + unit - 1) / unit, 1);
}

} // namespace weir::protocols
