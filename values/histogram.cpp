// Buckets of durations. The lowest 64 are single microseconds; above, each power of two has 32.
// Knows no clock.
#include <weir/histogram.hpp>

#include <algorithm>
#include <bit>

namespace weir {

namespace {

constexpr unsigned fine_bits = 5; // 32 buckets in each power of two
constexpr std::uint64_t linear_end = 1ULL << (fine_bits + 1);
constexpr std::uint16_t last_bucket = (63 - fine_bits) * (1U << fine_bits) + (1U << fine_bits) - 1;

static_assert(last_bucket + 1 == duration_histogram::bucket_limit);

/// The greatest value that falls into the bucket.
std::uint64_t last_of(std::uint16_t bucket) noexcept {
  if (bucket < linear_end)
    return bucket;
  const unsigned shift = (bucket >> fine_bits) - 1U;
  const std::uint64_t head = bucket - (std::uint64_t{shift} << fine_bits);
  return (head << shift) + ((1ULL << shift) - 1);
}

} // namespace

std::uint16_t duration_histogram::bucket_of(std::chrono::microseconds duration) noexcept {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  if (value < linear_end)
    return static_cast<std::uint16_t>(value);
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - fine_bits;
  return static_cast<std::uint16_t>((shift << fine_bits) + (value >> shift));
}

void duration_histogram::add(std::chrono::microseconds value) {
  (void)add(bucket{bucket_of(value), 1});
}

void duration_histogram::add(const duration_histogram& other) {
  if (buckets_.empty()) {
    buckets_ = other.buckets_;
    return;
  }
  for (const bucket& each : other.buckets_)
    (void)add(each);
}

bool duration_histogram::add(bucket counted) {
  if (counted.first > last_bucket)
    return false;
  if (counted.second == 0)
    return true;
  const auto at = std::ranges::lower_bound(buckets_, counted.first, {}, &bucket::first);
  if (at != buckets_.end() && at->first == counted.first)
    at->second += counted.second;
  else
    buckets_.insert(at, counted);
  return true;
}

std::uint64_t duration_histogram::count() const noexcept {
  std::uint64_t sum = 0;
  for (const bucket& each : buckets_)
    sum += each.second;
  return sum;
}

std::chrono::microseconds duration_histogram::percentile(std::uint32_t permille) const noexcept {
  const std::uint64_t all = count();
  // Of n durations, the one at place ⌈n·p/1000⌉; without the product, which could pass 64 bits.
  const std::uint64_t part = std::clamp<std::uint64_t>(permille, 1, 1000);
  std::uint64_t left = all / 1000 * part + (all % 1000 * part + 999) / 1000;
  for (const auto& [number, times] : buckets_) {
    if (times >= left)
      return std::chrono::microseconds{static_cast<std::int64_t>(last_of(number))};
    left -= times;
  }
  return std::chrono::microseconds{0};
}

} // namespace weir
