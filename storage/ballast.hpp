// A megabyte of disk held back, to be given up when a full disk would keep even a clean-up from working.
// Knows files; no LMDB.
#pragma once

#include <cstdint>
#include <filesystem>

namespace weir::storage {

/// The file `ballast` in a ledger's folder. Best effort: a disk without room for it goes without.
class ballast {
public:
  static constexpr std::uint64_t bytes = 1ULL << 20U;
  /// It is taken only where so much more is free.
  static constexpr std::uint64_t least_free = 8 * bytes;

  explicit ballast(const std::filesystem::path& dir) : dir_(dir), file_(dir / "ballast") {}

  /// Makes the file where it is missing and there is room.
  void take() const noexcept;
  /// True if there was a file, and its disk is free now.
  bool give_up() const noexcept;

private:
  std::filesystem::path dir_;
  std::filesystem::path file_;
};

} // namespace weir::storage
