// Which fault a phase chooses. What a fault looks like on the wire stands in answers.cpp.
#include "tests/simulation/faults.hpp"

#include "tests/simulation/answers.hpp"

#include <algorithm>
#include <array>

namespace weir::simulation {

namespace {

using std::chrono::milliseconds;

fault any_fault(dice& random) {
  return static_cast<fault>(random.between(1, static_cast<int>(fault::stream_no_mark)));
}

/// Faults of a sick host: mostly those that a breaker is made for.
fault sick_fault(dice& random) {
  static constexpr std::array list{fault::server_error, fault::server_error, fault::overload,
                                   fault::reset_before, fault::reset_after,  fault::slow,
                                   fault::hang,         fault::stream_cut,   fault::stream_error};
  return random.pick(list);
}

fault key_fault(dice& random) {
  static constexpr std::array list{fault::wrong_key, fault::forbidden, fault::no_quota};
  return random.pick(list);
}

fault fault_of(dice& random, const phase& now, time_point at) {
  switch (now.is) {
  case mood::healthy:
    return fault::none;
  case mood::brown_out:
    return random.chance(now.permille) ? sick_fault(random) : fault::none;
  case mood::down:
    return random.chance(800) ? fault::refuse : fault::overload;
  case mood::hanging:
    return random.chance(800) ? fault::hang : fault::reset_after;
  case mood::limited:
    return random.chance(now.permille) ? fault::rate_limit : fault::none;
  case mood::slow:
    return random.chance(700) ? fault::slow : fault::none;
  case mood::flapping:
    return (at.time_since_epoch() / milliseconds{700}) % 2 == 0 ? fault::none : sick_fault(random);
  case mood::nasty:
    return random.chance(now.permille) ? any_fault(random) : fault::none;
  case mood::no_keys:
    return random.chance(300) ? key_fault(random) : fault::none;
  }
  return fault::none;
}

} // namespace

host_plan random_host(dice& random, time_point begin, time_point healed) {
  host_plan host;
  host.fastest = random.ms(1, 50);
  host.slowest = host.fastest + random.ms(10, 1'500);
  host.capacity = random.between(3U, 60U);
  time_point at = begin;
  while (at < healed) {
    at = std::min(healed, at + random.ms(500, 30'000));
    mood is = random.chance(300) ? mood::healthy : static_cast<mood>(random.below(9));
    // Keys that are refused rest long: rarely.
    if (is == mood::no_keys && random.chance(700))
      is = mood::nasty;
    host.phases.push_back({at, is, random.between(50U, 950U)});
  }
  return host;
}

answer decide(dice& random, const host_plan& host, const question& asked) {
  const auto now =
      std::ranges::find_if(host.phases, [&](const phase& each) { return asked.now < each.until; });
  fault is = now == host.phases.end() ? fault::none : fault_of(random, *now, asked.now);
  if (is == fault::none && now != host.phases.end() && asked.in_flight > host.capacity)
    is = random.chance(500) ? fault::slow : random.chance(500) ? fault::rate_limit : fault::overload;
  return make_answer(random, host, asked, is);
}

std::string_view to_string(fault value) noexcept {
  static constexpr std::array<std::string_view, 26> names{
      "good",         "refuse",        "reset_before", "reset_after",  "hang",         "slow",
      "server_error", "overload",      "rate_limit",   "own_time_out", "wrong_key",    "forbidden",
      "no_quota",     "bad_request",   "too_long",     "filtered",     "truncated",    "html",
      "empty",        "error_in_200",  "no_usage",     "stream_cut",   "stream_stall", "stream_nonsense",
      "stream_error", "stream_no_mark"};
  return names[static_cast<std::size_t>(value)];
}

} // namespace weir::simulation
