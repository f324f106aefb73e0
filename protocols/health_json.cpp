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

} // namespace

std::string to_json(const health_report& report) {
  return written([&](json_writer& out) {
    out.StartObject();
    write_member(out, "mode", to_string(report.mode));
    write_error(out, "refusing", report.refusing);
    write_count(out, "config_version", report.config_version);
    write_count(out, "calls_in_flight", report.calls_in_flight);
    write_array(out, "providers", report.providers, write_provider);
    out.Key("ledger");
    out.StartObject();
    write_flag(out, "enabled", report.ledger.enabled);
    write_count(out, "booked", report.ledger.booked);
    write_count(out, "committed", report.ledger.committed);
    write_count(out, "pending", report.ledger.pending);
    write_count(out, "refused", report.ledger.refused);
    write_error(out, "error", report.ledger.error);
    out.EndObject();
    write_array(out, "alerts", report.alerts, write_alert);
    out.EndObject();
  });
}

} // namespace weir::protocols
