// Selecting faults: deterministic, so that a run can be repeated.
#include "tools/mock/plan.hpp"

#include <algorithm>
#include <array>

namespace weir::mock {

namespace {

constexpr std::array<std::string_view, fault_kinds> kind_names{"refuse",
                                                               "reset",
                                                               "close",
                                                               "hang",
                                                               "drip",
                                                               "status",
                                                               "malformed_json",
                                                               "truncated_json",
                                                               "wrong_content_type",
                                                               "oversized_body",
                                                               "slow_first_byte",
                                                               "empty_body",
                                                               "error_in_200",
                                                               "raw",
                                                               "cut_stream",
                                                               "error_in_stream",
                                                               "malformed_chunk",
                                                               "stall_stream",
                                                               "no_done",
                                                               "no_finish",
                                                               "endless"};

/// A well-mixed word for a seed and a number (the finalizer of SplitMix64).
std::uint64_t mixed(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t word = seed * 0x9e3779b97f4a7c15ULL + number;
  word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  word = (word ^ (word >> 27U)) * 0x94d049bb133111ebULL;
  return word ^ (word >> 31U);
}

bool hits(const selector& when, std::uint64_t seed, const occasion& now) {
  const std::uint64_t number = now.number;
  const auto inside = [number](const auto& range) { return number >= range.first && number <= range.second; };
  return (when.ranges.empty() || std::ranges::any_of(when.ranges, inside)) && number % when.every == 0 &&
         (when.models.empty() || std::ranges::find(when.models, now.model) != when.models.end()) &&
         mixed(seed, number) % 1000 < when.permille;
}

bool is_time(const fault& each, milliseconds age) {
  return age >= each.from && (!each.to || age < *each.to);
}

} // namespace

std::string_view to_string(fault_kind kind) noexcept {
  return kind_names[static_cast<std::size_t>(kind)];
}

const fault* fault_for(const plan& of, const occasion& now) {
  // Each fault has chances of its own: with common ones, the first of some would hit for all of them.
  constexpr std::uint64_t apart = 1'000'003;
  std::uint64_t seed = of.seed;
  for (const fault& each : of.faults) {
    if (each.kind != fault_kind::refuse && (now.streamed || !needs_stream(each.kind)) &&
        is_time(each, now.age) && hits(each.when, seed, now))
      return &each;
    seed += apart;
  }
  return nullptr;
}

milliseconds latency_for(const plan& of, std::uint64_t number) {
  if (of.jitter.count() <= 0)
    return of.latency;
  const auto span = static_cast<std::uint64_t>(of.jitter.count()) + 1;
  return of.latency + milliseconds{static_cast<std::int64_t>(mixed(of.seed + 1, number) % span)};
}

} // namespace weir::mock
