// A token bucket in integers: what may be asked per minute, with a burst.
// Knows no provider, no actor and no clock: time is an argument.
#pragma once

#include <weir/config.hpp>
#include <weir/usage.hpp>

#include <cstdint>

namespace weir::policy {

/// Fills by `per_minute` a minute up to `burst`. In any span of time no more is taken than `burst` and what
/// the span has filled, apart from debt: what turns out to have been used beyond an estimate is taken
/// afterwards, and whoever comes next waits for it.
class rate_bucket {
public:
  /// No limit, and no amount, is taken for more than this.
  static constexpr std::uint64_t most = 1'000'000'000'000;

  /// A new limit; 0: none. A bucket that had none is full, another keeps its level as far as it fits.
  void configure(std::uint64_t per_minute, std::uint64_t burst, time_point now);
  bool active() const noexcept { return per_minute_ != 0; }
  /// When it last got a limit after it had none: nothing was taken before.
  time_point since() const noexcept { return since_; }

  /// How long until the amount may be taken. One that is larger than the burst may be taken, into debt, when
  /// the bucket is full: it would wait for ever otherwise.
  milliseconds wait(std::uint64_t amount, time_point now) const;
  /// How long until so much has been filled, at once or in turn.
  milliseconds time_for(std::uint64_t amount, time_point now) const;

  /// Takes an amount, whether it is there or not. The debt is ten minutes' worth at the most.
  void take(std::uint64_t amount, time_point now);
  void give_back(std::uint64_t amount, time_point now);
  /// Makes sure that no more than this is left.
  void lower_to(std::uint64_t amount, time_point now);

  /// What is left in whole; 0 while there is a debt.
  std::uint64_t left(time_point now) const;

private:
  /// One is 60,000 units: a millisecond fills `per_minute` of them.
  static constexpr std::int64_t unit = 60'000;

  std::int64_t level_at(time_point now) const;
  milliseconds until_level(std::int64_t wanted, time_point now) const;
  void refill(time_point now);

  std::int64_t per_minute_ = 0;
  std::int64_t room_ = 0;  ///< units
  std::int64_t level_ = 0; ///< units, at `at_`; below zero: debt
  time_point at_{};
  time_point since_{};
};

} // namespace weir::policy
