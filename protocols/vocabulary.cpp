// Reading a rank file line by line, and filling the tables.
#include "protocols/vocabulary.hpp"

#include "protocols/base64.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::protocols {

namespace {

/// A line's token, whose bytes stand with those of all the others, and its rank.
struct entry {
  std::size_t offset;
  std::size_t size;
  token_rank rank;
};

/// Appends what a base-64 text says; false where it is none, or is not padded to fours.
bool append_base64(std::string_view text, std::string& to) {
  if (text.empty() || text.size() % 4 != 0)
    return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::size_t size = to.size() + text.size() / 4 * 3 - padding;
  for (std::size_t at = 0; at != text.size(); at += 4) {
    std::uint32_t word = 0;
    for (std::size_t offset = 0; offset != 4; ++offset) {
      const bool pad = at + offset >= text.size() - padding;
      const std::uint8_t value = pad ? std::uint8_t{0} : base64_value(text[at + offset]);
      if (value == no_base64)
        return false;
      word = word << 6U | value;
    }
    const std::array<char, 3> decoded{static_cast<char>(word >> 16U), static_cast<char>(word >> 8U & 0xffU),
                                      static_cast<char>(word & 0xffU)};
    to.append(decoded.data(), decoded.size());
  }
  to.resize(size);
  return true;
}

/// What is wrong with a line; empty: nothing, and it was read.
std::string_view read_line(std::string_view line, std::string& bytes, std::vector<entry>& entries) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos)
    return "expected a token in base 64, a space and its rank";
  entry read{bytes.size(), 0, 0};
  if (!append_base64(line.substr(0, space), bytes))
    return "the token is no base 64";
  read.size = bytes.size() - read.offset;
  if (read.size == 0 || read.size > rank_table::longest_token)
    return "the token has no bytes, or too many";
  const char* const end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(line.data() + space + 1, end, read.rank);
  if (error != std::errc{} || stop != end || read.rank > rank_table::largest_rank)
    return "the rank is no whole number from 0 to 16777215";
  entries.push_back(read);
  return {};
}

failure fault(std::size_t line, std::string_view what) {
  return make_failure(errc::config, "no list of ranks: " + std::string(what), "line " + std::to_string(line));
}

/// A power of two at least twice as large: then no table is ever full, and searches in it end.
std::size_t slots_for(std::size_t tokens) {
  return std::bit_ceil(2 * tokens + 2);
}

std::uint32_t hash_of_long(std::string_view bytes) noexcept {
  std::uint64_t hash = bytes.size();
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 32U;
  }
  for (const char each : bytes)
    hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3U;
  return static_cast<std::uint32_t>(hash ^ hash >> 32U);
}

} // namespace

result<rank_table> rank_table::parse(std::string_view lines) {
  std::string bytes;
  std::vector<entry> entries;
  bytes.reserve(lines.size());
  entries.reserve(static_cast<std::size_t>(std::ranges::count(lines, '\n')) + 1);
  std::size_t number = 0;
  while (!lines.empty()) {
    ++number;
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (const auto wrong = read_line(line, bytes, entries); !wrong.empty())
      return fault(number, wrong);
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  rank_table table;
  const auto is_short = [](const entry& each) { return each.size <= short_size; };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(entries, is_short));
  table.make_room(count, entries.size() - count);
  std::vector<bool> used(std::size_t{largest_rank} + 1);
  for (std::size_t at = 0; at != entries.size(); ++at) {
    const entry& each = entries[at];
    if (used[each.rank])
      return fault(at + 1, "the rank stood in a line before");
    used[each.rank] = true;
    if (!table.put(std::string_view(bytes).substr(each.offset, each.size), each.rank))
      return fault(at + 1, "the token stood in a line before");
  }
  for (int byte = 0; byte != 256; ++byte) {
    const char letter = static_cast<char>(byte);
    if (table.find({&letter, 1}) == no_rank)
      return fault(number, "the single byte " + std::to_string(byte) + " is no token");
  }
  return table;
}

void rank_table::make_room(std::size_t short_tokens, std::size_t long_tokens) {
  short_.resize(slots_for(short_tokens));
  long_.resize(slots_for(long_tokens));
  known_.resize(std::bit_ceil(short_tokens / 8 + 1));
  pairs_.resize(std::size_t{1} << 16U, no_rank);
}

bool rank_table::put(std::string_view bytes, token_rank rank) {
  longest_ = std::max(longest_, bytes.size());
  ++size_;
  if (bytes.size() > short_size)
    return put_long(bytes, rank);
  const short_key key = key_of(bytes);
  const std::size_t mask = short_.size() - 1;
  const std::size_t hash = hash_of(key, bytes.size());
  std::size_t at = hash & mask;
  for (; short_[at].rank_and_size != 0; at = (at + 1) & mask)
    if (short_[at].holds(key, bytes.size()))
      return false;
  known_[hash >> 12U & (known_.size() - 1)] |= marks_of(hash);
  short_[at] = {key.low, key.high, rank << 8U | static_cast<std::uint32_t>(bytes.size())};
  if (bytes.size() == 2)
    pairs_[std::size_t{static_cast<unsigned char>(bytes[0])} << 8U | static_cast<unsigned char>(bytes[1])] =
        rank;
  return true;
}

bool rank_table::put_long(std::string_view bytes, token_rank rank) {
  if (find_long(bytes) != no_rank)
    return false;
  const std::uint32_t hash = hash_of_long(bytes);
  const std::size_t mask = long_.size() - 1;
  std::size_t at = hash & mask;
  while (long_[at].size != 0)
    at = (at + 1) & mask;
  long_[at] = {static_cast<std::uint32_t>(long_bytes_.size()), static_cast<std::uint32_t>(bytes.size()), rank,
               hash};
  long_bytes_ += bytes;
  return true;
}

token_rank rank_table::find_long(std::string_view bytes) const noexcept {
  const std::uint32_t hash = hash_of_long(bytes);
  const std::size_t mask = long_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const long_slot& slot = long_[at];
    if (slot.size == 0)
      return no_rank;
    if (slot.tag == hash && slot.size == bytes.size() &&
        std::memcmp(long_bytes_.data() + slot.offset, bytes.data(), bytes.size()) == 0)
      return slot.rank;
  }
}

} // namespace weir::protocols
