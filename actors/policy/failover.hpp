// What comes after a failed attempt: the same candidate again, the next one, or the end of the call.
// One plan for each call; pure, time and randomness are arguments.
#pragma once

#include "actors/policy/retry_budget.hpp"

#include <weir/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir::policy {

/// What to do next.
enum class next_step : std::uint8_t { retry_here, next_candidate, give_up };

struct decision {
  next_step step = next_step::give_up;
  milliseconds wait{0}; ///< before a retry at the same provider
};

/// What a failure is judged by.
struct failed_attempt {
  const failure& error;
  const retry_config& rules;
  retry_budget& budget;                        ///< of the provider that failed; a retry there spends a token
  std::optional<std::uint32_t> provider_cap{}; ///< its `max_retries`
  bool other_key = false;                      ///< the fault was one key's, and another can be used at once
  bool reroute_content_filter = false;         ///< of the route
  milliseconds patience =
      milliseconds::max();    ///< who could be asked elsewhere waits no longer for the server
  milliseconds least_time{0}; ///< an attempt there takes at least so long
  milliseconds remaining{0};  ///< until the call's deadline: a retry that would end later is no use
  time_point now{};
  std::uint64_t random = 0;
};

/// The state of one call's attempts over its candidates. Attempts are bounded four times: by class at one
/// candidate, by the provider's own cap, by the provider's budget for all calls, and over all by
/// `max_total_attempts`.
class call_plan {
public:
  explicit call_plan(std::size_t candidates) : candidates_(candidates) {}

  /// Index of the candidate whose turn it is; `has_candidate` says whether there is one.
  std::size_t candidate() const noexcept { return candidate_; }
  bool has_candidate() const noexcept { return candidate_ < candidates_; }
  /// Moves to the next candidate, whose counters start at zero.
  void skip_candidate() noexcept;
  /// Begins again with the first candidate: none of them could be asked.
  void rewind() noexcept;
  /// Some of the later candidates were taken off the call's list, which has so many now.
  void shorten(std::size_t candidates) noexcept { candidates_ = candidates; }

  /// Counts an attempt that is about to be made.
  void begin_attempt() noexcept { ++attempts_; }
  std::uint32_t attempts() const noexcept { return attempts_; }

  /// Decides after a failure. `next_candidate` has moved the plan on already.
  decision after(const failed_attempt& what);

private:
  static constexpr std::size_t classes = static_cast<std::size_t>(errc::storage) + 1;

  bool may_repeat(const failure& error, const retry_config& rules) const noexcept;
  std::optional<milliseconds> retry_wait(const failed_attempt& what) const noexcept;

  std::size_t candidates_;
  std::size_t candidate_ = 0;
  std::uint32_t attempts_ = 0;
  std::uint32_t unknown_repeats_ = 0;
  std::uint32_t retries_here_ = 0;
  std::array<std::uint32_t, classes> retries_by_class_{};
};

} // namespace weir::policy
