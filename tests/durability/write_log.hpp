// What a ledger does to its data file, call by call, and what its caller was told in between: the history
// from which every moment of a power cut can be made again. Knows no ledger. Works in an executable of its
// own only, whose symbols come before those of the C library and of LMDB.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace weir::durability {

/// One entry of the history.
struct event {
  enum class kind : std::uint8_t {
    created,      ///< the file's name was made
    named,        ///< and is durable now: its folder was synced
    written,      ///< bytes at an offset; durable at once when the file was opened so
    resized,      ///< the file's length became `offset`
    synced,       ///< all that was written before is durable
    handed_over,  ///< the ledger was given step `offset`
    acknowledged, ///< and said that it is done
  };
  kind what{};
  bool durable = false;
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> bytes{};
};

/// While it lives, notes every call on `dir/data.mdb`. Ends the process at a call whose effect it cannot tell
/// (a writable map, a hole, a new name). One at a time; one thread.
class recording {
public:
  /// `unsafe_flags` are added to those of `mdb_env_open`: for runs that must fail.
  recording(const std::filesystem::path& dir, unsigned unsafe_flags);
  recording(const recording&) = delete;
  recording& operator=(const recording&) = delete;
  ~recording();

  void mark(event::kind what, std::uint64_t step);

  std::vector<event> take();
};

} // namespace weir::durability
