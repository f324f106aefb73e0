// Integers as bytes: of fixed width and of variable length, written without and read with doubt.
// Knows no record.
#pragma once

#include <weir/money.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace weir::storage {

namespace layout {

/// Writes an integer, least significant byte first.
template <std::unsigned_integral Word>
void store(std::uint8_t* at, Word value) noexcept {
  for (std::size_t byte = 0; byte != sizeof(Word); ++byte)
    at[byte] = static_cast<std::uint8_t>(value >> (8 * byte));
}

/// Reads an integer that `store` wrote.
template <std::unsigned_integral Word>
Word load(const std::uint8_t* at) noexcept {
  Word value = 0;
  for (std::size_t byte = 0; byte != sizeof(Word); ++byte)
    value = static_cast<Word>(value | static_cast<Word>(Word{at[byte]} << (8 * byte)));
  return value;
}

/// Writes an integer, most significant byte first: so bytes sort as numbers do.
template <std::unsigned_integral Word>
void store_sorted(std::uint8_t* at, Word value) noexcept {
  for (std::size_t byte = 0; byte != sizeof(Word); ++byte)
    at[byte] = static_cast<std::uint8_t>(value >> (8 * (sizeof(Word) - 1 - byte)));
}

/// Reads an integer that `store_sorted` wrote.
template <std::unsigned_integral Word>
Word load_sorted(const std::uint8_t* at) noexcept {
  Word value = 0;
  for (std::size_t byte = 0; byte != sizeof(Word); ++byte)
    value = static_cast<Word>(static_cast<Word>(value << 8U) | at[byte]);
  return value;
}

} // namespace layout

__extension__ typedef unsigned __int128 wide_word;

/// The most bytes that a varint of 64 and of 128 bits takes.
inline constexpr std::size_t max_varint_bytes = 10;
inline constexpr std::size_t max_wide_bytes = 19;

inline std::uint64_t to_zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63U);
}
inline std::int64_t from_zigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>((value >> 1U) ^ (0 - (value & 1U)));
}

/// Writes behind a pointer; who makes one sees to the room.
class byte_writer {
public:
  explicit byte_writer(std::uint8_t* at) : at_(at) {}

  std::uint8_t* position() const { return at_; }
  void byte(std::uint8_t value) { *at_++ = value; }
  void bytes(const void* from, std::size_t size) {
    if (size != 0)
      std::memcpy(at_, from, size);
    at_ += size;
  }
  template <std::unsigned_integral Word>
  void word(Word value) {
    layout::store(at_, value);
    at_ += sizeof(Word);
  }
  /// Seven bits a byte, the lowest first; the high bit says that there is more.
  template <class Word>
  void varint(Word value) {
    for (; value >= 0x80; value >>= 7U)
      byte(static_cast<std::uint8_t>(static_cast<std::uint8_t>(value) | 0x80U));
    byte(static_cast<std::uint8_t>(value));
  }
  /// Small numbers of either sign are short: 0, −1, 1, −2 … are 0, 1, 2, 3 …
  void zigzag(std::int64_t value) { varint(to_zigzag(value)); }
  void wide(int128 value) {
    varint((static_cast<wide_word>(value) << 1U) ^ static_cast<wide_word>(value >> 127U));
  }
  /// Length as a varint, then the bytes.
  void text(std::string_view value) {
    varint(value.size());
    bytes(value.data(), value.size());
  }

private:
  std::uint8_t* at_;
};

/// Reads bytes that may be anything. After the first that made no sense all is zero and `ok` is false.
class byte_reader {
public:
  explicit byte_reader(std::span<const std::uint8_t> bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const noexcept { return ok_; }
  bool done() const noexcept { return at_ == end_; }
  const std::uint8_t* position() const noexcept { return at_; }
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  std::uint8_t byte() noexcept { return at_ != end_ ? *at_++ : (fail(), std::uint8_t{0}); }

  template <std::unsigned_integral Word>
  Word word() noexcept {
    const auto from = bytes(sizeof(Word));
    return from.empty() ? Word{0} : layout::load<Word>(from.data());
  }
  /// Only the shortest form is accepted: one number has one encoding.
  std::uint64_t varint() noexcept {
    if (at_ != end_ && *at_ < 0x80)
      return *at_++;
    return long_varint<std::uint64_t>();
  }
  std::int64_t zigzag() noexcept { return from_zigzag(varint()); }
  int128 wide() noexcept {
    const auto value = long_varint<wide_word>();
    return static_cast<int128>((value >> 1U) ^ (0 - (value & 1U)));
  }
  std::span<const std::uint8_t> bytes(std::uint64_t size) noexcept {
    if (left() < size) {
      fail();
      return {};
    }
    const std::span<const std::uint8_t> found(at_, static_cast<std::size_t>(size));
    at_ += size;
    return found;
  }
  std::string_view text() noexcept {
    const auto found = bytes(varint());
    return {reinterpret_cast<const char*>(found.data()), found.size()};
  }
  void fail() noexcept {
    ok_ = false;
    at_ = end_;
  }

private:
  template <class Word>
  Word long_varint() noexcept {
    constexpr unsigned bits = 8 * sizeof(Word);
    Word value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
      const std::uint8_t next = byte();
      const auto part = static_cast<std::uint8_t>(next & 0x7fU);
      if (bits - shift < 7 && (part >> (bits - shift)) != 0)
        break; // more than the word holds
      value |= static_cast<Word>(part) << shift;
      if ((next & 0x80U) == 0) {
        if (next == 0 && shift != 0)
          break; // longer than it need be
        return value;
      }
    }
    fail();
    return 0;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

} // namespace weir::storage
