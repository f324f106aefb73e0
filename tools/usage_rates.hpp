// Rates over the last minute and the last hour, from rows that are read again and again.
// Knows no ledger and no clock; keeps sixty minutes and a handful of records, however much goes on.
#pragma once

#include <weir/calendar.hpp>
#include <weir/usage.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::tools {

/// What was booked in a stretch of time.
struct rate_figures {
  std::uint64_t attempts = 0;
  std::uint64_t failed = 0;
  std::uint64_t tokens = 0;
  std::map<currency, money_sum> cost;
  std::map<errc, std::uint64_t> errors;

  void add(const usage_record& record);
  void add(const rate_figures& other);
};

/// A look at the last hour.
struct rate_report {
  timestamp time{};
  std::chrono::seconds minute{60}; ///< how long `last_minute` is; likewise the next
  std::chrono::seconds hour{3600};
  rate_figures last_minute;
  rate_figures last_hour;
  std::vector<std::uint64_t> attempts_by_minute; ///< of the hour, oldest first, this minute last
  std::deque<usage_record> last;                 ///< the newest, newest last
};

/// Per second, in thousandths.
std::uint64_t permille_per_second(std::uint64_t count, std::chrono::seconds time);
/// Per hour, at the rate of this time.
money_sum per_hour(const money_sum& sum, std::chrono::seconds time);
/// Thousandths as a decimal: `1,234.567` without the thousands set apart: `1234.567`, `0.5`, `12`.
std::string thousandths(std::uint64_t permille);

/// The minutes of the last hour. An attempt stands where it began, but is booked when it ended; so the
/// newest minutes are read at every look, and of the older ones one in turn.
class rate_window {
public:
  static constexpr std::size_t minutes = 60;
  static constexpr std::size_t last_records = 12;

  /// Begins a look: drops what is older than an hour.
  void begin(timestamp now);
  /// The stretches of time whose rows are to be given now; each is empty before.
  std::vector<std::pair<timestamp, timestamp>> wanted();
  void add(const usage_record& record);
  rate_report report() const;

private:
  struct minute {
    std::int64_t number = -1; ///< since 1970; -1: none
    rate_figures figures;
  };
  static std::int64_t number_of(timestamp time);
  minute& at(std::int64_t number) { return minutes_[static_cast<std::size_t>(number) % minutes]; }
  const minute* find(std::int64_t number) const;
  timestamp first_of_hour() const;

  void keep_if_new(const usage_record& record);

  timestamp now_{};
  std::array<minute, minutes> minutes_;
  std::optional<std::int64_t> read_to_; ///< the newest minute of the last look; nothing: there was none
  std::int64_t turn_ = 0;
  rate_figures last_minute_;
  std::deque<usage_record> last_;
};

} // namespace weir::tools
