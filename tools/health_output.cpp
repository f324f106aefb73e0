// Health in words.
#include "tools/health_output.hpp"

#include "tools/common.hpp"
#include "tools/table.hpp"

#include <weir/usage.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace weir::tools {

namespace {

using rows = std::vector<std::vector<std::string>>;

std::string state_word(const provider_health& provider) {
  if (!provider.reachable)
    return "not asked";
  if (*provider.reachable)
    return "reachable";
  // Who answers with an error, such as one about the key, can be reached.
  return provider.probe_error && provider.probe_error->status_code != 0 ? "refuses" : "unreachable";
}

/// A time that may not be known, or not be running: `-`.
std::string optional_milliseconds(std::chrono::microseconds time) {
  return time.count() == 0 ? "-" : milliseconds_cell(time);
}

/// `1 of 3: #2 auth`; which key it is, is told by its place alone.
std::string resting_keys(const provider_health& provider) {
  if (provider.keys.empty())
    return "-";
  std::string which;
  std::size_t resting = 0;
  for (const key_health& each : provider.keys)
    if (each.resting != errc::none) {
      ++resting;
      which += fmt::format("{}#{} {}", which.empty() ? ": " : ", ", each.number, to_string(each.resting));
    }
  return fmt::format("{} of {}{}", resting, provider.keys.size(), which);
}

std::string in_flight(const provider_health& provider) {
  return provider.concurrency_limit == 0
             ? std::to_string(provider.in_flight)
             : fmt::format("{}/{}", provider.in_flight, provider.concurrency_limit);
}

std::string mode_line(const health_report& report) {
  return fmt::format("mode: {}; {}\n", to_string(report.mode),
                     report.refusing ? "calls are refused: " + to_string(*report.refusing)
                                     : counted(report.calls_in_flight, "call") + " in flight");
}

std::string provider_table(const health_report& report) {
  rows cells;
  for (const provider_health& each : report.providers) {
    const auto& why = each.probe_error ? each.probe_error : each.last_error;
    cells.push_back({each.name.str(), state_word(each), std::string(to_string(each.breaker)), in_flight(each),
                     std::to_string(each.queued), optional_milliseconds(each.held_for), resting_keys(each),
                     fmt::format("{:.1f}", each.retry_tokens), optional_milliseconds(each.average_latency),
                     std::to_string(each.restarts),
                     each.reachable.value_or(false) ? milliseconds_cell(each.probe_latency) : "-",
                     why ? to_string(*why) : "-"});
  }
  return draw_table({{"PROVIDER"},
                     {"STATE"},
                     {"CIRCUIT BREAKER"},
                     {"IN FLIGHT", true},
                     {"QUEUED", true},
                     {"HELD MS", true},
                     {"KEYS RESTING"},
                     {"RETRY TOKENS", true},
                     {"LATENCY MS", true},
                     {"RESTARTS", true},
                     {"PROBE MS", true},
                     {"WHY"}},
                    cells);
}

std::string ledger_line(const ledger_health& ledger) {
  if (!ledger.enabled)
    return "ledger: off (enable_usage_tracking)\n";
  std::string text = "ledger: " + (ledger.error ? to_string(*ledger.error) : "writable");
  if (ledger.pending != 0)
    text += "; " + counted(ledger.pending, "record") + " not yet durable";
  if (ledger.refused != 0)
    text += "; " + counted(ledger.refused, "record") + " refused for good (see the log)";
  if (ledger.recovered != 0)
    text += "; " + counted(ledger.recovered, "attempt") + " of an earlier run of unknown fate";
  return text + "\n";
}

/// How much of the limit is gone, rounded down: `80%`. What is reserved is not spent.
std::string share_cell(const budget_health& budget) {
  if (budget.limit.picos <= 0)
    return "-";
  const int128 percent = budget.spent.picos() * 100 / budget.limit.picos;
  return (percent < 0 ? "0" : with_thousands(static_cast<std::uint64_t>(percent))) + '%';
}

std::string budget_table(const std::vector<budget_health>& budgets) {
  if (budgets.empty())
    return {};
  rows cells;
  for (const budget_health& each : budgets)
    cells.push_back({each.name, each.value.empty() ? "-" : each.value,
                     each.known ? to_decimal(each.spent) : "not known yet", to_decimal(each.reserved),
                     to_decimal(each.limit), each.limit.unit.str(), each.known ? share_cell(each) : "-",
                     each.end ? time_cell(*each.end) : "never"});
  return "\n" + draw_table({{"BUDGET"},
                            {"OF"},
                            {"SPENT", true},
                            {"RESERVED", true},
                            {"LIMIT", true},
                            {"CURRENCY"},
                            {"USED", true},
                            {"RESETS"}},
                           cells);
}

std::string model_word(const breaker_health& breaker) {
  return breaker.model.empty() ? "(all others)" : breaker.model.str();
}

std::string breaker_tables(const health_report& report) {
  rows states;
  std::vector<std::pair<std::chrono::system_clock::time_point, std::vector<std::string>>> changes;
  for (const provider_health& provider : report.providers)
    for (const breaker_health& each : provider.breakers) {
      states.push_back({provider.name.str(), model_word(each), std::string(to_string(each.state)),
                        std::to_string(each.calls), std::to_string(each.failures), std::to_string(each.slow),
                        optional_milliseconds(each.reopens_in)});
      for (const breaker_change& change : each.history)
        changes.push_back(
            {change.time,
             {time_cell(change.time), provider.name.str(), model_word(each),
              std::string(to_string(change.from)), std::string(to_string(change.to)), change.cause}});
    }
  if (states.empty())
    return "\nno circuit breaker yet: each begins with the first call of its model\n";
  std::string text = "\n" + draw_table({{"PROVIDER"},
                                        {"MODEL"},
                                        {"CIRCUIT BREAKER"},
                                        {"CALLS", true},
                                        {"FAILED", true},
                                        {"SLOW", true},
                                        {"PROBED IN MS", true}},
                                       states);
  if (changes.empty())
    return text;
  std::ranges::stable_sort(changes, {}, &decltype(changes)::value_type::first);
  rows history;
  for (auto& [time, row] : changes)
    history.push_back(std::move(row));
  return text + "\n" + draw_table({{"TIME"}, {"PROVIDER"}, {"MODEL"}, {"FROM"}, {"TO"}, {"CAUSE"}}, history);
}

std::string alert_table(const std::vector<alert>& alerts) {
  if (alerts.empty())
    return {};
  rows cells;
  for (const alert& each : alerts)
    cells.push_back({time_cell(each.time), std::string(to_string(each.type)),
                     each.provider.empty() ? "-" : each.provider.str(), with_thousands(each.count),
                     each.message});
  return "\n" + draw_table({{"ALERT"}, {"TYPE"}, {"PROVIDER"}, {"TIMES", true}, {"MESSAGE"}}, cells);
}

void add_change(std::vector<std::string>& changes, const std::string& whose, std::string_view before,
                std::string_view after) {
  if (before != after)
    changes.push_back(fmt::format("{}: {} -> {}", whose, before, after));
}

} // namespace

std::string health_text(const health_report& report, bool breakers) {
  return mode_line(report) + provider_table(report) + ledger_line(report.ledger) +
         budget_table(report.ledger.budgets) + (breakers ? breaker_tables(report) : std::string()) +
         alert_table(report.alerts);
}

std::vector<std::string> changes_of(const health_report& before, const health_report& after) {
  const auto welcome = [](const health_report& report) {
    return report.refusing ? "refused (" + std::string(to_string(report.refusing->type)) + ")" : "welcome";
  };
  const auto books = [](const health_report& report) {
    return report.ledger.error ? to_string(report.ledger.error->type) : "writable";
  };
  std::vector<std::string> changes;
  add_change(changes, "mode", to_string(before.mode), to_string(after.mode));
  add_change(changes, "calls", welcome(before), welcome(after));
  add_change(changes, "ledger", books(before), books(after));
  for (const provider_health& now : after.providers) {
    const auto was = std::ranges::find(before.providers, now.name, &provider_health::name);
    if (was == before.providers.end()) {
      changes.push_back(now.name.str() + ": new");
      continue;
    }
    add_change(changes, now.name.str(), state_word(*was), state_word(now));
    add_change(changes, now.name.str() + " circuit breaker", to_string(was->breaker), to_string(now.breaker));
    add_change(changes, now.name.str() + " keys resting", resting_keys(*was), resting_keys(now));
    add_change(changes, now.name.str() + " restarts", std::to_string(was->restarts),
               std::to_string(now.restarts));
  }
  for (const provider_health& was : before.providers)
    if (std::ranges::find(after.providers, was.name, &provider_health::name) == after.providers.end())
      changes.push_back(was.name.str() + ": gone");
  return changes;
}

bool healthy(const health_report& report) {
  const bool someone = std::ranges::any_of(
      report.providers, [](const provider_health& each) { return each.reachable.value_or(true); });
  return someone && !report.refusing && !report.ledger.error;
}

std::string time_cell(std::chrono::system_clock::time_point time) {
  constexpr std::size_t to_the_second = 19;
  return to_string(std::chrono::floor<std::chrono::microseconds>(time)).substr(0, to_the_second) + 'Z';
}

} // namespace weir::tools
