// Moments of the wall clock, and the hours, days and months of a time zone.
// Knows no clock: what time it is, it is told.
#pragma once

#include <weir/error.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// A wall-clock moment in microseconds since 1970-01-01 UTC.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// A span of the calendar.
enum class time_step : std::uint8_t { hour, day, month };
std::string_view to_string(time_step value) noexcept;
std::optional<time_step> to_time_step(std::string_view name) noexcept;

/// A time zone of the system's IANA database. A value: cheap to copy, and good for the process's life.
class time_zone {
public:
  time_zone() = default; ///< UTC

  /// `UTC`, `Europe/Berlin`, … Errors (`invalid_request`): the database has no such zone, or there is none.
  static result<time_zone> find(const std::string& name);

  std::string name() const;

  /// Where the step that a moment lies in begins; the earlier one where the local clock shows it twice.
  timestamp begin_of(timestamp moment, time_step step) const;
  /// Where the step after it begins.
  timestamp end_of(timestamp moment, time_step step) const;

  /// `2026-11-26`, `2026-11`, `2026-11-26 14:00`: a step by its begin, for people.
  std::string label(timestamp begin, time_step step) const;

private:
  explicit time_zone(const void* zone) noexcept : zone_(zone) {}

  const void* zone_ = nullptr; ///< of the library's database, which lives as long as the process; null: UTC
};

} // namespace weir
