// CRC-32C, eight bytes a step: by the processor where it can, else by tables.
// Knows bytes only.
#include "storage/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace weir::storage {

namespace {

constexpr std::uint32_t polynomial = 0x82f63b78; // Castagnoli's, bits reversed

using table = std::array<std::uint32_t, 256>;

/// Table n takes a byte over n further bytes of zero.
constexpr std::array<table, 8> make_tables() {
  std::array<table, 8> tables{};
  for (std::uint32_t byte = 0; byte != 256; ++byte) {
    std::uint32_t sum = byte;
    for (int bit = 0; bit != 8; ++bit)
      sum = (sum >> 1U) ^ ((sum & 1U) != 0 ? polynomial : 0U);
    tables[0][byte] = sum;
  }
  for (std::size_t byte = 0; byte != 256; ++byte)
    for (std::size_t step = 1; step != 8; ++step) {
      const std::uint32_t before = tables[step - 1][byte];
      tables[step][byte] = (before >> 8U) ^ tables[0][before & 0xffU];
    }
  return tables;
}

constexpr std::array<table, 8> tables = make_tables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::span<const std::uint8_t> bytes,
                                                               std::uint32_t before) noexcept {
  std::uint64_t sum = ~before;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    sum = _mm_crc32_u64(sum, word);
  }
  auto rest = static_cast<std::uint32_t>(sum);
  for (; left != 0; --left)
    rest = _mm_crc32_u8(rest, *at++);
  return ~rest;
}
#endif

using implementation = std::uint32_t (*)(std::span<const std::uint8_t>, std::uint32_t) noexcept;

implementation choose() noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2"))
    return by_instruction;
#endif
  return crc32c_by_tables;
}

const implementation best = choose();

} // namespace

std::uint32_t crc32c_by_tables(std::span<const std::uint8_t> bytes, std::uint32_t before) noexcept {
  std::uint32_t sum = ~before;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    const std::uint32_t low = sum ^ (std::uint32_t{bytes[0]} | std::uint32_t{bytes[1]} << 8U |
                                     std::uint32_t{bytes[2]} << 16U | std::uint32_t{bytes[3]} << 24U);
    sum = tables[7][low & 0xffU] ^ tables[6][(low >> 8U) & 0xffU] ^ tables[5][(low >> 16U) & 0xffU] ^
          tables[4][low >> 24U] ^ tables[3][bytes[4]] ^ tables[2][bytes[5]] ^ tables[1][bytes[6]] ^
          tables[0][bytes[7]];
  }
  for (const std::uint8_t byte : bytes)
    sum = (sum >> 8U) ^ tables[0][(sum ^ byte) & 0xffU];
  return ~sum;
}

std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before) noexcept {
  return best(bytes, before);
}

} // namespace weir::storage
