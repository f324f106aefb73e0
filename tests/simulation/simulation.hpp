// Deterministic simulation: the real manager, supervisor, providers and accumulator on CAF's testing
// scheduler with its virtual clock, in a world of failing hosts, disks and callers that a seed decides. See
// docs/simulation.md. Knows no test framework and no command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weir::simulation {

/// A fault of the harness itself, to show that an invariant can fail.
enum class planted_fault : std::uint8_t {
  none,
  double_booking, ///< the ledger keeps a record twice
  lost_booking,   ///< the ledger loses a record
  early_answer,   ///< the ledger says of a batch that it is durable long before it is
  lying_bill,     ///< a host bills what it refused
  secret_hint,    ///< a host expects a longer wait than it said
  tight_host,     ///< a host bears half of what it is configured for
  changed_text,   ///< a sink reads something else than it was sent
  lost_reply,     ///< a caller misses its reply
};

struct options {
  std::uint32_t calls = 200;    ///< of one history, without the trickle at its end
  bool verbose = false;         ///< print the trace to standard output
  std::set<std::string> ignore; ///< invariants that are counted and not reported
  planted_fault plant = planted_fault::none;
};

/// A broken invariant. Of one kind, the first three of a history are kept.
struct violation {
  std::string invariant;
  double at_s = 0; ///< virtual
  std::string what;
};

struct report {
  std::uint64_t seed = 0;
  std::uint64_t hash = 0; ///< of the trace
  std::uint64_t calls = 0;
  std::uint64_t attempts = 0; ///< booked
  std::uint64_t posts = 0;    ///< requests that the hosts saw
  std::uint64_t steps = 0;    ///< messages handled
  std::chrono::milliseconds virtual_time{0};
  std::vector<violation> violations;
  std::map<std::string, std::uint64_t> ignored;  ///< by invariant: how often an ignored one was broken
  std::map<std::string, std::uint64_t> outcomes; ///< replies by error type, `none` for a success
};

/// Lives through the history of a seed.
report run(std::uint64_t seed, const options& how);

/// The names of all invariants.
std::vector<std::string_view> invariants();

} // namespace weir::simulation
