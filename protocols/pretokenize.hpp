// Splitting text into the pieces within which a vocabulary merges bytes, as OpenAI's published patterns split
// it. Knows no ranks. No regular expression is run: each rule is written out, and reads its text at most a
// few times.
#pragma once

#include "protocols/unicode_classes.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::protocols {

/// Whose pattern splits (tiktoken's `openai_public.py`).
enum class split_rule : std::uint8_t {
  cl100k, ///< `cl100k_base`: contractions, words, three digits, signs, white space
  o200k,  ///< `o200k_base`: words by their capitals, each with its contraction; three digits, signs, white
          ///< space
};

/// Finds pieces one after the other. Every byte of a text is in exactly one piece.
class pretokenizer {
public:
  explicit pretokenizer(split_rule rule) : classes_(unicode_classes::table()), rule_(rule) {}

  /// Where the piece that begins at `begin` ends. The text is UTF-8, and `begin` is before its end and the
  /// end of a piece, or 0.
  std::size_t piece_end(std::string_view text, std::size_t begin) const noexcept;

private:
  const unicode_classes& classes_;
  split_rule rule_;
};

} // namespace weir::protocols
