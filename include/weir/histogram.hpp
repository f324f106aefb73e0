// Durations counted into buckets that grow with them, for percentiles that can be added up.
// Knows no clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir {

/// Counts of durations. A bucket is one microsecond wide below 64 µs and else 1/32 of the next lower power of
/// two, so a percentile is at most 3.2 % above the true one and never below it. Two histograms add up to that
/// of both.
class duration_histogram {
public:
  /// A bucket by number, and how often it was met; never zero.
  using bucket = std::pair<std::uint16_t, std::uint64_t>;

  /// How many buckets there are, and the number of that which a duration falls into; one below zero is zero.
  static constexpr std::size_t bucket_limit = 1888;
  static std::uint16_t bucket_of(std::chrono::microseconds value) noexcept;

  /// Counts a duration; one below zero counts as zero.
  void add(std::chrono::microseconds value);
  void add(const duration_histogram& other);
  /// Counts a bucket so often. False, and unchanged, where there is no such bucket.
  [[nodiscard]] bool add(bucket counted);

  /// How many durations were counted.
  std::uint64_t count() const noexcept;
  bool empty() const noexcept { return buckets_.empty(); }

  /// The duration that so many thousandths of all do not exceed, from 1 to 1000; zero when there are none.
  std::chrono::microseconds percentile(std::uint32_t permille) const noexcept;

  /// Ascending, each bucket once.
  const std::vector<bucket>& buckets() const noexcept { return buckets_; }

  friend bool operator==(const duration_histogram&, const duration_histogram&) = default;

private:
  std::vector<bucket> buckets_;
};

} // namespace weir
