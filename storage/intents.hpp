// Open intents as rows of their own table: the time, then the record as in `records`.
// Knows bytes; no table.
#pragma once

#include "storage/record_format.hpp"

#include <optional>
#include <span>
#include <vector>

namespace weir::storage {

/// What stands under an id in the table of intents.
struct intent_row {
  row_key key{}; ///< what its key in `records` will be
  std::span<const std::uint8_t> record;

  /// Nothing for what is too short for a time, or has a key that is no id.
  static std::optional<intent_row> parse(std::span<const std::uint8_t> key,
                                         std::span<const std::uint8_t> value) noexcept;
};

/// Appends the value of a record that `check_record` accepted.
void encode_intent(const usage_record& record, const series& names, std::vector<std::uint8_t>& out,
                   std::span<const std::uint8_t> extension = {});

} // namespace weir::storage
