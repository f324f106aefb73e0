// What may be asked of one provider, and when, by the limits that we set it: places, requests and tokens per
// minute. Knows no actor, no key, nothing that the provider tells, and no clock: time is an argument.
#pragma once

#include "actors/policy/rate_bucket.hpp"

#include <weir/config.hpp>
#include <weir/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir::policy {

/// The limits of a provider's configuration, under its names.
struct limiter_config {
  std::uint32_t max_concurrency = 256;
  std::uint32_t requests_per_minute = 0; ///< 0: none
  std::uint64_t tokens_per_minute = 0;   ///< 0: none
  bool adaptive_concurrency = false;

  friend bool operator==(const limiter_config&, const limiter_config&) = default;
};

limiter_config limits_of(const provider_config& provider);

/// What keeps an attempt from beginning.
enum class wait_cause : std::uint8_t { none, concurrency, requests, tokens, hold };

/// How long an attempt has to wait, and for what.
struct wait_time {
  milliseconds time{0};
  wait_cause cause = wait_cause::none;
  bool learned = false; ///< of `requests` and `tokens`: the limit is one that the provider told
};

/// The longer of the two; the first if none is. A wait that is over is none.
void keep_if_longer(wait_time& longest, const wait_time& other);

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

/// Gives back what an attempt took too much from buckets of requests and of tokens, or takes what it cost
/// beyond that. An attempt that began before there was a limit took nothing from its bucket, and gives
/// nothing back.
void correct(rate_bucket& requests, rate_bucket& tokens, const ended_attempt& attempt, time_point now);

/// Admits attempts: ask `has_place` and `rate_wait`, then `begin`, and exactly one `end` for each.
///
/// Limits have a burst of what a sixth of a minute allows, at least one. They are the provider's as a whole;
/// what it tells of its own is kept by model (`told_limits`), beside them, and never loosens them.
///
/// With adaptive concurrency the limit begins at `max_concurrency`. A sign of overload takes a tenth of it,
/// once per average service time at the most; as many successes as the limit, while half of it is in use,
/// add one.
class limiter {
public:
  /// No attempt counts for longer in the average.
  static constexpr milliseconds longest_service = std::chrono::hours{1};

  limiter(const limiter_config& config, time_point now);
  /// New limits count from now on; what was taken stays taken.
  void configure(const limiter_config& config, time_point now);

  bool has_place() const noexcept { return in_use_ < concurrency_limit_; }
  /// How long the rates let an attempt of so many tokens wait; its time is 0 if it may begin.
  wait_time rate_wait(time_point now, std::uint64_t tokens) const;
  void begin(time_point now, std::uint64_t tokens);
  void end(const ended_attempt& attempt, time_point now);

  /// How long an attempt will wait that finds so many before it, with so many tokens to come, its own
  /// included. A guess from the average service time; 0 with a cause: it must wait, nobody knows how long.
  wait_time expected_wait(std::size_t ahead, std::uint64_t tokens, time_point now) const;

  /// Whether the tokens of an attempt matter: there is a limit on them.
  bool counts_tokens() const noexcept { return tokens_.active(); }
  std::uint32_t in_use() const noexcept { return in_use_; }
  std::uint32_t concurrency_limit() const noexcept { return concurrency_limit_; }
  /// Running average of the time from begin to a successful end; 0: none yet.
  std::chrono::microseconds service_time() const noexcept { return service_time_; }

private:
  void measure(const ended_attempt& attempt, time_point now);
  void adapt(const ended_attempt& attempt, time_point now);

  limiter_config config_;
  std::uint32_t concurrency_limit_;
  std::uint32_t in_use_ = 0;
  std::uint32_t successes_ = 0; ///< towards the next place
  time_point next_decrease_{};
  rate_bucket requests_;
  rate_bucket tokens_;
  std::chrono::microseconds service_time_{0};
};

} // namespace weir::policy
