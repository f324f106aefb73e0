// Images for a chat call, made from bytes.
// Knows no wire format and no file: who reads a file hands its bytes in.
#pragma once

#include <weir/chat.hpp>
#include <weir/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

/// Bytes that an image may have: what the providers take at most.
inline constexpr std::size_t largest_image = 20U << 20U;

/// The media type that the first bytes tell: `image/png`, `image/jpeg`, `image/gif` or `image/webp`. Empty:
/// none of them.
std::string_view image_media_type(std::string_view bytes) noexcept;

/// An image as a `data:` URL. `detail` is `auto`, `low`, `high`, or empty. Errors (`invalid_request`): no
/// bytes, more than `largest_image`, no image of a known type, another detail.
result<image_part> make_image(std::string_view bytes, std::string detail = {});

} // namespace weir
