// The grammar of patterns: ECMA-262, "Patterns", as far as it can be matched without going back.
#include "protocols/text_pattern_reader.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace weir::protocols {

namespace {

using range = text_pattern::range;
using char_set = text_pattern::char_set;
using action = text_pattern::action;

constexpr std::size_t deepest_group = 50;
constexpr char32_t last_character = 0x10ffff;

constexpr std::array<range, 1> digits{{{U'0', U'9'}}};
constexpr std::array<range, 4> word_letters{{{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}}};
constexpr std::array<range, 10> spaces{{{0x09, 0x0d},
                                        {0x20, 0x20},
                                        {0xa0, 0xa0},
                                        {0x1680, 0x1680},
                                        {0x2000, 0x200a},
                                        {0x2028, 0x2029},
                                        {0x202f, 0x202f},
                                        {0x205f, 0x205f},
                                        {0x3000, 0x3000},
                                        {0xfeff, 0xfeff}}};
constexpr std::array<range, 3> line_ends{{{0x0a, 0x0a}, {0x0d, 0x0d}, {0x2028, 0x2029}}};

std::vector<range> all_of(std::span<const range> ranges) {
  return {ranges.begin(), ranges.end()};
}

/// Every other character. The ranges are in order.
std::vector<range> opposite(std::span<const range> ranges) {
  std::vector<range> rest;
  char32_t from = 0;
  for (const auto& [low, high] : ranges) {
    if (low > from)
      rest.emplace_back(from, low - 1);
    from = high + 1;
  }
  rest.emplace_back(from, last_character);
  return rest;
}

/// Reads a pattern. `good` becomes false at what is not understood, and everything ends.
class pattern_reader {
public:
  pattern_reader(std::u32string_view text, std::vector<char_set>& sets) : text_(text), sets_(sets) {}

  pattern_node read() {
    pattern_node whole = read_choice();
    if (at_ != text_.size())
      good_ = false;
    return whole;
  }
  bool good() const noexcept { return good_; }

private:
  bool more() const noexcept { return good_ && at_ < text_.size(); }
  char32_t peek() const noexcept { return text_[at_]; }
  bool take(char32_t letter) {
    if (!more() || peek() != letter)
      return false;
    ++at_;
    return true;
  }

  pattern_node read_choice() {
    pattern_node choice{.what = pattern_node::kind::choice, .children = {}};
    do {
      pattern_node sequence{.what = pattern_node::kind::sequence, .children = {}};
      while (more() && peek() != U'|' && peek() != U')')
        sequence.children.push_back(read_repeat());
      choice.children.push_back(std::move(sequence));
    } while (take(U'|'));
    return choice;
  }

  pattern_node read_repeat() {
    pattern_node one = read_atom();
    std::uint32_t least = 0;
    std::uint32_t most = unlimited;
    if (take(U'?'))
      most = 1;
    else if (take(U'+'))
      least = 1;
    else if (!take(U'*') && !read_counts(least, most))
      return one;
    take(U'?'); // as few as possible: the same texts match
    if (one.what == pattern_node::kind::assertion || least > most)
      good_ = false;
    if (more() && (peek() == U'*' || peek() == U'+' || peek() == U'?'))
      good_ = false;
    pattern_node repeat{.what = pattern_node::kind::repeat, .least = least, .most = most, .children = {}};
    repeat.children.push_back(std::move(one));
    return repeat;
  }

  /// `{n}`, `{n,}` or `{n,m}`; anything else is a brace that means itself.
  bool read_counts(std::uint32_t& least, std::uint32_t& most) {
    const std::size_t begin = at_;
    if (take(U'{')) {
      const auto from = read_number();
      if (from && take(U'}')) {
        least = most = *from;
        return true;
      }
      if (from && take(U',')) {
        const auto to = read_number();
        if (take(U'}')) {
          least = *from;
          most = to.value_or(unlimited);
          return true;
        }
      }
    }
    at_ = begin;
    return false;
  }

  std::optional<std::uint32_t> read_number() {
    std::optional<std::uint32_t> number;
    for (; more() && peek() >= U'0' && peek() <= U'9'; ++at_)
      number = std::min<std::uint32_t>(number.value_or(0) * 10 + (peek() - U'0'), 100'000);
    return number;
  }

  pattern_node read_atom() {
    const char32_t letter = text_[at_++];
    switch (letter) {
    case U'(':
      return read_group();
    case U'[':
      return read_class();
    case U'.':
      return set_node({all_of(line_ends), true});
    case U'^':
      return {.what = pattern_node::kind::assertion, .assertion = action::begin, .children = {}};
    case U'$':
      return {.what = pattern_node::kind::assertion, .assertion = action::end, .children = {}};
    case U'\\':
      return read_escape();
    case U'*':
    case U'+':
    case U'?':
      good_ = false;
      return {};
    default:
      return set_node({{{letter, letter}}, false});
    }
  }

  pattern_node read_group() {
    if (take(U'?') && !take(U':')) {
      // A name is passed over; `(?=`, `(?!`, `(?<=` and `(?<!` look around.
      if (!take(U'<') || !more() || peek() == U'=' || peek() == U'!')
        good_ = false;
      while (more() && peek() != U'>')
        ++at_;
      take(U'>');
    }
    if (++depth_ > deepest_group)
      good_ = false;
    pattern_node inner = read_choice();
    --depth_;
    if (!take(U')'))
      good_ = false;
    return inner;
  }

  pattern_node read_escape() {
    if (!more()) {
      good_ = false;
      return {};
    }
    if (take(U'b'))
      return {.what = pattern_node::kind::assertion, .assertion = action::boundary, .children = {}};
    if (take(U'B'))
      return {.what = pattern_node::kind::assertion, .assertion = action::no_boundary, .children = {}};
    return set_node({read_escaped(), false});
  }

  /// What follows a backslash, in a class or outside.
  std::vector<range> read_escaped() {
    if (!more()) {
      good_ = false;
      return {};
    }
    const char32_t letter = text_[at_++];
    switch (letter) {
    case U'd':
      return all_of(digits);
    case U'D':
      return opposite(digits);
    case U'w':
      return all_of(word_letters);
    case U'W':
      return opposite(word_letters);
    case U's':
      return all_of(spaces);
    case U'S':
      return opposite(spaces);
    case U'x':
      return one(read_hex(2));
    case U'u':
      return one(read_unicode());
    default:
      break;
    }
    constexpr std::u32string_view names = U"tnvfr0";
    constexpr std::u32string_view values(U"\t\n\v\f\r\0", 6);
    if (const auto found = names.find(letter); found != std::u32string_view::npos)
      return one(values[found]);
    if (is_pattern_word(letter)) // a reference back, a property, or nothing that is known
      good_ = false;
    return one(letter);
  }

  static std::vector<range> one(char32_t letter) { return {{letter, letter}}; }

  char32_t read_hex(std::size_t count) {
    char32_t value = 0;
    for (std::size_t read = 0; read != count; ++read) {
      const char32_t letter = more() ? text_[at_++] : U' ';
      const char32_t low = letter | 0x20U;
      if (letter >= U'0' && letter <= U'9')
        value = value * 16 + (letter - U'0');
      else if (low >= U'a' && low <= U'f')
        value = value * 16 + (low - U'a' + 10);
      else
        good_ = false;
    }
    return value;
  }

  char32_t read_unicode() {
    if (!take(U'{')) {
      const char32_t high = read_hex(4);
      if (high < 0xd800 || high > 0xdbff || !take(U'\\') || !take(U'u'))
        return high;
      return 0x10000 + ((high - 0xd800) << 10U) + ((read_hex(4) - 0xdc00) & 0x3ffU);
    }
    const auto end = text_.find(U'}', at_);
    if (end == std::u32string_view::npos || end == at_ || end - at_ > 6) {
      good_ = false;
      return 0;
    }
    const char32_t value = read_hex(end - at_);
    take(U'}');
    return value;
  }

  pattern_node read_class() {
    char_set set;
    set.negated = take(U'^');
    while (more() && peek() != U']') {
      const std::vector<range> from = read_class_letter();
      // A hyphen between two characters is a range; beside a class, or at an end, it means itself.
      if (at_ + 1 < text_.size() && peek() == U'-' && text_[at_ + 1] != U']' && is_one(from)) {
        ++at_;
        const std::vector<range> to = read_class_letter();
        if (!is_one(to) || (good_ && to[0].first < from[0].first))
          good_ = false;
        if (good_)
          set.ranges.emplace_back(from[0].first, to[0].first);
      } else {
        set.ranges.insert(set.ranges.end(), from.begin(), from.end());
      }
    }
    if (!take(U']'))
      good_ = false;
    return set_node(std::move(set));
  }

  static bool is_one(const std::vector<range>& ranges) noexcept {
    return ranges.size() == 1 && ranges[0].first == ranges[0].second;
  }

  std::vector<range> read_class_letter() {
    if (!take(U'\\'))
      return one(text_[at_++]);
    if (take(U'b'))
      return one(U'\b');
    return take(U'-') ? one(U'-') : read_escaped();
  }

  pattern_node set_node(char_set set) {
    sets_.push_back(std::move(set));
    return {
        .what = pattern_node::kind::set, .set = static_cast<std::uint32_t>(sets_.size() - 1), .children = {}};
  }

  std::u32string_view text_;
  std::vector<char_set>& sets_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool good_ = true;
};

} // namespace

bool is_pattern_word(char32_t letter) noexcept {
  return std::ranges::any_of(
      word_letters, [letter](const range& each) { return letter >= each.first && letter <= each.second; });
}

std::optional<pattern_node> read_pattern(std::u32string_view pattern, std::vector<char_set>& sets) {
  pattern_reader reader(pattern, sets);
  pattern_node tree = reader.read();
  if (!reader.good())
    return std::nullopt;
  return tree;
}

} // namespace weir::protocols
