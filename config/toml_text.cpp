// Escaping, character by character.
#include "config/toml_text.hpp"

#include <array>
#include <cstddef>

namespace weir::config {

namespace {

struct character {
  char32_t value;
  std::size_t bytes;
};

/// The character at the front (RFC 3629); what is none counts as one byte of U+FFFD.
character first_of(std::string_view text) {
  constexpr character none{0xfffd, 1};
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80)
    return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes)
    return none;
  char32_t value = lead & (0x7fU >> bytes);
  for (const char each : text.substr(1, bytes - 1)) {
    const auto tail = static_cast<unsigned char>(each);
    if ((tail & 0xc0U) != 0x80)
      return none;
    value = value << 6U | (tail & 0x3fU);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  return value < least[bytes] || value > 0x10ffff || surrogate ? none : character{value, bytes};
}

/// Those that TOML forbids, and U+0080 to U+009F beside them, which terminals obey as well.
bool is_control(char32_t value) {
  return value < 0x20 || (value >= 0x7f && value < 0xa0);
}

} // namespace

std::string basic_string(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out = "\"";
  while (!text.empty()) {
    const character next = first_of(text);
    if (is_control(next.value) || next.value == 0xfffd) {
      out += "\\u";
      for (unsigned int shift = 16; shift != 0; shift -= 4)
        out += digits[next.value >> (shift - 4) & 0xfU];
    } else {
      if (next.value == U'"' || next.value == U'\\')
        out += '\\';
      out += text.substr(0, next.bytes);
    }
    text.remove_prefix(next.bytes);
  }
  return out + '"';
}

std::string string_value(std::string_view text) {
  std::string kept;
  for (std::size_t at = 0; at != text.size(); ++at) {
    if (text.substr(at, 2) == "${")
      kept += '$';
    kept += text[at];
  }
  return basic_string(kept);
}

std::string permille_text(std::uint32_t value) {
  return std::to_string(value / 1000) + '.' + std::to_string(1000 + value % 1000).substr(1);
}

std::string key_text(std::string_view name) {
  constexpr std::string_view bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !name.empty() && name.find_first_not_of(bare) == std::string_view::npos ? std::string(name)
                                                                                 : basic_string(name);
}

} // namespace weir::config
