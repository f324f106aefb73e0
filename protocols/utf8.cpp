// Checking sequence by sequence, with a short cut for ASCII.
#include "protocols/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace weir::protocols {

namespace {

/// What stands at the front: a whole character of `size` bytes, or a fault of as many.
struct sequence {
  std::size_t size;
  bool good;
};

sequence sequence_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t offset) { return static_cast<unsigned char>(text[at + offset]); };
  const unsigned lead = byte(0);
  if (lead < 0x80)
    return {1, true};
  if (lead < 0xc2 || lead > 0xf4)
    return {1, false};
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte rules out overlong forms, surrogates, and what lies beyond U+10FFFF.
  unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (std::size_t offset = 1; offset != size; ++offset) {
    if (at + offset == text.size() || byte(offset) < low || byte(offset) > high)
      return {offset, false};
    low = 0x80;
    high = 0xbf;
  }
  return {size, true};
}

/// How many bytes from here on are ASCII, in blocks of eight.
std::size_t ascii_blocks(std::string_view text, std::size_t at) noexcept {
  const std::size_t begin = at;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t block = 0;
    std::memcpy(&block, text.data() + at, 8);
    if ((block & 0x8080808080808080U) != 0)
      break;
  }
  return at - begin;
}

} // namespace

std::size_t valid_utf8(std::string_view text) noexcept {
  std::size_t at = ascii_blocks(text, 0);
  while (at < text.size()) {
    const sequence next = sequence_at(text, at);
    if (!next.good)
      return at;
    at += next.size;
    if (next.size == 1)
      at += ascii_blocks(text, at);
  }
  return at;
}

std::string repaired_utf8(std::string_view text) {
  std::string whole;
  whole.reserve(text.size());
  for (;;) {
    const std::size_t good = valid_utf8(text);
    whole.append(text.substr(0, good));
    if (good == text.size())
      return whole;
    whole.append("\xef\xbf\xbd");
    text.remove_prefix(good + sequence_at(text, good).size);
  }
}

} // namespace weir::protocols
