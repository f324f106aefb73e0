// The two patterns, alternative by alternative. Where a regular expression would go back and try anew, the
// place that it would come to is remembered on the way.
#include "protocols/pretokenize.hpp"

#include "protocols/utf8.hpp"

#include <array>

namespace weir::protocols {

namespace {

using namespace character;

constexpr std::uint8_t capital = upper | caseless | mark; ///< [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
constexpr std::uint8_t small = lower | caseless | mark;   ///< [\p{Ll}\p{Lm}\p{Lo}\p{M}]
constexpr std::uint8_t either = caseless | mark;
constexpr std::uint8_t sign = mark | other; ///< [^\s\p{L}\p{N}]

constexpr std::array<std::uint8_t, 128> make_ascii() {
  std::array<std::uint8_t, 128> table{};
  for (std::size_t at = 0; at != table.size(); ++at) {
    const auto within = [at](char low, char high) {
      return at >= static_cast<std::size_t>(low) && at <= static_cast<std::size_t>(high);
    };
    if (within('a', 'z'))
      table[at] = lower;
    else if (within('A', 'Z'))
      table[at] = upper;
    else if (within('0', '9'))
      table[at] = number;
    else if (at == '\r' || at == '\n')
      table[at] = space | newline;
    else if (at == ' ' || within('\t', '\r'))
      table[at] = space;
    else
      table[at] = other;
  }
  return table;
}

constexpr std::array<std::uint8_t, 128> ascii = make_ascii();

/// The class of a character and the bytes that it takes; at the text's end, no class.
struct letter_at {
  std::uint8_t kind;
  std::size_t size;
};

/// Walks over a text. `where` is always the beginning of a character, or the end.
class reader {
public:
  reader(std::string_view text, const unicode_classes& classes) : text_(text), classes_(classes) {}

  letter_at look(std::size_t where) const noexcept {
    if (where >= text_.size())
      return {0, 0};
    const auto first = static_cast<unsigned char>(text_[where]);
    if (first < ascii.size())
      return {ascii[first], 1};
    const decoded_character decoded = decode_utf8(text_, where);
    return {classes_.of(decoded.value), decoded.size};
  }

  bool is(std::size_t where, char letter) const noexcept {
    return where < text_.size() && text_[where] == letter;
  }

  /// Behind the longest run of these classes.
  std::size_t skip(std::size_t where, std::uint8_t kinds) const noexcept {
    for (;;) {
      const letter_at next = look(where);
      if ((next.kind & kinds) == 0)
        return where;
      where += next.size;
    }
  }

  /// Behind one of `(?i:'s|'t|'re|'ve|'m|'ll|'d)`; `where` itself when there is none.
  std::size_t contraction(std::size_t where) const noexcept {
    if (!is(where, '\'') || where + 1 == text_.size())
      return where;
    switch (lower_at(where + 1)) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return where + 2;
    case 'r':
    case 'v':
      return lower_at(where + 2) == 'e' ? where + 3 : where;
    case 'l':
      return lower_at(where + 2) == 'l' ? where + 3 : where;
    default:
      // U+017F, the long s, is an s to whoever ignores case.
      return text_.substr(where + 1).starts_with("\xc5\xbf") ? where + 3 : where;
    }
  }

  /// Behind `\p{N}{1,3}`, at a number.
  std::size_t numbers(std::size_t where) const noexcept {
    for (int count = 0; count != 3; ++count) {
      const letter_at next = look(where);
      if (next.kind != number)
        break;
      where += next.size;
    }
    return where;
  }

  /// Behind `[^\s\p{L}\p{N}]+[\r\n]*`, at a sign; with `slashes`, slashes are among what may follow.
  std::size_t signs(std::size_t where, bool slashes) const noexcept {
    where = skip(where, sign);
    while (where < text_.size() &&
           (text_[where] == '\r' || text_[where] == '\n' || (slashes && text_[where] == '/')))
      ++where;
    return where;
  }

  /// Behind `\s*[\r\n]+|\s+(?!\S)|\s+`, at white space.
  std::size_t spaces(std::size_t where) const noexcept {
    std::size_t last = where; // where the run's last character begins
    std::size_t line = 0;     // behind its last line break
    std::size_t end = where;
    for (letter_at next = look(end); (next.kind & space) != 0; next = look(end)) {
      last = end;
      end += next.size;
      if ((next.kind & newline) != 0)
        line = end;
    }
    if (line != 0)
      return line;
    // The last one is left to the word behind it.
    return end == text_.size() || last == where ? end : last;
  }

private:
  /// The letter there, small; 0 where there is no ASCII letter.
  char lower_at(std::size_t where) const noexcept {
    if (where >= text_.size())
      return 0;
    const auto letter = static_cast<char>(text_[where] | 0x20);
    return letter >= 'a' && letter <= 'z' ? letter : '\0';
  }

  std::string_view text_;
  const unicode_classes& classes_;
};

/// What the two word patterns of `o200k_base` find at a place, without what may precede and follow a word.
struct word {
  std::size_t first = 0; ///< behind `[\p{Lu}…]*[\p{Ll}…]+`; 0: not found
  std::size_t second =
      0; ///< behind `[\p{Lu}…]+[\p{Ll}…]*`, where the first is not found; 0: not found either
};

word word_at(const reader& in, std::size_t begin) noexcept {
  std::size_t where = begin;
  std::size_t last_either = 0;
  letter_at next = in.look(where);
  while ((next.kind & capital) != 0) {
    where += next.size;
    if ((next.kind & either) != 0)
      last_either = where;
    next = in.look(where);
  }
  if (next.kind == lower)
    return {in.skip(where, small), 0};
  // No small letter follows: the capitals are given back up to one that may be a small letter as well.
  if (last_either != 0)
    return {last_either, 0};
  return {0, where == begin ? 0 : where};
}

std::size_t o200k_end(const reader& in, std::size_t begin) noexcept {
  const letter_at first = in.look(begin);
  if ((first.kind & letter) != 0) {
    const word found = word_at(in, begin);
    return in.contraction(found.first != 0 ? found.first : found.second);
  }
  if (first.kind == number)
    return in.numbers(begin);
  const std::size_t behind = begin + first.size;
  if ((first.kind & newline) == 0) {
    // Anything but a line break, a letter or a number may lead a word. A mark is a word by itself, too, which
    // comes before a word of capitals alone.
    const word found = word_at(in, behind);
    if (found.first != 0)
      return in.contraction(found.first);
    if (first.kind == mark)
      return in.contraction(behind);
    if (found.second != 0)
      return in.contraction(found.second);
  }
  if ((first.kind & sign) != 0)
    return in.signs(begin, true);
  if (in.is(begin, ' ') && (in.look(behind).kind & sign) != 0)
    return in.signs(behind, true);
  return in.spaces(begin);
}

std::size_t cl100k_end(const reader& in, std::size_t begin) noexcept {
  const letter_at first = in.look(begin);
  if ((first.kind & letter) != 0)
    return in.skip(begin, letter);
  if (first.kind == number)
    return in.numbers(begin);
  if (const std::size_t end = in.contraction(begin); end != begin)
    return end;
  const std::size_t behind = begin + first.size;
  if ((first.kind & newline) == 0)
    if (const std::size_t end = in.skip(behind, letter); end != behind)
      return end;
  if ((first.kind & sign) != 0)
    return in.signs(begin, false);
  if (in.is(begin, ' ') && (in.look(behind).kind & sign) != 0)
    return in.signs(behind, false);
  return in.spaces(begin);
}

} // namespace

std::size_t pretokenizer::piece_end(std::string_view text, std::size_t begin) const noexcept {
  const reader in(text, classes_);
  return rule_ == split_rule::o200k ? o200k_end(in, begin) : cl100k_end(in, begin);
}

} // namespace weir::protocols
