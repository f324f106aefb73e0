// What text_pattern.cpp is made of: a pattern as a tree, and its reader.
// Knows no texts to match.
#pragma once

#include "protocols/text_pattern.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// A node of the tree. `repeat` has one child, the others any number.
struct pattern_node {
  enum class kind : std::uint8_t { set, sequence, choice, repeat, assertion };
  kind what = kind::sequence;
  text_pattern::action assertion = text_pattern::action::begin;
  std::uint32_t set = 0;
  std::uint32_t least = 0;
  std::uint32_t most = 0; ///< or `unlimited`
  std::vector<pattern_node> children;
};

/// How often something repeats that repeats without end.
inline constexpr std::uint32_t unlimited = 0xffffffff;

/// Whether a character is one of `\w`.
bool is_pattern_word(char32_t letter) noexcept;

/// Reads a pattern; its classes go to `sets`. Nothing for what is not understood.
std::optional<pattern_node> read_pattern(std::u32string_view pattern,
                                         std::vector<text_pattern::char_set>& sets);

} // namespace weir::protocols
