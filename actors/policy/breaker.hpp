// A circuit breaker as a state machine over handed-in time: ask for a permit, then report exactly once.
// Knows no provider, no actor and no clock.
#pragma once

#include <weir/config.hpp>
#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::policy {

/// The right to make one attempt. It belongs to one generation of the breaker: a result that comes after the
/// breaker changed its state is from another world and changes nothing.
struct permit {
  std::uint64_t generation = 0;
  std::uint64_t probe = 0; ///< 0: not a probe
};

/// Closed: everything passes, outcomes are counted over a sliding window. Open: nothing passes until a time
/// that doubles with every failed round of probes. Half-open: a few probes pass; all must succeed to close.
/// `random` is a uniform word, which decides how much longer or shorter the breaker stays open.
class circuit_breaker {
public:
  /// What the window holds.
  struct counts {
    std::uint32_t calls = 0;
    std::uint32_t failures = 0;
    std::uint32_t slow = 0;  ///< of the calls, streams whose first token came late
    std::uint32_t timed = 0; ///< of the calls, those whose first token was timed: streams
  };

  explicit circuit_breaker(const breaker_config& config) : config_(config) {}

  /// A permit, or nothing while the breaker is open or its probes are all out. A probe that is not reported
  /// by `probe_deadline` counts as failed: a lost probe cannot keep the breaker half-open for ever.
  std::optional<permit> acquire(time_point now, time_point probe_deadline, std::uint64_t random);

  /// A probe although the breaker is open and its time has not come, or its probes are all out: for a caller
  /// whom nobody else can serve. If it fails, the breaker is open until the time that it was open to before.
  permit acquire_early(time_point now, time_point probe_deadline);

  /// `first_token`: how long a stream's first token took; nothing: it was no stream.
  void success(const permit& of, time_point now, std::optional<std::chrono::microseconds> first_token,
               std::uint64_t random);
  void failure(const permit& of, time_point now, std::uint64_t random);
  /// The attempt ended without a verdict on the provider: the permit is given back, nothing is counted.
  void release(const permit& of);

  breaker_state state() const noexcept { return state_; }
  /// While open: when the next probe may go out.
  time_point reopens_at() const noexcept { return reopens_at_; }
  /// When it was opened or let out a probe last.
  time_point last_trial() const noexcept { return last_trial_; }
  /// Why it is in its state, such as `6 of 10 calls failed`.
  const std::string& cause() const noexcept { return cause_; }
  counts counted(time_point now) const;

  /// New limits count from now on; state and counts stay.
  void configure(const breaker_config& config);

private:
  struct slice {
    std::int64_t number = -1; ///< which slice of time it holds
    counts seen{};
  };
  struct probe {
    std::uint64_t id = 0;
    time_point deadline{};
  };

  bool is_slow(std::optional<std::chrono::microseconds> first_token) const noexcept;
  counts& slice_at(time_point now);
  void judge(time_point now, std::uint64_t random);
  void open(time_point now, std::uint64_t random, std::string cause);
  void half_open(std::string cause);
  void close(std::string cause);
  permit let_out_probe(time_point now, time_point deadline);
  void expire_probes(time_point now, std::uint64_t random);
  void end_round(time_point now, std::uint64_t random);
  void probe_failed(time_point now, std::uint64_t random, std::string cause);
  bool forget_probe(std::uint64_t id);

  breaker_config config_;
  breaker_state state_ = breaker_state::closed;
  std::string cause_;
  std::uint64_t generation_ = 1;
  std::array<slice, 10> window_{};
  time_point reopens_at_{};
  time_point last_trial_{};
  bool early_ = false;            ///< half-open before its time
  std::uint32_t rounds_open_ = 0; ///< times opened since it was last closed
  std::vector<probe> probes_;     ///< those that are out
  std::uint64_t last_probe_ = 0;
  std::uint32_t probe_successes_ = 0;
  std::uint32_t slow_probes_ = 0; ///< of the successes
};

} // namespace weir::policy
