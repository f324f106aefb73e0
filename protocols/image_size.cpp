// Four formats' headers, read through a window on base 64 that decodes a byte when it is asked for.
#include "protocols/image_size.hpp"

#include "protocols/base64.hpp"

namespace weir::protocols {

namespace {

/// The bytes that a base-64 text stands for. Outside of it, and where it is none, bytes are 0.
class window {
public:
  explicit window(std::string_view base64) noexcept : text_(base64) {
    size_ = text_.size() / 4 * 3 - (text_.ends_with("==") ? 2 : text_.ends_with('=') ? 1 : 0);
  }

  std::size_t size() const noexcept { return size_; }

  std::uint32_t byte(std::size_t at) const noexcept {
    const std::size_t group = at / 3 * 4;
    if (at >= size_)
      return 0;
    std::uint32_t word = 0;
    for (std::size_t offset = 0; offset != 4; ++offset)
      word = word << 6U | (base64_value(text_[group + offset]) & 0x3fU);
    return word >> (16 - 8 * (at % 3)) & 0xffU;
  }

  /// Numbers of two, three or four bytes, either end first.
  std::uint32_t big(std::size_t at, std::size_t count) const noexcept {
    std::uint32_t value = 0;
    for (std::size_t offset = 0; offset != count; ++offset)
      value = value << 8U | byte(at + offset);
    return value;
  }
  std::uint32_t little(std::size_t at, std::size_t count) const noexcept {
    std::uint32_t value = 0;
    for (std::size_t offset = count; offset != 0; --offset)
      value = value << 8U | byte(at + offset - 1);
    return value;
  }

  bool is(std::size_t at, std::string_view text) const noexcept {
    for (std::size_t offset = 0; offset != text.size(); ++offset)
      if (byte(at + offset) != static_cast<unsigned char>(text[offset]))
        return false;
    return true;
  }

private:
  std::string_view text_;
  std::size_t size_ = 0;
};

/// Walks from segment to segment to the frame header (ITU-T T.81, B.1 and B.2.2).
image_size jpeg_size(const window& in) noexcept {
  constexpr int most_steps = 4096; // cameras write some dozens of segments
  std::size_t at = 2;
  for (int step = 0; step != most_steps && at + 9 <= in.size(); ++step) {
    if (in.byte(at) != 0xff)
      return {};
    const std::uint32_t marker = in.byte(at + 1);
    if (marker == 0xff) { // filling
      ++at;
      continue;
    }
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame)
      return {in.big(at + 7, 2), in.big(at + 5, 2)};
    const bool alone = (marker >= 0xd0 && marker <= 0xd8) || marker == 0x01;
    if (marker == 0xda || marker == 0xd9) // the picture itself, or its end
      return {};
    at += 2 + (alone ? 0 : in.big(at + 2, 2));
  }
  return {};
}

/// The three kinds of a WebP file's first chunk (Google's container specification; RFC 6386, 9.1).
image_size webp_size(const window& in) noexcept {
  if (in.size() >= 25 && in.is(12, "VP8L") && in.byte(20) == 0x2f) {
    const std::uint32_t bits = in.little(21, 4);
    return {(bits & 0x3fffU) + 1, (bits >> 14U & 0x3fffU) + 1};
  }
  if (in.size() < 30)
    return {};
  if (in.is(12, "VP8X"))
    return {in.little(24, 3) + 1, in.little(27, 3) + 1};
  if (in.is(12, "VP8 ") && in.is(23, "\x9d\x01\x2a"))
    return {in.little(26, 2) & 0x3fffU, in.little(28, 2) & 0x3fffU};
  return {};
}

image_size size_in(const window& in) noexcept {
  if (in.size() >= 24 && in.is(0, "\x89PNG\r\n\x1a\n") && in.is(12, "IHDR"))
    return {in.big(16, 4), in.big(20, 4)};
  if (in.is(0, "\xff\xd8"))
    return jpeg_size(in);
  if (in.size() >= 10 && in.is(0, "GIF8"))
    return {in.little(6, 2), in.little(8, 2)};
  if (in.is(0, "RIFF") && in.is(8, "WEBP"))
    return webp_size(in);
  return {};
}

} // namespace

std::optional<image_size> image_size_of(std::string_view url) noexcept {
  const std::size_t comma = url.find(',');
  if (!url.starts_with("data:") || comma == std::string_view::npos ||
      !url.substr(0, comma).ends_with(";base64"))
    return std::nullopt;
  const image_size found = size_in(window(url.substr(comma + 1)));
  // PNG's largest, which is beyond that of all others.
  constexpr std::uint32_t largest = 0x7fffffff;
  const bool good = found.width - 1 < largest && found.height - 1 < largest;
  return good ? std::optional(found) : std::nullopt;
}

} // namespace weir::protocols
