// What comes after a failed attempt: the same provider again, the next one, or the end of the call.
// One plan for each call; pure, time and randomness are arguments.
#pragma once

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

/// The state of one call's attempts over its candidates. Attempts are bounded three times: by class at one
/// provider, by the provider's own cap, and over all by `max_total_attempts`.
class call_plan {
public:
  explicit call_plan(std::size_t candidates) : candidates_(candidates) {}

  /// Index of the candidate whose turn it is; `has_candidate` says whether there is one.
  std::size_t candidate() const noexcept { return candidate_; }
  bool has_candidate() const noexcept { return candidate_ < candidates_; }
  /// Moves to the next candidate, whose counters start at zero.
  void skip_candidate() noexcept;

  /// Counts an attempt that is about to be made.
  void begin_attempt() noexcept { ++attempts_; }
  std::uint32_t attempts() const noexcept { return attempts_; }

  /// Decides after a failure. `remaining` is the time until the call's deadline: a wait that reaches it is no
  /// use. `next_candidate` has moved the plan on already.
  decision after(const failure& error, const retry_config& rules, std::optional<std::uint32_t> provider_cap,
                 milliseconds remaining, std::uint64_t random);

private:
  static constexpr std::size_t classes = static_cast<std::size_t>(errc::storage) + 1;

  bool may_repeat(const failure& error, const retry_config& rules) const noexcept;
  std::optional<milliseconds> retry_wait(const failure& error, const retry_config& rules,
                                         std::optional<std::uint32_t> provider_cap, milliseconds remaining,
                                         std::uint64_t random) const noexcept;

  std::size_t candidates_;
  std::size_t candidate_ = 0;
  std::uint32_t attempts_ = 0;
  std::uint32_t unknown_repeats_ = 0;
  std::uint32_t retries_here_ = 0;
  std::array<std::uint32_t, classes> retries_by_class_{};
};

} // namespace weir::policy
