// How large the image in a `data:` URL is, as its own header says.
// Decodes no pixels, and only those bytes of the base 64 that it looks at.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::protocols {

/// Pixels; both at least 1.
struct image_size {
  std::uint32_t width = 0;
  std::uint32_t height = 0;

  friend bool operator==(const image_size&, const image_size&) = default;
};

/// The size of a PNG, JPEG, GIF or WebP image in a `data:…;base64,…` URL; nothing for any other URL, and for
/// an image whose header is damaged.
std::optional<image_size> image_size_of(std::string_view url) noexcept;

} // namespace weir::protocols
