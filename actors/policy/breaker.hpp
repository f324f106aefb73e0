// A circuit breaker as a state machine over handed-in time: ask for a permit, then report exactly once.
// Knows no provider, no actor and no clock.
#pragma once

#include <weir/config.hpp>
#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <array>
#include <cstdint>
#include <optional>
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
class circuit_breaker {
public:
  explicit circuit_breaker(const breaker_config& config) : config_(config) {}

  /// A permit, or nothing while the breaker is open or its probes are all out. A probe that is not reported
  /// by `probe_deadline` counts as failed: a lost probe cannot keep the breaker half-open for ever.
  std::optional<permit> acquire(time_point now, time_point probe_deadline);

  void success(const permit& of, time_point now);
  void failure(const permit& of, time_point now);
  /// The attempt ended without a verdict on the provider: the permit is given back, nothing is counted.
  void release(const permit& of);

  breaker_state state() const noexcept { return state_; }
  /// While open: when the next probe may go out.
  time_point reopens_at() const noexcept { return reopens_at_; }

  /// New limits count from now on; state and counts stay.
  void configure(const breaker_config& config);

private:
  struct slice {
    std::int64_t number = -1; ///< which slice of time it holds
    std::uint32_t successes = 0;
    std::uint32_t failures = 0;
  };
  struct probe {
    std::uint64_t id = 0;
    time_point deadline{};
  };

  slice& slice_at(time_point now);
  bool broken(time_point now) const;
  void open(time_point now);
  void half_open();
  void close();
  void expire_probes(time_point now);
  bool forget_probe(std::uint64_t id);

  breaker_config config_;
  breaker_state state_ = breaker_state::closed;
  std::uint64_t generation_ = 1;
  std::array<slice, 10> window_{};
  time_point reopens_at_{};
  std::uint32_t rounds_open_ = 0; ///< times opened since it was last closed
  std::vector<probe> probes_;
  std::uint64_t last_probe_ = 0;
  std::uint32_t probe_successes_ = 0;
};

} // namespace weir::policy
