// The digits of base 64 (RFC 4648, section 4).
// Knows nothing of what is written in them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::protocols {

/// What `base64_value` says of a character that is no digit; padding is none.
inline constexpr std::uint8_t no_base64 = 64;

inline constexpr std::array<std::uint8_t, 256> base64_values = [] {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> values{};
  values.fill(no_base64);
  for (std::size_t at = 0; at != digits.size(); ++at)
    values[static_cast<unsigned char>(digits[at])] = static_cast<std::uint8_t>(at);
  return values;
}();

/// A digit's value, from 0 to 63.
inline std::uint8_t base64_value(char digit) noexcept {
  return base64_values[static_cast<unsigned char>(digit)];
}

} // namespace weir::protocols
