// What a provider told of its limits for one model: rates, what is left of them, and when to come back.
// Knows no actor, no key, no header and no clock: time is an argument.
#pragma once

#include "actors/policy/limiter.hpp"
#include "actors/policy/rate_bucket.hpp"

#include <weir/config.hpp>
#include <weir/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir::policy {

/// One of the provider's own limits, as it told it.
struct told_limit {
  std::optional<std::uint64_t> limit;     ///< per minute
  std::optional<std::uint64_t> remaining; ///< of it
  std::optional<milliseconds> reset;      ///< from now until all of it is there again
};

/// Beside the limits of ours: an attempt begins when both let it. Ask `rate_wait`, then `begin`, and one
/// `end` for each.
///
/// A limit has the whole of it as burst. What the provider says can only make its bucket emptier: what it has
/// not seen yet, it cannot have counted.
class told_limits {
public:
  /// `remaining = 0` is believed no longer than this.
  static constexpr milliseconds longest_learned_hold = std::chrono::minutes{10};
  /// No hint holds a model longer: then an attempt asks again.
  static constexpr milliseconds longest_hold = std::chrono::hours{1};

  /// Heeds what the provider told. Absurd values are passed over.
  void learn(const told_limit& requests, const told_limit& tokens, time_point now);
  /// Nothing begins for so long. One that is over sooner does not shorten another.
  void hold(milliseconds time, time_point now);
  /// Forgets the rates; a hold stays.
  void forget_rates() noexcept;

  /// How long an attempt of so many tokens has to wait; its time is 0 if it may begin.
  wait_time rate_wait(time_point now, std::uint64_t tokens) const;
  /// How long one will wait that finds so many before it, with so many tokens to come, its own included.
  wait_time expected_wait(std::size_t ahead, std::uint64_t tokens, time_point now) const;
  void begin(time_point now, std::uint64_t tokens);
  void end(const ended_attempt& attempt, time_point now);

  /// Whether the tokens of an attempt matter: there is a limit on them.
  bool counts_tokens() const noexcept { return tokens_.active(); }
  milliseconds held_for(time_point now) const;

private:
  void learn_one(rate_bucket& bucket, const told_limit& told, time_point now);

  rate_bucket requests_;
  rate_bucket tokens_;
  time_point held_until_{};
};

} // namespace weir::policy
