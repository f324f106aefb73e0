// The checksum of a ledger row: CRC-32C, since LMDB 0.9 keeps none of its own.
// Knows bytes only.
#pragma once

#include <cstdint>
#include <span>

namespace weir::storage {

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of the bytes; 0xe3069283 for the text "123456789".
std::uint32_t crc32c(std::span<const std::uint8_t> bytes) noexcept;

} // namespace weir::storage
