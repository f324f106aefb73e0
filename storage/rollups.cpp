// Keys of rollups, and in which one a row is.
// Knows no table.
#include "storage/rollups.hpp"

#include "storage/bytes.hpp"
#include "storage/error_numbers.hpp"

#include <algorithm>
#include <limits>

namespace weir::storage {

namespace {

constexpr std::uint64_t bias = 1ULL << 63U;

std::int64_t length_of(rollup_kind kind) noexcept {
  return kind == rollup_kind::hour ? hour_us : day_us;
}

std::int64_t clamped(int128 time) noexcept {
  return static_cast<std::int64_t>(std::clamp(time, int128{std::numeric_limits<std::int64_t>::min()},
                                              int128{std::numeric_limits<std::int64_t>::max()}));
}

} // namespace

bucket bucket::of(rollup_kind kind, std::int64_t time) noexcept {
  const std::int64_t length = length_of(kind);
  const std::int64_t number = time / length;
  return {kind, time % length < 0 ? number - 1 : number};
}

std::int64_t bucket::begin() const noexcept {
  return clamped(int128{number} * length_of(kind));
}

std::int64_t bucket::last() const noexcept {
  return clamped((int128{number} + 1) * length_of(kind) - 1);
}

rollup_key make_rollup_key(const rollup_id& id) noexcept {
  rollup_key key = first_rollup_of(id.span);
  layout::store_sorted(key.data() + 9, id.series);
  key[13] = id.status;
  key[14] = id.error;
  return key;
}

rollup_key first_rollup_of(const bucket& span) noexcept {
  rollup_key key{};
  key[0] = static_cast<std::uint8_t>(span.kind);
  layout::store_sorted(key.data() + 1, static_cast<std::uint64_t>(span.number) ^ bias);
  return key;
}

std::optional<rollup_id> parse_rollup_key(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.size() != sizeof(rollup_key))
    return std::nullopt;
  rollup_id id;
  id.span.kind = static_cast<rollup_kind>(bytes[0]);
  id.span.number = static_cast<std::int64_t>(layout::load_sorted<std::uint64_t>(bytes.data() + 1) ^ bias);
  id.series = layout::load_sorted<std::uint32_t>(bytes.data() + 9);
  id.status = bytes[13];
  id.error = bytes[14];
  const bool known = (id.span.kind == rollup_kind::day || id.span.kind == rollup_kind::hour) &&
                     id.series != 0 && id.status >= static_cast<std::uint8_t>(usage_status::succeeded) &&
                     id.status <= static_cast<std::uint8_t>(usage_status::void_attempt) &&
                     id.error < error_types.size();
  return known ? std::optional(id) : std::nullopt;
}

std::string describe(const rollup_id& id) {
  return std::string(id.span.kind == rollup_kind::hour ? "hour " : "day ") +
         to_string(timestamp{std::chrono::microseconds{id.span.begin()}}) + ", series " +
         std::to_string(id.series) + ", " + std::string(to_string(static_cast<usage_status>(id.status))) +
         ", " + std::string(to_string(error_types[id.error]));
}

std::uint8_t status_number(const row_figures& row) noexcept {
  const auto status = [&] {
    switch (row.state) {
    case record_state::settled:
      return row.success ? usage_status::succeeded : usage_status::failed;
    case record_state::void_attempt:
      return usage_status::void_attempt;
    case record_state::intent:
    case record_state::unknown:
      break;
    }
    return usage_status::unknown;
  }();
  return static_cast<std::uint8_t>(status);
}

rollup_id hour_of(const row_figures& row) noexcept {
  return {bucket::of(rollup_kind::hour, row.time), row.series, status_number(row),
          error_number(row.error_type).value_or(0)};
}

} // namespace weir::storage
