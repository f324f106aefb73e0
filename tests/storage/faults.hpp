// A disk that fails on demand: the calls by which LMDB writes are caught, and the n-th of them fails. And a
// world that does not wait: something else may happen between two calls of LMDB's. Knows no ledger. Works in
// this executable only, whose symbols come before those of the C library.
#pragma once

#include <cstddef>
#include <functional>

namespace weir::storage::testing {

/// While it lives, writing calls (`write`, `pwrite`, `writev`, `fdatasync`, `fsync`, `renameat2`) on anything
/// but the standard streams are counted, and from the `first`-th on (0 for the first) `count` of them fail
/// with `error`; with 0, the process ends there as by `kill -9`.
class disk_fault {
public:
  disk_fault(std::size_t first, std::size_t count, int error);
  disk_fault(const disk_fault&) = delete;
  disk_fault& operator=(const disk_fault&) = delete;
  ~disk_fault();

  /// Whether a call has failed already.
  bool happened() const;
};

/// While it lives, runs `work` once, just before the next LMDB transaction begins.
class interruption {
public:
  explicit interruption(std::function<void()> work);
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;
  ~interruption();
};

} // namespace weir::storage::testing
