// What may be asked of one provider, and when: places, requests and tokens per minute, holds.
// Knows no actor, no key, no header and no clock: time is an argument.
#pragma once

#include "actors/policy/rate_bucket.hpp"

#include <weir/config.hpp>
#include <weir/usage.hpp>

#include <cstdint>
#include <optional>

namespace weir::policy {

/// The limits of a provider's configuration, under its names.
struct limiter_config {
  std::uint32_t max_concurrency = 256;
  std::uint32_t requests_per_minute = 0; ///< 0: none
  std::uint64_t tokens_per_minute = 0;   ///< 0: none
  bool learn_limits = true;
  bool adaptive_concurrency = false;

  friend bool operator==(const limiter_config&, const limiter_config&) = default;
};

limiter_config limits_of(const provider_config& provider);

/// One of the provider's own limits, as it told it.
struct told_limit {
  std::optional<std::uint64_t> limit;     ///< per minute
  std::optional<std::uint64_t> remaining; ///< of it
  std::optional<milliseconds> reset;      ///< from now until all of it is there again
};

/// What keeps an attempt from beginning.
enum class wait_cause : std::uint8_t { none, concurrency, requests, tokens, hold };

/// How long an attempt has to wait, and for what.
struct wait_time {
  milliseconds time{0};
  wait_cause cause = wait_cause::none;
  bool learned = false; ///< of `requests` and `tokens`: the limit is one that the provider told
};

/// What an attempt's end says of the provider's load.
enum class load_sign : std::uint8_t { success, overload, none };

/// An attempt that has ended.
struct ended_attempt {
  time_point began{};
  std::uint64_t reserved = 0;        ///< tokens that were taken for it
  std::optional<std::uint64_t> used; ///< tokens that it cost; nothing: not known, the estimate stays
  bool sent = true;                  ///< false: the provider saw nothing of it, and its request comes back
  load_sign sign = load_sign::none;
};

/// Admits attempts: ask `has_place` and `rate_wait`, then `begin`, and exactly one `end` for each.
///
/// Limits of ours have a burst of what a sixth of a minute allows, at least one. The provider's own limits,
/// where they are learned, have buckets of their own beside them, with the whole limit as burst; what the
/// provider says can only make them emptier, and never loosens a limit of ours.
///
/// With adaptive concurrency the limit begins at `max_concurrency`. A sign of overload takes a tenth of it,
/// once per average service time at the most; as many successes as the limit, while half of it is in use,
/// add one.
class limiter {
public:
  /// `remaining = 0` is believed no longer than this.
  static constexpr milliseconds longest_learned_hold = std::chrono::minutes{10};
  /// No hint holds a provider longer: then an attempt asks again.
  static constexpr milliseconds longest_hold = std::chrono::hours{1};

  limiter(const limiter_config& config, time_point now);
  /// New limits count from now on; what was taken stays taken.
  void configure(const limiter_config& config, time_point now);
  /// Forgets what the provider told, holds included: it was told to somebody else.
  void forget_told() noexcept;

  bool has_place() const noexcept { return in_use_ < concurrency_limit_; }
  /// How long the holds and rates let an attempt of so many tokens wait; its time is 0 if it may begin.
  wait_time rate_wait(time_point now, std::uint64_t tokens) const;
  void begin(time_point now, std::uint64_t tokens);
  void end(const ended_attempt& attempt, time_point now);

  /// Heeds what the provider told. Absurd values are passed over.
  void learn(const told_limit& requests, const told_limit& tokens, time_point now);
  /// Nothing begins for so long.
  void hold(milliseconds time, time_point now);

  /// How long an attempt will wait that finds so many before it, with so many tokens to come, its own
  /// included. A guess from the average service time; 0 with a cause: it must wait, nobody knows how long.
  wait_time expected_wait(std::size_t ahead, std::uint64_t tokens, time_point now) const;

  /// Whether the tokens of an attempt matter: there is a limit on them.
  bool counts_tokens() const noexcept { return own_tokens_.active() || told_tokens_.active(); }
  std::uint32_t in_use() const noexcept { return in_use_; }
  std::uint32_t concurrency_limit() const noexcept { return concurrency_limit_; }
  milliseconds held_for(time_point now) const;
  /// Running average of the time from begin to a successful end; 0: none yet.
  std::chrono::microseconds service_time() const noexcept { return service_time_; }

private:
  void learn_one(rate_bucket& bucket, const told_limit& told, time_point now);
  void measure(const ended_attempt& attempt, time_point now);
  void adapt(const ended_attempt& attempt, time_point now);

  limiter_config config_;
  std::uint32_t concurrency_limit_;
  std::uint32_t in_use_ = 0;
  std::uint32_t successes_ = 0; ///< towards the next place
  time_point next_decrease_{};
  rate_bucket own_requests_;
  rate_bucket own_tokens_;
  rate_bucket told_requests_;
  rate_bucket told_tokens_;
  time_point held_until_{};
  std::chrono::microseconds service_time_{0};
};

} // namespace weir::policy
