// Counts of a histogram that add quickly, are taken back exactly, and are stored in one form.
// Knows buckets; not what was measured.
#pragma once

#include "storage/bucket_set.hpp"
#include "storage/bytes.hpp"

#include <weir/histogram.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::storage {

/// Counts by bucket of a `duration_histogram`, in a window that grows with them. They may be taken back, by
/// adding what wraps to the number before.
class bucket_counts {
public:
  void add(std::size_t bucket, std::uint64_t count) {
    if (bucket - first_ >= counts_.size())
      widen(bucket);
    magnitude_ |= counts_[bucket - first_] += count;
    used_.add(bucket);
    lessened_ = lessened_ || is_negative(count);
  }
  void add(const bucket_counts& other);
  /// Forgets the counts and keeps the memory.
  void clear() noexcept;

  /// At most so many bytes are written by `encode`.
  std::size_t most_bytes() const;
  /// The width of the counts; runs, each: its length, the buckets between it and the one before, its counts;
  /// and a zero. Nothing but a zero when there are none. Equal counts have equal bytes.
  void encode(byte_writer& out) const;
  /// Adds what `encode` wrote; false for all else, and then this is in part changed.
  bool add_stored(byte_reader& in);

  duration_histogram to_histogram() const;

private:
  static bool is_negative(std::uint64_t count) noexcept { return count >> 63U != 0; }
  void widen(std::size_t bucket);
  /// Makes the window hold so many buckets from one on; where the count of that one is.
  std::uint64_t* reach(std::size_t bucket, std::size_t number);
  /// Adds to buckets that follow one another, from counts of 1, 2, 4 or 8 bytes each.
  void add_run(std::size_t bucket, std::span<const std::uint8_t> bytes, std::size_t width);
  template <std::unsigned_integral Count>
  void add_words(std::size_t bucket, std::span<const std::uint8_t> bytes);
  /// Those that are not zero, and perhaps some that are, but stand between two with no more than
  /// `bucket_set::bridged` between them.
  const bucket_set& used() const {
    settle();
    return used_;
  }
  /// A number with as many bits as the greatest count has; 0 when there is none.
  std::uint64_t magnitude() const {
    settle();
    return magnitude_;
  }
  void settle() const;

  std::size_t first_ = 0;
  std::vector<std::uint64_t> counts_;
  mutable bucket_set used_;
  mutable std::uint64_t magnitude_ = 0;
  mutable bool lessened_ = false; ///< something was taken back: the two above must be looked for
};

} // namespace weir::storage
