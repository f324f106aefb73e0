// CRC-32C by tables, eight bytes a step.
// Knows bytes only.
#include "storage/crc32c.hpp"

#include <array>
#include <cstddef>

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

} // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> bytes) noexcept {
  std::uint32_t sum = 0xffffffff;
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

} // namespace weir::storage
