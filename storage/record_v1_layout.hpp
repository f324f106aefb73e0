// Where each field of a record of version 1 stands, as schema 1 had them.
// Never change a line here: such rows are read for good (docs/ledger-format.md).
#pragma once

#include "storage/bytes.hpp"
#include "storage/error_numbers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir::storage::layout {

inline constexpr std::array<std::uint8_t, 4> magic{'W', 'E', 'I', 'R'};

// Offsets of the fixed part, in bytes.
inline constexpr std::size_t version_at = 4;
inline constexpr std::size_t state_at = 5;
inline constexpr std::size_t success_at = 6;
inline constexpr std::size_t error_type_at = 7;
inline constexpr std::size_t length_at = 8;
inline constexpr std::size_t presence_at = 12;
inline constexpr std::size_t metering_at = 14;
inline constexpr std::size_t tag_count_at = 15;
inline constexpr std::size_t id_at = 16;
inline constexpr std::size_t call_at = 32;
inline constexpr std::size_t time_at = 48;
inline constexpr std::size_t response_time_at = 56;
inline constexpr std::size_t first_token_time_at = 64;
inline constexpr std::size_t prompt_tokens_at = 72;
inline constexpr std::size_t completion_tokens_at = 80;
inline constexpr std::size_t total_tokens_at = 88;
inline constexpr std::size_t cached_tokens_at = 96;
inline constexpr std::size_t cache_write_tokens_at = 104;
inline constexpr std::size_t cache_write_1h_tokens_at = 112;
inline constexpr std::size_t reasoning_tokens_at = 120;
inline constexpr std::size_t cost_at = 128;
inline constexpr std::size_t cost_limit_at = 136;
inline constexpr std::size_t cost_currency_at = 144;
inline constexpr std::size_t cost_limit_currency_at = 147;
inline constexpr std::size_t reserved_at = 150;
inline constexpr std::size_t price_version_at = 152;
inline constexpr std::size_t attempt_at = 156;
inline constexpr std::size_t fixed_bytes = 160;

inline constexpr std::size_t checksum_bytes = 4;

/// Three empty strings, an empty extension area and the checksum are the least that follows.
inline constexpr std::size_t least_bytes = fixed_bytes + 3 * 2 + 4 + checksum_bytes;

/// An extension item: its tag (2), the length of its bytes (4), its bytes.
inline constexpr std::size_t item_head_bytes = 6;

/// A tag with this bit changes the meaning of the rest: who does not know it must not read the record.
inline constexpr std::uint16_t critical_tag = 0x8000;

/// Bits of the presence word.
enum presence : std::uint16_t {
  has_cached_tokens = 1U << 0U,
  has_cache_write_tokens = 1U << 1U,
  has_cache_write_1h_tokens = 1U << 2U,
  has_reasoning_tokens = 1U << 3U,
  has_cost = 1U << 4U,
  has_cost_limit = 1U << 5U,
  has_first_token_time = 1U << 6U,
  all_presence = (1U << 7U) - 1U,
};

inline constexpr std::uint8_t metering_reported = 0;
inline constexpr std::uint8_t metering_estimated = 1;

} // namespace weir::storage::layout
