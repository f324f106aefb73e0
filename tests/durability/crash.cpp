// The disk's side of a power cut: what was synced, and what may have come through besides.
// Knows no ledger and no LMDB.
#include "tests/durability/crash.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace weir::durability {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t small_sector = 512;

void put(std::vector<std::uint8_t>& image, std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  if (image.size() < offset + bytes.size())
    image.resize(offset + bytes.size());
  std::ranges::copy(bytes, image.begin() + static_cast<std::ptrdiff_t>(offset));
}

} // namespace

bool disk::step() {
  if (next_ == history_.size())
    return false;
  const event& now = history_[next_++];
  switch (now.what) {
  case event::kind::created:
    is_created_ = true;
    break;
  case event::kind::named:
    is_named_ = is_created_;
    break;
  case event::kind::written:
    if (now.durable) {
      // Only its own bytes: a file system may keep the rest of a page's older versions back.
      put(durable_, now.offset, now.bytes);
      break;
    }
    pending_.push_back(&now);
    break;
  case event::kind::resized:
    pending_.push_back(&now);
    break;
  case event::kind::synced:
    for (const event* change : pending_)
      apply(durable_, *change);
    pending_.clear();
    break;
  case event::kind::handed_over:
    handed_over_ = now.offset;
    break;
  case event::kind::acknowledged:
    acknowledged_ = now.offset;
    break;
  }
  return true;
}

void disk::apply(std::vector<std::uint8_t>& image, const event& change) const {
  if (change.what == event::kind::resized)
    image.resize(change.offset);
  else
    put(image, change.offset, change.bytes);
}

disk_image disk::after_cut(std::uint64_t number, std::mt19937_64& random) const {
  if (!is_created_ || (!is_named_ && number % 2 == 1))
    return std::nullopt;
  std::vector<std::uint8_t> image = durable_;
  if (number == 1)
    return image;
  if (number == 0) {
    for (const event* change : pending_)
      apply(image, *change);
    return image;
  }
  constexpr std::array<unsigned, 5> percents{50, 10, 90, 2, 98};
  apply_by_chance(image, number % 2 == 0 ? page : small_sector, percents[number / 2 % percents.size()],
                  random);
  return image;
}

void disk::apply_by_chance(std::vector<std::uint8_t>& image, std::size_t sector, unsigned percent,
                           std::mt19937_64& random) const {
  // How many of a sector's versions have come through: often none or all, and sometimes the first ones.
  std::map<std::uint64_t, std::uint64_t> versions;
  for (const event* change : pending_)
    if (change->what == event::kind::written)
      for (std::uint64_t at = change->offset / sector; at * sector < change->offset + change->bytes.size();
           ++at)
        ++versions[at];
  for (auto& [at, count] : versions)
    count = random() % 100 >= percent ? 0 : random() % 4 == 0 ? random() % (count + 1) : count;
  for (const event* change : pending_) {
    if (change->what == event::kind::resized) {
      if (random() % 100 < percent)
        image.resize(change->offset);
      continue;
    }
    const std::span<const std::uint8_t> bytes(change->bytes);
    for (std::size_t from = 0; from != bytes.size();) {
      const std::uint64_t offset = change->offset + from;
      const std::size_t size = std::min<std::size_t>(bytes.size() - from, sector - offset % sector);
      std::uint64_t& left = versions[offset / sector];
      if (left != 0) {
        --left;
        put(image, offset, bytes.subspan(from, size));
      }
      from += size;
    }
  }
}

} // namespace weir::durability
