// Adding, and the stored form of counts.
// Knows no sums but these.
#include "storage/bucket_counts.hpp"

#include <algorithm>
#include <bit>

namespace weir::storage {

namespace {

constexpr std::size_t slack = 32;         // buckets beyond the one that is needed
constexpr std::size_t max_head_bytes = 4; // of a run: two varints below `duration_histogram::bucket_limit`

/// The bytes that each count takes: 1, 2, 4 or 8.
std::size_t width_of(std::uint64_t magnitude) {
  return std::bit_ceil((static_cast<std::size_t>(std::bit_width(magnitude)) + 7) / 8);
}

template <std::unsigned_integral Count>
void put_counts(std::span<const std::uint64_t> counts, byte_writer& out) {
  std::uint8_t* const to = out.position();
  for (std::size_t at = 0; at != counts.size(); ++at)
    layout::store(to + at * sizeof(Count), static_cast<Count>(counts[at]));
  out = byte_writer(to + counts.size() * sizeof(Count));
}

/// Whether a run begins and ends with a bucket that was met.
bool has_ends(std::span<const std::uint8_t> counts, std::size_t width) {
  const auto is_met = [&](std::size_t at) {
    std::uint8_t all = 0;
    for (std::size_t byte = 0; byte != width; ++byte)
      all |= counts[at + byte];
    return all != 0;
  };
  return is_met(0) && is_met(counts.size() - width);
}

/// Whether a count needs all the width that it has.
bool has_wide_count(std::span<const std::uint8_t> bytes, std::size_t width) {
  for (std::size_t at = 0; at != bytes.size(); at += width)
    for (std::size_t high = width / 2; high != width; ++high)
      if (bytes[at + high] != 0)
        return true;
  return false;
}

} // namespace

std::uint64_t* bucket_counts::reach(std::size_t bucket, std::size_t number) {
  if (bucket - first_ >= counts_.size())
    widen(bucket);
  if (bucket + number - 1 - first_ >= counts_.size())
    widen(bucket + number - 1);
  return counts_.data() + (bucket - first_);
}

template <std::unsigned_integral Count>
void bucket_counts::add_words(std::size_t bucket, std::span<const std::uint8_t> bytes) {
  const std::size_t number = bytes.size() / sizeof(Count);
  std::uint64_t* const into = reach(bucket, number);
  std::uint64_t all = 0;
  for (std::size_t at = 0; at != number; ++at)
    all |= into[at] += layout::load<Count>(bytes.data() + at * sizeof(Count));
  magnitude_ |= all;
  used_.add(bucket, bucket + number);
}

void bucket_counts::add_run(std::size_t bucket, std::span<const std::uint8_t> bytes, std::size_t width) {
  switch (width) {
  case 1:
    return add_words<std::uint8_t>(bucket, bytes);
  case 2:
    return add_words<std::uint16_t>(bucket, bytes);
  case 4:
    return add_words<std::uint32_t>(bucket, bytes);
  default:
    return add_words<std::uint64_t>(bucket, bytes);
  }
}

void bucket_counts::add(const bucket_counts& other) {
  if (other.counts_.empty())
    return;
  std::uint64_t* const into = reach(other.first_, other.counts_.size());
  for (std::size_t at = 0; at != other.counts_.size(); ++at)
    magnitude_ |= into[at] += other.counts_[at];
  used_.add(other.used_);
  lessened_ = lessened_ || other.lessened_;
}

void bucket_counts::settle() const {
  if (!lessened_)
    return;
  used_.clear();
  magnitude_ = 0;
  for (std::size_t at = 0; at != counts_.size(); ++at)
    if (counts_[at] != 0) {
      used_.add(first_ + at);
      magnitude_ |= counts_[at];
    }
  lessened_ = is_negative(magnitude_); // more was taken back than there is: the next may make zeros of it
}

void bucket_counts::clear() noexcept {
  std::ranges::fill(counts_, 0);
  used_.clear();
  magnitude_ = 0;
  lessened_ = false;
}

void bucket_counts::widen(std::size_t bucket) {
  const std::size_t end = first_ + counts_.size();
  const bool empty = counts_.empty();
  const std::size_t low = std::min(empty ? bucket : first_, bucket < slack ? 0 : bucket - slack);
  const std::size_t high =
      std::min(std::max(empty ? 0 : end, bucket + slack + 1), duration_histogram::bucket_limit);
  std::vector<std::uint64_t> wider(high - low);
  std::ranges::copy(counts_, wider.begin() + static_cast<std::ptrdiff_t>(empty ? 0 : first_ - low));
  counts_ = std::move(wider);
  first_ = low;
}

duration_histogram bucket_counts::to_histogram() const {
  duration_histogram made;
  for (std::size_t at = 0; at != counts_.size(); ++at)
    if (counts_[at] != 0)
      (void)made.add(duration_histogram::bucket{static_cast<std::uint16_t>(first_ + at), counts_[at]});
  return made;
}

std::size_t bucket_counts::most_bytes() const {
  return 2 + counts_.size() * width_of(magnitude()) +
         (counts_.size() / bucket_set::bridged + 1) * max_head_bytes;
}

void bucket_counts::encode(byte_writer& out) const {
  const std::size_t width = width_of(magnitude());
  if (magnitude() != 0) {
    out.byte(static_cast<std::uint8_t>(width));
    std::size_t next = 0; // the bucket after the last run
    used().each_run([&](std::size_t begin, std::size_t end) {
      out.varint(end - begin);
      out.varint(begin - next);
      const auto its = std::span<const std::uint64_t>(counts_).subspan(begin - first_, end - begin);
      width == 1   ? put_counts<std::uint8_t>(its, out)
      : width == 2 ? put_counts<std::uint16_t>(its, out)
      : width == 4 ? put_counts<std::uint32_t>(its, out)
                   : put_counts<std::uint64_t>(its, out);
      next = end;
    });
  }
  out.byte(0);
}

bool bucket_counts::add_stored(byte_reader& in) {
  const std::size_t width = in.byte();
  if (width == 0)
    return in.ok();
  if (width > 8 || !std::has_single_bit(width))
    return false;
  bool wide = width == 1;
  std::uint64_t next = 0;
  while (const std::uint64_t length = in.varint()) {
    const std::uint64_t gap = in.varint();
    const std::uint64_t left = duration_histogram::bucket_limit - next;
    if (gap > left || length > left - gap || (next != 0 && gap <= bucket_set::bridged))
      return false;
    const auto counts = in.bytes(length * width);
    if (!in.ok() || !has_ends(counts, width))
      return false;
    wide = wide || has_wide_count(counts, width);
    next += gap;
    add_run(static_cast<std::size_t>(next), counts, width);
    next += length;
  }
  return in.ok() && wide && next != 0;
}

} // namespace weir::storage
