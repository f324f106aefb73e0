// A system that fails on demand: the k-th call of a kind, counted from the arming on. Knows no ledger. Works
// in an executable of its own only, whose symbols come before those of the C library; without sanitizers.
#pragma once

#include <cstdint>

namespace weir::durability {

/// What may fail.
enum class call_kind : std::uint8_t {
  disk,   ///< open, write, pwrite, writev, ftruncate, fallocate, fdatasync, fsync; not on standard streams
  memory, ///< malloc, calloc, realloc, posix_memalign: of ours, of LMDB, of anybody in this thread
};

/// Lets the `first`-th call (0 is the next one) of a kind fail with `error`, and the `count` - 1 after it.
/// One at a time, and only what the thread does that made it.
class failing_calls {
public:
  failing_calls(call_kind kind, std::uint64_t first, std::uint64_t count, int error);
  failing_calls(const failing_calls&) = delete;
  failing_calls& operator=(const failing_calls&) = delete;
  ~failing_calls();

  /// Whether a call has failed.
  bool happened() const;
};

/// While it lives, calls are not counted and do not fail: for what the test itself does.
class respite {
public:
  respite();
  respite(const respite&) = delete;
  respite& operator=(const respite&) = delete;
  ~respite();

private:
  bool was_armed_;
};

} // namespace weir::durability
