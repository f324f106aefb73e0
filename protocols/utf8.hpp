// UTF-8: whether a text is it, and what a reader that replaces faults makes of one that is not.
// Knows nothing of what the text means.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::protocols {

/// How many bytes at the front are UTF-8 (RFC 3629: no surrogates, no overlong forms): all of them, mostly.
std::size_t valid_utf8(std::string_view text) noexcept;

/// The text with U+FFFD for each longest piece that begins a character and does not end it, and for each
/// other byte that is no UTF-8: as the WHATWG's Encoding Standard has it, and so browsers and Node's
/// `TextDecoder`.
std::string repaired_utf8(std::string_view text);

/// A character and its length in bytes.
struct decoded_character {
  char32_t value;
  std::size_t size;
};

/// The character that begins at a byte of a text that is UTF-8.
inline decoded_character decode_utf8(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t offset) -> char32_t {
    return static_cast<unsigned char>(text[at + offset]);
  };
  const char32_t lead = byte(0);
  if (lead < 0x80)
    return {lead, 1};
  if (lead < 0xe0)
    return {(lead & 0x1fU) << 6U | (byte(1) & 0x3fU), 2};
  if (lead < 0xf0)
    return {(lead & 0x0fU) << 12U | (byte(1) & 0x3fU) << 6U | (byte(2) & 0x3fU), 3};
  return {(lead & 0x07U) << 18U | (byte(1) & 0x3fU) << 12U | (byte(2) & 0x3fU) << 6U | (byte(3) & 0x3fU), 4};
}

} // namespace weir::protocols
