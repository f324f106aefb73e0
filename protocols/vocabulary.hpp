// The tokens of a vocabulary and their ranks, and the reader of the files that list them.
// Knows nothing of how text is split or bytes are merged.
#pragma once

#include <weir/error.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// A token's number, which is also its turn in merging: a lower one goes first.
using token_rank = std::uint32_t;

/// What is no token.
inline constexpr token_rank no_rank = 0xffffffff;

/// The ranks of byte strings. Immutable after `parse`; asked from any number of threads.
///
/// Two open-addressed tables: most tokens are short and stand in their slots, so that asking for one costs
/// one line of memory; the few long ones are compared where their bytes lie.
class rank_table {
public:
  /// Reads the `.tiktoken` format: a line for each token, its bytes in base 64, a space, its rank in decimal.
  /// Errors (`config`, with the line in `place`): anything else, a token or a rank twice, a token longer than
  /// `longest_token`, or one of the 256 single bytes that is missing.
  static result<rank_table> parse(std::string_view lines);

  static constexpr std::size_t longest_token = 1024;
  static constexpr token_rank largest_rank = (1U << 24U) - 1;

  /// The rank of some bytes, or `no_rank`.
  token_rank find(std::string_view bytes) const noexcept {
    if (bytes.size() <= short_size)
      return bytes.empty() ? no_rank : find_short(bytes);
    return bytes.size() <= longest_ ? find_long(bytes) : no_rank;
  }

  /// The same, for bytes that are likely to be no token: a small table tells most of these at once.
  token_rank find_unlikely(std::string_view bytes) const noexcept {
    if (bytes.size() > short_size)
      return find(bytes);
    const std::size_t hash = hash_of(key_of(bytes), bytes.size());
    const std::uint64_t marks = marks_of(hash);
    return (known_[hash >> 12U & (known_.size() - 1)] & marks) == marks ? find_short(bytes) : no_rank;
  }

  /// The rank of two bytes, or `no_rank`.
  token_rank find_pair(char first, char second) const noexcept {
    return pairs_[static_cast<std::size_t>(static_cast<unsigned char>(first)) << 8U |
                  static_cast<unsigned char>(second)];
  }

  /// How many tokens there are.
  std::size_t size() const noexcept { return size_; }

private:
  struct short_key {
    std::uint64_t low = 0;
    std::uint32_t high = 0;
  };
  /// A token of up to twelve bytes: they, its length, and its rank.
  struct short_slot {
    std::uint64_t low = 0;
    std::uint32_t high = 0;
    std::uint32_t rank_and_size = 0; ///< the rank above eight bits of length; 0: empty

    bool holds(short_key key, std::size_t size) const noexcept {
      return low == key.low && high == key.high && (rank_and_size & 0xffU) == size;
    }
  };
  /// A longer one, by where its bytes are.
  struct long_slot {
    std::uint32_t offset = 0;
    std::uint32_t size = 0; ///< 0: empty
    token_rank rank = 0;
    std::uint32_t tag = 0; ///< of its hash
  };
  static constexpr std::size_t short_size = 12;

  rank_table() = default;

  static short_key key_of(std::string_view bytes) noexcept {
    short_key key;
    if (bytes.size() <= 8) {
      key.low = load(bytes.data(), bytes.size());
    } else {
      key.low = load(bytes.data(), 8);
      key.high = static_cast<std::uint32_t>(load(bytes.data() + 8, bytes.size() - 8));
    }
    return key;
  }

  /// One to eight bytes as a number, without touching any beyond them.
  static std::uint64_t load(const char* from, std::size_t size) noexcept {
    static_assert(std::endian::native == std::endian::little, "the two words below lie over each other");
    const auto read = [from]<class Word>(Word word, std::size_t at) {
      std::memcpy(&word, from + at, sizeof word);
      return std::uint64_t{word};
    };
    if (size >= 4) { // two words that may overlap
      if (size == 8)
        return read(std::uint64_t{}, 0);
      return read(std::uint32_t{}, 0) | read(std::uint32_t{}, size - 4) << (8 * (size - 4));
    }
    if (size >= 2)
      return read(std::uint16_t{}, 0) | read(std::uint8_t{}, size - 1) << (8 * (size - 1));
    return read(std::uint8_t{}, 0);
  }

  static std::size_t hash_of(short_key key, std::size_t size) noexcept {
    const std::uint64_t mixed =
        (key.low ^ (std::uint64_t{key.high} << 31U) ^ (size << 56U)) * 0x9e3779b97f4a7c15U;
    return static_cast<std::size_t>((mixed ^ mixed >> 29U) * 0xbf58476d1ce4e5b9U >> 32U);
  }

  /// Two of a word's 64 bits.
  static std::uint64_t marks_of(std::size_t hash) noexcept {
    return std::uint64_t{1} << (hash & 63U) | std::uint64_t{1} << (hash >> 6U & 63U);
  }

  token_rank find_short(std::string_view bytes) const noexcept {
    const short_key key = key_of(bytes);
    const std::size_t mask = short_.size() - 1;
    for (std::size_t at = hash_of(key, bytes.size()) & mask;; at = (at + 1) & mask) {
      const short_slot& slot = short_[at];
      if (slot.rank_and_size == 0)
        return no_rank;
      if (slot.holds(key, bytes.size()))
        return slot.rank_and_size >> 8U;
    }
  }

  token_rank find_long(std::string_view bytes) const noexcept;
  void make_room(std::size_t short_tokens, std::size_t long_tokens);
  bool put(std::string_view bytes, token_rank rank);
  bool put_long(std::string_view bytes, token_rank rank);

  std::vector<short_slot> short_;
  /// Of each short token two bits are set; those of bytes that are no token seldom both are.
  std::vector<std::uint64_t> known_;
  std::vector<long_slot> long_;
  std::string long_bytes_;
  std::vector<token_rank> pairs_;
  std::size_t longest_ = 0;
  std::size_t size_ = 0;
};

} // namespace weir::protocols
