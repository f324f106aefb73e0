// What happened in a history, as a hash, and on demand as lines for people.
// Knows no actor: whoever sees something notes it.
#pragma once

#include <weir/usage.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace weir::simulation {

/// FNV-1a of 64 bits over all notes. Two runs of a seed have equal hashes, or something is not handed in.
class trace {
public:
  explicit trace(bool verbose) : verbose_(verbose) {}

  /// Notes that something happened, to whom (a number), and how.
  void note(time_point at, std::string_view what, std::uint64_t whom, std::string_view how = {}) {
    word(static_cast<std::uint64_t>(at.time_since_epoch().count()));
    text(what);
    word(whom);
    text(how);
    if (verbose_)
      fmt::print("{:12.6f} {:<9} {:>5} {}\n", seconds(at), what, whom, how);
  }

  bool verbose() const noexcept { return verbose_; }
  std::uint64_t hash() const noexcept { return hash_; }
  static double seconds(time_point at) noexcept {
    return std::chrono::duration<double>(at.time_since_epoch()).count();
  }

private:
  void byte(std::uint8_t value) noexcept { hash_ = (hash_ ^ value) * 0x100000001B3ULL; }
  void word(std::uint64_t value) noexcept {
    for (unsigned shift = 0; shift != 64; shift += 8)
      byte(static_cast<std::uint8_t>(value >> shift));
  }
  void text(std::string_view value) noexcept {
    for (const char letter : value)
      byte(static_cast<std::uint8_t>(letter));
    byte(0);
  }

  bool verbose_;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

} // namespace weir::simulation
