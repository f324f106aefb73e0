// Writing a snapshot as TOML. Loads again, but for the masked secrets.
#include "config/show.hpp"

#include "config/load.hpp"
#include "config/price_schema.hpp"
#include "config/show_ledger.hpp"
#include "config/toml_text.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace weir::config {

namespace {

const char* word(bool value) {
  return value ? "true" : "false";
}

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

/// Some servers take their key in the query. What is long enough for one, or has the name of one, is masked;
/// the dates that Azure asks for are no secret.
std::string query_value(std::string_view name, std::string_view value) {
  constexpr std::array<std::string_view, 7> telling{"key", "token", "secret", "sig", "pass", "auth", "code"};
  constexpr std::size_t shortest_key = 16;
  std::string small(name);
  std::ranges::transform(small, small.begin(), lower);
  const bool telltale = std::ranges::any_of(
      telling, [&small](std::string_view each) { return small.find(each) != std::string::npos; });
  const bool plain = small == "api-version" || (!telltale && value.size() < shortest_key);
  return string_value(plain ? std::string(value) : secret(std::string(value)).masked());
}

std::string_view word(backoff_kind value) {
  switch (value) {
  case backoff_kind::exponential:
    return "exponential";
  case backoff_kind::linear:
    return "linear";
  case backoff_kind::fixed:
    return "fixed";
  }
  return "exponential";
}

void write_model(std::ostream& out, const std::string& path, const model_config& model) {
  out << "\n[" << path << "]\n"
      << "display_name = " << string_value(model.display_name) << '\n';
  if (model.max_tokens != 0)
    out << "max_tokens = " << model.max_tokens << '\n';
  if (model.context_window != 0)
    out << "context_window = " << model.context_window << '\n';
  const auto flag = [&out](const char* name, const std::optional<bool>& value) {
    if (value)
      out << name << " = " << word(*value) << '\n';
  };
  flag("supports_vision", model.supports_vision);
  flag("supports_tools", model.supports_tools);
  flag("supports_streaming", model.supports_streaming);
  out << "supports_prefill = " << word(model.supports_prefill) << '\n';
  if (model.api)
    out << "api = " << string_value(to_string(*model.api)) << '\n';
  if (model.prices)
    write_pricing(out, path, *model.prices);
}

void write_wire(std::ostream& out, const wire_options& wire) {
  out << "api = " << string_value(to_string(wire.api)) << '\n'
      << "auth = " << string_value(to_string(wire.key)) << '\n'
      << "max_tokens_field = " << string_value(wire.max_tokens_field) << '\n'
      << "stream_usage = " << word(wire.stream_usage) << '\n';
  if (!wire.api_version.empty())
    out << "api_version = " << string_value(wire.api_version) << '\n';
  if (!wire.path.empty())
    out << "path = " << string_value(wire.path) << '\n';
}

void write_bounds(std::ostream& out, const provider_config& provider) {
  out << "timeout = " << provider.timeout.count() << '\n'
      << "stream_timeout = " << provider.stream_timeout.count() << '\n'
      << "first_token_timeout = " << provider.first_token_timeout.count() << '\n'
      << "connect_timeout = " << provider.connect_timeout.count() << '\n'
      << "tls_timeout = " << provider.tls_timeout.count() << '\n'
      << "first_byte_timeout = " << provider.first_byte_timeout.count() << '\n'
      << "idle_timeout = " << provider.idle_timeout.count() << '\n';
  if (provider.max_retries)
    out << "max_retries = " << *provider.max_retries << '\n';
  out << "max_concurrency = " << provider.max_concurrency << '\n'
      << "max_queue = " << provider.max_queue << '\n'
      << "max_queue_wait = " << provider.max_queue_wait.count() << '\n'
      << "requests_per_minute = " << provider.requests_per_minute << '\n'
      << "tokens_per_minute = " << provider.tokens_per_minute << '\n'
      << "learn_limits = " << word(provider.learn_limits) << '\n'
      << "adaptive_concurrency = " << word(provider.adaptive_concurrency) << '\n';
}

/// As many masks as there are keys.
void write_keys(std::ostream& out, const provider_config& provider) {
  if (provider.more_keys.empty()) {
    if (!provider.api_key.empty())
      out << "api_key = " << string_value(provider.api_key.masked()) << '\n';
    return;
  }
  out << "api_keys = [" << string_value(provider.api_key.masked());
  for (const secret& each : provider.more_keys)
    out << ", " << string_value(each.masked());
  out << "]\n";
}

void write_provider(std::ostream& out, const provider_config& provider) {
  const std::string path = "llm.providers." + key_text(provider.name.str());
  const wire_options wire = wire_of(provider);
  out << "\n[" << path << "]\n";
  if (!provider.preset.empty())
    out << "preset = " << string_value(provider.preset) << '\n';
  out << "type = " << string_value(to_string(provider.type)) << '\n';
  write_keys(out, provider);
  if (!provider.base_url.empty())
    out << "base_url = " << string_value(provider.base_url) << '\n';
  write_wire(out, wire);
  out << "enabled = " << word(provider.enabled) << '\n';
  write_bounds(out, provider);
  out << "allow_insecure_http = " << word(provider.allow_insecure_http) << '\n';
  if (!provider.price_list.empty())
    out << "price_list = " << string_value(provider.price_list) << '\n';
  if (!provider.ca_file.empty())
    out << "ca_file = " << string_value(provider.ca_file) << '\n';
  if (!wire.query.empty()) {
    out << "\n[" << path << ".query]\n";
    for (const auto& [name, value] : wire.query)
      out << key_text(name) << " = " << query_value(name, value) << '\n';
  }
  if (!provider.headers.empty()) {
    out << "\n[" << path << ".headers]\n";
    // A header may carry a key as well as the key itself does.
    for (const auto& [name, value] : provider.headers)
      out << key_text(name) << " = " << string_value(secret(value).masked()) << '\n';
  }
  for (const model_config& model : provider.models)
    write_model(out, path + ".models." + key_text(model.name.str()), model);
}

void write_route(std::ostream& out, const route_config& route) {
  out << "\n[llm.routes." << key_text(route.name.str()) << "]\n"
      << "strategy = " << string_value(to_string(route.strategy)) << '\n'
      << "candidates = [\n";
  for (const route_candidate& each : route.candidates)
    out << "  { provider = " << string_value(each.provider.str())
        << ", model = " << string_value(each.model.str()) << ", weight = " << each.weight << " },\n";
  out << "]\n";
  if (!route.sticky_by.empty())
    out << "sticky_by = " << string_value(route.sticky_by) << '\n';
  if (route.rescue)
    out << "rescue = " << string_value(to_string(*route.rescue)) << '\n';
  out << "hedge_after = " << route.hedge_after.count() << '\n'
      << "reroute_content_filter = " << word(route.reroute_content_filter) << '\n';
}

void write_delays(std::ostream& out, const retry_rule& rule) {
  out << "base_delay = " << rule.base_delay.count() << '\n'
      << "max_delay = " << rule.max_delay.count() << '\n'
      << "backoff_factor = " << permille_text(rule.factor_permille) << '\n';
}

void write_retry(std::ostream& out, const retry_config& retry) {
  out << "\n[llm.retry]\n"
      << "max_total_attempts = " << retry.max_total_attempts << '\n'
      << "max_unknown_repeats = " << retry.max_unknown_repeats << '\n'
      << "max_retry_after = " << retry.max_retry_after.count() << '\n'
      << "jitter = " << word(retry.jitter) << '\n'
      << "retryable_errors = [";
  const char* comma = "";
  for (const auto& [type, rule] : retry.rules) {
    out << comma << string_value(to_string(type));
    comma = ", ";
  }
  out << "]\n";
  const auto has_table = [](errc type) {
    return std::ranges::find(ruled_classes, type) != ruled_classes.end();
  };
  // Classes without a table have the rule for all, which the tables below override again.
  const auto other =
      std::ranges::find_if(retry.rules, [has_table](const auto& each) { return !has_table(each.first); });
  if (other != retry.rules.end()) {
    out << "max_attempts = " << other->second.max_retries + 1 << '\n';
    write_delays(out, other->second);
  }
  for (const auto& [type, rule] : retry.rules) {
    if (!has_table(type))
      continue;
    out << "\n[llm.retry." << to_string(type) << "]\n"
        << "max_retries = " << rule.max_retries << '\n'
        << "backoff = " << string_value(word(rule.backoff)) << '\n';
    write_delays(out, rule);
  }
}

void write_budget(std::ostream& out, const retry_budget_config& budget) {
  out << "\n[llm.retry.budget]\n"
      << "enabled = " << word(budget.enabled) << '\n'
      << "tokens = " << budget.tokens << '\n'
      << "per_success = " << permille_text(budget.per_success_permille) << '\n'
      << "refill_time = " << budget.refill_time.count() << '\n';
}

void write_breaker(std::ostream& out, const breaker_config& breaker) {
  out << "\n[llm.circuit_breaker]\n"
      << "window = " << breaker.window.count() << '\n'
      << "min_calls = " << breaker.min_calls << '\n'
      << "failure_percent = " << breaker.failure_percent << '\n'
      << "slow_after = " << breaker.slow_after.count() << '\n'
      << "slow_percent = " << breaker.slow_percent << '\n'
      << "open_time = " << breaker.open_time.count() << '\n'
      << "max_open_time = " << breaker.max_open_time.count() << '\n'
      << "half_open_permits = " << breaker.half_open_permits << '\n'
      << "jitter_percent = " << breaker.jitter_percent << '\n'
      << "last_resort = " << breaker.last_resort.count() << '\n';
}

void write_limits(std::ostream& out, const limits_config& limits) {
  out << "\n[llm.limits]\n"
      << "max_in_flight = " << limits.max_in_flight << '\n'
      << "call_timeout = " << limits.call_timeout.count() << '\n'
      << "max_header_bytes = " << limits.max_header_bytes << '\n'
      << "max_body_bytes = " << limits.max_body_bytes << '\n'
      << "drain_timeout = " << limits.drain_timeout.count() << '\n'
      << "queue_patience = " << limits.queue_patience.count() << '\n'
      << "fair_by = " << string_value(limits.fair_by) << '\n';
}

void write_tokens(std::ostream& out, const std::vector<vocabulary_file>& vocabularies) {
  out << "\n[llm.tokens]\nvocabularies = [";
  const char* comma = "";
  for (const vocabulary_file& each : vocabularies) {
    if (each.file.empty()) // one that was made in code cannot be loaded again
      continue;
    out << comma << string_value(each.file.string());
    comma = ", ";
  }
  out << "]\n";
}

} // namespace

std::string to_toml(const snapshot& config) {
  std::ostringstream out;
  out << "[llm]\n"
      << "mode = " << string_value(to_string(config.mode)) << '\n'
      << "default_provider = " << string_value(config.default_provider.str()) << '\n'
      << "enable_usage_tracking = " << word(config.enable_usage_tracking) << '\n'
      << "usage_data_dir = " << string_value(config.usage_data_dir.string()) << '\n'
      << "cost_tracking = " << word(config.cost_tracking) << '\n'
      << "io_threads = " << config.io_threads << '\n'
      << "worker_threads = " << config.worker_threads << '\n';
  for (const provider_config& each : config.providers)
    write_provider(out, each);
  for (const route_config& each : config.routes)
    write_route(out, each);
  write_retry(out, config.retry);
  write_budget(out, config.retry.budget);
  write_breaker(out, config.breaker);
  write_limits(out, config.limits);
  write_ledger(out, config.ledger);
  write_budgets(out, config.budgets);
  write_prices(out, config.price_source);
  write_tokens(out, config.vocabularies);
  return std::move(out).str();
}

} // namespace weir::config
