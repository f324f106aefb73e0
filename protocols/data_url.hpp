// `data:` URLs (RFC 2397) as chat APIs have them: an image of a known type in base64 (RFC 4648).
// Knows no vendor, and decodes nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace weir::protocols {

/// The parts of a URL; they are views into it.
struct data_url {
  std::string_view media_type;
  std::string_view base64;
};

/// Takes `data:MEDIA_TYPE;base64,DATA` apart. Nothing for any other text; parameters are passed over.
std::optional<data_url> read_data_url(std::string_view url) noexcept;

/// Bytes that a base64 text stands for. Nothing: a letter that is none of base64's, or a wrong length or
/// padding.
std::optional<std::size_t> base64_size(std::string_view text) noexcept;

/// Whether the providers take images of this type: `image/png`, `image/jpeg`, `image/gif`, `image/webp`.
bool is_image_type(std::string_view media_type) noexcept;

/// Whether a text is a detail of an image: `auto`, `low`, `high`, or empty.
bool is_image_detail(std::string_view detail) noexcept;

/// Whether a text begins with another one, which is lower case, whatever its own case.
bool starts_with_word(std::string_view text, std::string_view word) noexcept;

} // namespace weir::protocols
