// Which buckets of a histogram are in use, and in which runs they stand.
// Knows no counts.
#pragma once

#include <weir/histogram.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weir::storage {

/// A set of buckets, a bit each.
class bucket_set {
public:
  /// So many buckets that are not in the set stand within a run rather than between two: a zero is a byte,
  /// but a run is as much work as many of them.
  static constexpr std::size_t bridged = 7;

  void add(std::size_t bucket) noexcept { words_[bucket / 64] |= std::uint64_t{1} << bucket % 64; }

  /// Adds all from `begin` on that are less than `end`; there must be one.
  void add(std::size_t begin, std::size_t end) noexcept {
    const std::size_t last = (end - 1) / 64;
    for (std::size_t at = begin / 64; at <= last; ++at) {
      const std::uint64_t from = at == begin / 64 ? ~std::uint64_t{0} << begin % 64 : ~std::uint64_t{0};
      const std::uint64_t to = at == last ? ~std::uint64_t{0} >> (63 - (end - 1) % 64) : ~std::uint64_t{0};
      words_[at] |= from & to;
    }
  }

  void add(const bucket_set& other) noexcept {
    for (std::size_t at = 0; at != words; ++at)
      words_[at] |= other.words_[at];
  }

  void clear() noexcept { words_ = {}; }

  /// Calls `visit(begin, end)` for each run, ascending: it begins and ends with a bucket of the set.
  template <class Visit>
  void each_run(Visit&& visit) const {
    bucket_set gaps; // where more than `bridged` buckets that are not in the set begin
    for (std::size_t at = 0; at != words; ++at)
      gaps.words_[at] = ~words_[at];
    static_assert(bridged == 7); // of eight, found as twice four, twice two, twice one
    for (const unsigned part : {1U, 2U, 4U})
      for (std::size_t at = 0; at != words; ++at) {
        const std::uint64_t after = at + 1 == words ? ~std::uint64_t{0} : gaps.words_[at + 1];
        gaps.words_[at] &= gaps.words_[at] >> part | after << (64 - part);
      }
    for (std::size_t begin = next(0); begin != end_of_all;) {
      const std::size_t end = gaps.next(begin);
      visit(begin, end);
      begin = next(end);
    }
  }

private:
  static constexpr std::size_t words = duration_histogram::bucket_limit / 64 + 1; // the last bit is never set
  static constexpr std::size_t end_of_all = words * 64;

  /// The first in the set that is not less.
  std::size_t next(std::size_t bucket) const noexcept {
    std::size_t at = bucket / 64;
    std::uint64_t rest = words_[at] & ~std::uint64_t{0} << bucket % 64;
    while (rest == 0)
      if (++at == words)
        return end_of_all;
      else
        rest = words_[at];
    return at * 64 + static_cast<std::size_t>(std::countr_zero(rest));
  }

  std::array<std::uint64_t, words> words_{};
};

} // namespace weir::storage
