// What a disk may hold after a power cut: rebuilt from the history, at every moment of it.
// Knows writes and syncs; knows no ledger and no LMDB.
#pragma once

#include "tests/durability/write_log.hpp"

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace weir::durability {

/// The data file after a power cut; nothing: its name was not yet durable.
using disk_image = std::optional<std::vector<std::uint8_t>>;

/// Walks the history. What was synced is on the disk; of what was not, each sector may be there or not, and
/// if it was written several times, in any of its versions.
class disk {
public:
  explicit disk(std::span<const event> history) : history_(history) {}

  /// One event further; false at the end.
  bool step();

  /// How many different states a cut may leave now: one, or many.
  bool is_settled() const { return pending_.empty() && (is_named_ || !is_created_); }

  /// What the ledger's caller knows at this moment.
  std::uint64_t handed_over() const { return handed_over_; }
  std::uint64_t acknowledged() const { return acknowledged_; }

  /// What a cut at this moment leaves. Number 0: all of what was not synced; 1: nothing of it; from 2 on:
  /// sectors by chance, of 4,096 bytes at even numbers and of 512 at odd ones; few, half or most of them.
  disk_image after_cut(std::uint64_t number, std::mt19937_64& random) const;

private:
  void apply(std::vector<std::uint8_t>& image, const event& change) const;
  void apply_by_chance(std::vector<std::uint8_t>& image, std::size_t sector, unsigned percent,
                       std::mt19937_64& random) const;

  std::span<const event> history_;
  std::size_t next_ = 0;
  std::vector<std::uint8_t> durable_;
  std::vector<const event*> pending_; ///< written and not synced, in order
  bool is_created_ = false;
  bool is_named_ = false;
  std::uint64_t handed_over_ = 0;
  std::uint64_t acknowledged_ = 0;
};

} // namespace weir::durability
