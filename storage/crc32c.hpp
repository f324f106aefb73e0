// CRC-32C (Castagnoli), the checksum of every row.
// Knows bytes only.
#pragma once

#include <cstdint>
#include <span>

namespace weir::storage {

/// The checksum, as iSCSI and ext4 compute it: of the text `123456789` it is `e3069283`. `before` is that of
/// what stands before these bytes, so that `crc32c(b, crc32c(a))` is that of both.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before = 0) noexcept;

/// The same by tables, as machines without the instruction compute it.
std::uint32_t crc32c_by_tables(std::span<const std::uint8_t> bytes, std::uint32_t before = 0) noexcept;

} // namespace weir::storage
