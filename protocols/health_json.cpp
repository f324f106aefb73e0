// How weir is, as JSON: providers with their breakers and keys, the ledger, alerts.
#include "protocols/report_json.hpp"
#include "protocols/report_members.hpp"

namespace weir::protocols {

namespace {

/// RFC 3339, in UTC.
void write_moment(json_writer& out, std::chrono::system_clock::time_point time) {
  write_member(out, "time", to_string(std::chrono::floor<std::chrono::microseconds>(time)));
}

void write_change(json_writer& out, const breaker_change& change) {
  out.StartObject();
  write_moment(out, change.time);
  write_member(out, "from", to_string(change.from));
  write_member(out, "to", to_string(change.to));
  write_member(out, "cause", change.cause);
  out.EndObject();
}

void write_breaker(json_writer& out, const breaker_health& breaker) {
  out.StartObject();
  write_member(out, "model", breaker.model.str());
  write_member(out, "state", to_string(breaker.state));
  write_count(out, "calls", breaker.calls);
  write_count(out, "failures", breaker.failures);
  write_count(out, "slow", breaker.slow);
  write_time(out, "reopens_in_ms", breaker.reopens_in);
  write_array(out, "history", breaker.history, write_change);
  out.EndObject();
}

void write_key(json_writer& out, const key_health& key) {
  out.StartObject();
  write_count(out, "number", key.number);
  write_error_name(out, "resting", key.resting);
  write_time(out, "until_ms", key.until);
  out.EndObject();
}

void write_alert(json_writer& out, const alert& seen) {
  out.StartObject();
  write_moment(out, seen.time);
  write_member(out, "type", to_string(seen.type));
  write_member(out, "provider", seen.provider.str());
  write_member(out, "message", seen.message);
  write_count(out, "count", seen.count);
  out.EndObject();
}

void write_provider(json_writer& out, const provider_health& provider) {
  out.StartObject();
  write_member(out, "name", provider.name.str());
  write_member(out, "circuit_breaker", to_string(provider.breaker));
  write_array(out, "breakers", provider.breakers, write_breaker);
  write_count(out, "in_flight", provider.in_flight);
  write_count(out, "concurrency_limit", provider.concurrency_limit);
  write_count(out, "queued", provider.queued);
  write_time(out, "held_for_ms", provider.held_for);
  write_array(out, "keys", provider.keys, write_key);
  out.Key("retry_tokens");
  out.Double(provider.retry_tokens);
  write_time(out, "average_latency_ms", provider.average_latency);
  write_count(out, "restarts", provider.restarts);
  write_error(out, "last_error", provider.last_error);
  out.Key("reachable");
  if (provider.reachable)
    out.Bool(*provider.reachable);
  else
    out.Null();
  write_error(out, "probe_error", provider.probe_error);
  write_time(out, "probe_latency_ms", provider.probe_latency);
  out.EndObject();
}

/// RFC 3339, in UTC; null where there is no such moment.
void write_moment(json_writer& out, const char* name, const std::optional<timestamp>& time) {
  if (time)
    return write_member(out, name, to_string(*time));
  out.Key(name);
  out.Null();
}

/// Amounts are decimals in strings, all in the one currency.
void write_budget(json_writer& out, const budget_health& budget) {
  out.StartObject();
  write_member(out, "name", budget.name);
  write_member(out, "value", budget.value);
  write_moment(out, "begin", budget.begin);
  write_moment(out, "end", budget.end);
  write_member(out, "currency", budget.limit.unit.str());
  write_member(out, "limit", to_decimal(budget.limit));
  if (budget.soft_limit) {
    write_member(out, "soft_limit", to_decimal(*budget.soft_limit));
  } else {
    out.Key("soft_limit");
    out.Null();
  }
  write_member(out, "spent", to_decimal(budget.spent));
  write_member(out, "reserved", to_decimal(budget.reserved));
  write_flag(out, "known", budget.known);
  out.EndObject();
}

void write_ledger(json_writer& out, const ledger_health& ledger) {
  out.Key("ledger");
  out.StartObject();
  write_flag(out, "enabled", ledger.enabled);
  write_count(out, "booked", ledger.booked);
  write_count(out, "committed", ledger.committed);
  write_count(out, "pending", ledger.pending);
  write_count(out, "refused", ledger.refused);
  write_count(out, "recovered", ledger.recovered);
  write_error(out, "error", ledger.error);
  write_array(out, "budgets", ledger.budgets, write_budget);
  out.EndObject();
}

} // namespace

std::string to_json(const health_report& report) {
  return written([&](json_writer& out) {
    out.StartObject();
    write_member(out, "mode", to_string(report.mode));
    write_error(out, "refusing", report.refusing);
    write_count(out, "config_version", report.config_version);
    write_count(out, "calls_in_flight", report.calls_in_flight);
    write_array(out, "providers", report.providers, write_provider);
    write_ledger(out, report.ledger);
    write_array(out, "alerts", report.alerts, write_alert);
    out.EndObject();
  });
}

} // namespace weir::protocols
