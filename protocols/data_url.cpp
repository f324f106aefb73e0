// Splitting and checking; a megabyte of base64 is looked at once, by a table.
#include "protocols/data_url.hpp"

#include <algorithm>
#include <array>

namespace weir::protocols {

namespace {

/// Bits that no letter of base64 has: so that one look at the sum of all letters tells.
constexpr std::array<unsigned char, 256> make_faults() {
  std::array<unsigned char, 256> faults{};
  faults.fill(1);
  for (const char letter :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    faults[static_cast<unsigned char>(letter)] = 0;
  return faults;
}

constexpr std::array<unsigned char, 256> faults = make_faults();

constexpr char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

} // namespace

bool starts_with_word(std::string_view text, std::string_view word) noexcept {
  return text.size() >= word.size() && std::ranges::equal(text.substr(0, word.size()), word, {}, lower);
}

std::optional<data_url> read_data_url(std::string_view url) noexcept {
  constexpr std::string_view scheme = "data:";
  constexpr std::string_view mark = ";base64";
  if (!starts_with_word(url, scheme))
    return std::nullopt;
  url.remove_prefix(scheme.size());
  const auto comma = url.find(',');
  if (comma == std::string_view::npos)
    return std::nullopt;
  std::string_view head = url.substr(0, comma);
  if (head.size() < mark.size() || !starts_with_word(head.substr(head.size() - mark.size()), mark))
    return std::nullopt;
  head.remove_suffix(mark.size());
  head = head.substr(0, head.find(';'));
  const std::string_view data = url.substr(comma + 1);
  if (head.empty() || data.empty())
    return std::nullopt;
  return data_url{head, data};
}

std::optional<std::size_t> base64_size(std::string_view text) noexcept {
  if (text.size() % 4 != 0)
    return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  unsigned char seen = 0;
  for (const char letter : text)
    seen = static_cast<unsigned char>(seen | faults[static_cast<unsigned char>(letter)]);
  if (seen != 0)
    return std::nullopt;
  return (text.size() + padding) / 4 * 3 - padding;
}

bool is_image_type(std::string_view media_type) noexcept {
  constexpr std::array<std::string_view, 4> types{"image/png", "image/jpeg", "image/gif", "image/webp"};
  return std::ranges::any_of(types, [media_type](std::string_view each) {
    return each.size() == media_type.size() && starts_with_word(media_type, each);
  });
}

bool is_image_detail(std::string_view detail) noexcept {
  return detail.empty() || detail == "auto" || detail == "low" || detail == "high";
}

} // namespace weir::protocols
