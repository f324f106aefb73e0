// Regular expressions as JSON Schemas have them (ECMA-262), matched in time that grows with the text alone.
// Knows no schema. Neither a hostile pattern nor a hostile text makes it recurse or run away, as `std::regex`
// does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::protocols {

/// A pattern as a program for all its matches at once: a set of states, moved on character by character.
class text_pattern {
public:
  /// Understands literals, `.`, classes, `\d \w \s \b` and their opposites, groups, alternatives, and all
  /// quantifiers. Nothing: what is no pattern; looking around and referring back, which cannot be matched
  /// this way; `\p`; a pattern longer than 1000 bytes, or whose repetitions make it too large.
  static std::optional<text_pattern> compile(std::string_view pattern);

  /// Whether the pattern is found anywhere in a text of UTF-8. `budget` is in steps, and becomes smaller;
  /// nothing when it is used up.
  std::optional<bool> found_in(std::string_view text, std::size_t& budget) const;

  /// Characters from and to.
  using range = std::pair<char32_t, char32_t>;
  /// A class of characters.
  struct char_set {
    std::vector<range> ranges;
    bool negated = false;

    bool contains(char32_t letter) const noexcept;
  };
  enum class action : std::uint8_t { set, jump, split, begin, end, boundary, no_boundary, match };
  /// A step of the program: `set` takes a character of the class `first`, `split` goes on at both.
  struct step {
    action what = action::match;
    std::uint32_t first = 0;
    std::uint32_t second = 0;
  };

private:
  text_pattern() = default;

  std::vector<step> program_;
  std::vector<char_set> sets_;
};

} // namespace weir::protocols
