// The value of an open intent.
// Knows bytes; no table.
#include "storage/intents.hpp"

#include <algorithm>

namespace weir::storage {

namespace {

constexpr std::size_t time_bytes = 8;

} // namespace

std::optional<intent_row> intent_row::parse(std::span<const std::uint8_t> key,
                                            std::span<const std::uint8_t> value) noexcept {
  intent_row row;
  if (key.size() != row.key.size() - time_bytes || value.size() < time_bytes)
    return std::nullopt;
  std::ranges::copy(value.first(time_bytes), row.key.begin());
  std::ranges::copy(key, row.key.begin() + time_bytes);
  row.record = value.subspan(time_bytes);
  return row;
}

void encode_intent(const usage_record& record, const series& names, std::vector<std::uint8_t>& out,
                   std::span<const std::uint8_t> extension) {
  const row_key key = make_row_key(record.time, record.id);
  out.insert(out.end(), key.begin(), key.begin() + time_bytes);
  encode_record(record, names, out, extension);
}

} // namespace weir::storage
