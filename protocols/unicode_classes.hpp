// What kind of character a code point is, as far as splitting text into pieces goes (Unicode 16.0).
// Knows no vocabulary and no bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// Classes of characters, each a bit, so that a set of them is tested at once. Every code point has one, but
/// carriage return and line feed, which are `space` as well.
namespace character {
inline constexpr std::uint8_t upper = 1;    ///< \p{Lu} and \p{Lt}
inline constexpr std::uint8_t lower = 2;    ///< \p{Ll}
inline constexpr std::uint8_t caseless = 4; ///< \p{Lm} and \p{Lo}
inline constexpr std::uint8_t mark = 8;     ///< \p{M}
inline constexpr std::uint8_t number = 16;  ///< \p{N}
inline constexpr std::uint8_t space = 32;   ///< \s
inline constexpr std::uint8_t newline = 64; ///< \r and \n
inline constexpr std::uint8_t other = 128;  ///< all the rest

inline constexpr std::uint8_t letter = upper | lower | caseless; ///< \p{L}
} // namespace character

/// The classes of all code points, a byte each, in pages of which equal ones are kept once.
class unicode_classes {
public:
  /// The table, made at the first call.
  static const unicode_classes& table();

  /// The class of a code point up to U+10FFFF.
  std::uint8_t of(char32_t value) const noexcept {
    return cells_[std::size_t{pages_[value / page_size]} * page_size + value % page_size];
  }

private:
  unicode_classes();

  static constexpr std::size_t page_size = 128;
  static constexpr std::size_t page_count = 0x110000 / page_size;

  std::vector<std::uint16_t> pages_;
  std::vector<std::uint8_t> cells_;
};

/// The data: runs of code points of one class, each a letter (`u`, `l`, `o`, `m`, `n`, `s`, `x` in the order
/// of the classes, without `newline`) and the decimal length of the run, left out where it is one.
extern const std::string_view unicode_runs;

} // namespace weir::protocols
