// Ids: making, printing and reading.
// Knows no clock and no source of randomness: both are arguments.
#include <weir/names.hpp>

namespace weir {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

std::optional<std::uint8_t> nibble(char letter) noexcept {
  const auto at = digits.find(letter);
  if (at == std::string_view::npos)
    return std::nullopt;
  return static_cast<std::uint8_t>(at);
}

} // namespace

id128 make_id128(std::uint64_t unix_ms, std::uint64_t random_high, std::uint64_t random_low) noexcept {
  const std::uint64_t high = (unix_ms << 16U) | 0x7000U | (random_high & 0x0fffU);
  const std::uint64_t low = (random_low & 0x3fff'ffff'ffff'ffffULL) | 0x8000'0000'0000'0000ULL;
  id128 id;
  for (unsigned at = 0; at != 8; ++at) {
    id.bytes[at] = static_cast<std::uint8_t>(high >> (56U - 8U * at));
    id.bytes[at + 8] = static_cast<std::uint8_t>(low >> (56U - 8U * at));
  }
  return id;
}

std::string to_string(const id128& id) {
  std::string text;
  text.reserve(32);
  for (const std::uint8_t byte : id.bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 0x0fU];
  }
  return text;
}

std::optional<id128> to_id128(std::string_view text) noexcept {
  if (text.size() != 32)
    return std::nullopt;
  id128 id;
  for (std::size_t at = 0; at != id.bytes.size(); ++at) {
    const auto high = nibble(text[2 * at]);
    const auto low = nibble(text[2 * at + 1]);
    if (!high || !low)
      return std::nullopt;
    id.bytes[at] = static_cast<std::uint8_t>(*high << 4U | *low);
  }
  return id;
}

} // namespace weir
