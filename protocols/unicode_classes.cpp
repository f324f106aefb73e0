// The runs of the data, laid out as pages.
#include "protocols/unicode_classes.hpp"

#include <algorithm>
#include <map>

namespace weir::protocols {

namespace {

std::uint8_t class_of(char letter) {
  switch (letter) {
  case 'u':
    return character::upper;
  case 'l':
    return character::lower;
  case 'o':
    return character::caseless;
  case 'm':
    return character::mark;
  case 'n':
    return character::number;
  case 's':
    return character::space;
  default:
    return character::other;
  }
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

/// One byte for each code point.
std::vector<std::uint8_t> laid_out(std::string_view runs) {
  std::vector<std::uint8_t> all;
  all.reserve(0x110000);
  while (!runs.empty()) {
    const std::uint8_t kind = class_of(runs.front());
    runs.remove_prefix(1);
    std::size_t length = 0;
    for (; !runs.empty() && is_digit(runs.front()); runs.remove_prefix(1))
      length = length * 10 + static_cast<std::size_t>(runs.front() - '0');
    all.insert(all.end(), std::max<std::size_t>(length, 1), kind);
  }
  all['\r'] |= character::newline;
  all['\n'] |= character::newline;
  return all;
}

} // namespace

const unicode_classes& unicode_classes::table() {
  static const unicode_classes made;
  return made;
}

unicode_classes::unicode_classes() {
  const std::vector<std::uint8_t> all = laid_out(unicode_runs);
  std::map<std::string_view, std::uint16_t> seen;
  for (std::size_t page = 0; page != page_count; ++page) {
    const std::uint8_t* const begin = all.data() + page * page_size;
    const std::string_view bytes(reinterpret_cast<const char*>(begin), page_size);
    const auto [found, fresh] = seen.try_emplace(bytes, static_cast<std::uint16_t>(seen.size()));
    if (fresh)
      cells_.insert(cells_.end(), begin, begin + page_size);
    pages_.push_back(found->second);
  }
}

} // namespace weir::protocols
