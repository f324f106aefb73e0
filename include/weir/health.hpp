// How weir and its parts are, as values that a report can be made of.
// Knows nothing of how it is found out.
#pragma once

#include <weir/error.hpp>
#include <weir/names.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weir {

enum class breaker_state : std::uint8_t { closed, open, half_open };
std::string_view to_string(breaker_state value) noexcept;

struct provider_health {
  provider_name name;
  breaker_state breaker = breaker_state::closed;
  std::uint32_t in_flight = 0;
  std::uint32_t queued = 0;
  std::uint32_t restarts = 0;         ///< times the provider's actor had to be started anew
  std::optional<failure> last_error;  ///< of the most recent failed attempt
  std::optional<bool> reachable;      ///< what the probe found; nothing: not asked
  std::optional<failure> probe_error; ///< why the probe failed
  std::chrono::microseconds probe_latency{0};
  std::vector<model_name> models; ///< what it offers, as the probe found it, in its order
};

/// State of the books.
struct ledger_health {
  bool enabled = true;          ///< whether usage is tracked at all
  std::uint64_t booked = 0;     ///< records taken since the start
  std::uint64_t committed = 0;  ///< records durable since the start
  std::uint64_t pending = 0;    ///< records not yet durable
  std::uint64_t refused = 0;    ///< records that the ledger will never take; each was logged whole
  std::optional<failure> error; ///< why the last commit failed; nothing: it succeeded
};

struct health_report {
  std::uint64_t config_version = 0;
  std::uint32_t calls_in_flight = 0;
  std::vector<provider_health> providers;
  ledger_health ledger;
};

} // namespace weir
