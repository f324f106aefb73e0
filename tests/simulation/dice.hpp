// The simulation's randomness: one word of state, so that every part of a history can have a generator of its
// own, split off from the seed. Knows nothing of what it decides.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir::simulation {

/// SplitMix64 (Steele, Lea, Flood 2014).
class dice {
public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  /// Uniform in [0, end); `end` is not zero.
  std::uint64_t below(std::uint64_t end) noexcept { return next() % end; }

  /// Uniform in [low, high].
  template <class Integer>
  Integer between(Integer low, Integer high) noexcept {
    return static_cast<Integer>(low +
                                static_cast<Integer>(below(static_cast<std::uint64_t>(high - low) + 1)));
  }

  /// Uniform in [low, high] milliseconds.
  std::chrono::milliseconds ms(std::int64_t low, std::int64_t high) noexcept {
    return std::chrono::milliseconds{between(low, high)};
  }

  bool chance(std::uint32_t permille) noexcept { return below(1000) < permille; }

  template <class List>
  const auto& pick(const List& from) noexcept {
    return from[static_cast<std::size_t>(below(from.size()))];
  }

  /// A generator of its own for some part.
  dice split() noexcept { return dice(next()); }

private:
  std::uint64_t state_;
};

} // namespace weir::simulation
