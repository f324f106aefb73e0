// Records as calls make them, for what is measured of ledgers.
// Knows no ledger.
#pragma once

#include <weir/usage.hpp>

#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

namespace weir::bench {

/// Makes the same records in every run: settled calls of four models at three providers, with a request id,
/// reported tokens and a cost, one in twenty failed, tagged with one of sixteen agents and, with more tags,
/// one of 200 users and one of 8 projects.
class row_maker {
public:
  explicit row_maker(std::uint32_t tags, std::chrono::microseconds step = std::chrono::microseconds{37})
      : tags_(tags), step_(step) {}

  usage_record next();
  std::vector<usage_record> batch(std::size_t size);

  /// The time of the record that `next` made last.
  timestamp time() const noexcept { return time_; }
  static timestamp first_time() noexcept { return timestamp{std::chrono::seconds{1'764'000'000}}; }

private:
  std::uint32_t tags_;
  std::chrono::microseconds step_;
  std::mt19937_64 random_{1};
  timestamp time_ = first_time();
};

} // namespace weir::bench
