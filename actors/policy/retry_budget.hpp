// What the retries of one provider may be, in all calls together: a bucket of tokens.
// Knows no call and no clock. Source: gRPC's A6 proposal, whose retries are throttled alike.
#pragma once

#include <weir/config.hpp>
#include <weir/usage.hpp>

#include <cstdint>

namespace weir::policy {

/// A retry takes a token, a success gives back a part of one. While a provider fails, its retries so end
/// after a bucketful; while it is well, they may be a tenth of its successes. First tries are free.
class retry_budget {
public:
  explicit retry_budget(const retry_budget_config& rules)
      : rules_(rules), permille_(std::uint64_t{rules.tokens} * 1000) {}

  /// Takes a token. False: there is none, and nothing is taken.
  [[nodiscard]] bool spend(time_point now);

  void success(time_point now);

  /// What is left, in thousandths of a token.
  std::uint64_t left_permille(time_point now);

  /// New rules count from now on; what is left stays, as far as there is room.
  void configure(const retry_budget_config& rules, time_point now);

private:
  void refill(time_point now);

  retry_budget_config rules_;
  std::uint64_t permille_; ///< thousandths of a token
  time_point refilled_{};  ///< up to when time has given back; zero: not begun
};

} // namespace weir::policy
