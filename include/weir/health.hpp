// How weir and its parts are, as values that a report can be made of.
// Knows nothing of how it is found out.
#pragma once

#include <weir/calendar.hpp>
#include <weir/error.hpp>
#include <weir/money.hpp>
#include <weir/names.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class breaker_state : std::uint8_t { closed, open, half_open };
std::string_view to_string(breaker_state value) noexcept;

/// What weir may do. In every mode questions are answered, and the configuration can be reloaded.
enum class run_mode : std::uint8_t {
  normal,
  offline,   ///< no socket is opened: calls are refused as `offline`
  read_only, ///< nothing is written: calls, which would have to be booked, are refused as `read_only`
};
std::string_view to_string(run_mode value) noexcept;
std::optional<run_mode> to_run_mode(std::string_view name) noexcept;

/// A change of a circuit breaker's state.
struct breaker_change {
  std::chrono::system_clock::time_point time{};
  breaker_state from = breaker_state::closed;
  breaker_state to = breaker_state::closed;
  std::string cause; ///< such as `6 of 10 calls failed`
};

/// One circuit breaker: that of a provider and a model.
struct breaker_health {
  model_name model; ///< empty: of all models beyond the first 256 of a provider that lists none
  breaker_state state = breaker_state::closed;
  std::uint32_t calls = 0;                 ///< within the window, while closed
  std::uint32_t failures = 0;              ///< of these
  std::uint32_t slow = 0;                  ///< of these, streams whose first token came late
  std::chrono::milliseconds reopens_in{0}; ///< while open: until the next probe
  std::vector<breaker_change> history;     ///< the last 16, oldest first
};

/// Something an operator should see, which no call waits for.
struct alert {
  std::chrono::system_clock::time_point time{};
  errc type = errc::unknown;
  provider_name provider; ///< empty: weir itself
  std::string message;
  std::uint32_t count = 1; ///< how often it came in a row
};

/// One key of a provider. Which key it is, is told by its place in the configuration alone.
struct key_health {
  std::uint32_t number = 1;           ///< from 1, in the order of the configuration
  errc resting = errc::none;          ///< why it is not used now: `auth`, `quota_exceeded`, `rate_limit`
  std::chrono::milliseconds until{0}; ///< how long it rests
};

struct provider_health {
  provider_name name;
  breaker_state breaker = breaker_state::closed; ///< the worst of `breakers`
  std::vector<breaker_health> breakers;          ///< of the models that were asked for
  std::uint32_t in_flight = 0;
  std::uint32_t queued = 0;
  std::uint32_t concurrency_limit = 0;   ///< attempts that may be in flight now
  std::chrono::milliseconds held_for{0}; ///< until its rate limits hold none of its models any more
  std::vector<key_health> keys;
  double retry_tokens = 0;                      ///< left of the retry budget
  std::chrono::milliseconds average_latency{0}; ///< of late, to the first token where streamed; 0: not known
  std::uint32_t restarts = 0;                   ///< times the provider's actor had to be started anew
  std::optional<failure> last_error;            ///< of the most recent failed attempt
  std::optional<bool> reachable;                ///< what the probe found; nothing: not asked
  std::optional<failure> probe_error;           ///< why the probe failed
  std::chrono::microseconds probe_latency{0};
  std::vector<model_name> models; ///< what it offers, as the probe found it, in its order
};

/// One budget in the period that runs now.
struct budget_health {
  std::string name;
  std::string value;              ///< of its tag, where each value has a budget of its own; else empty
  std::optional<timestamp> begin; ///< of the period; nothing: it counts in total
  std::optional<timestamp> end;   ///< when the next one begins
  money limit;
  std::optional<money> soft_limit;
  money_sum spent; ///< by attempts that have ended; the most that they can have cost, where it is not known
  money_sum reserved; ///< by attempts in flight
  bool known = true;  ///< false: the ledger has not yet said what was spent before
};

/// State of the books.
struct ledger_health {
  bool enabled = true;                ///< whether usage is tracked at all
  std::uint64_t booked = 0;           ///< records taken since the start
  std::uint64_t committed = 0;        ///< records durable since the start
  std::uint64_t pending = 0;          ///< records not yet durable
  std::uint64_t refused = 0;          ///< records that the ledger will never take; each was logged whole
  std::uint64_t recovered = 0;        ///< attempts of an earlier run that were open, and are now `unknown`
  std::optional<failure> error;       ///< why the last commit failed; nothing: it succeeded
  std::vector<budget_health> budgets; ///< in the order of the configuration; of many values, the fullest
};

struct health_report {
  run_mode mode = run_mode::normal;
  std::optional<failure> refusing; ///< why calls are refused; nothing: they are welcome
  std::vector<alert> alerts;       ///< the last 64, oldest first
  std::uint64_t config_version = 0;
  std::uint32_t calls_in_flight = 0;
  std::vector<provider_health> providers;
  ledger_health ledger;
};

} // namespace weir
