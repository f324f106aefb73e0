// Rollups: the sums of an hour and of a day, by series, status and error class; and how they are named.
// Knows rows and keys; no table.
#pragma once

#include "storage/tally.hpp"

#include <weir/usage.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace weir::storage {

/// Spans of UTC. Their letters are those of the keys: days sort before hours.
enum class rollup_kind : std::uint8_t { day = 'd', hour = 'h' };

inline constexpr std::int64_t hour_us = 3'600'000'000;
inline constexpr std::int64_t day_us = 24 * hour_us;

/// A span of time by its number since 1970.
struct bucket {
  rollup_kind kind = rollup_kind::hour;
  std::int64_t number = 0;

  static bucket of(rollup_kind kind, std::int64_t time) noexcept;
  std::int64_t begin() const noexcept; ///< its first moment; the first that there is, where it begins earlier
  std::int64_t last() const noexcept;  ///< its last moment; the last that there is, where it ends later
};

struct rollup_id {
  bucket span;
  std::uint32_t series = 0;
  std::uint8_t status = 0; ///< of `usage_status`
  std::uint8_t error = 0;  ///< the number of the error class

  friend bool operator==(const rollup_id& left, const rollup_id& right) noexcept {
    return left.span.kind == right.span.kind && left.span.number == right.span.number &&
           left.series == right.series && left.status == right.status && left.error == right.error;
  }
};

using rollup_key = std::array<std::uint8_t, 15>;

rollup_key make_rollup_key(const rollup_id& id) noexcept;
rollup_key first_rollup_of(const bucket& span) noexcept;
/// Nothing for bytes that are no key of a rollup.
std::optional<rollup_id> parse_rollup_key(std::span<const std::uint8_t> bytes) noexcept;
std::string describe(const rollup_id& id);

/// The status and error class of a row, as numbers.
std::uint8_t status_number(const row_figures& row) noexcept;
rollup_id hour_of(const row_figures& row) noexcept;

} // namespace weir::storage
