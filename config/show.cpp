// Writing a snapshot as TOML. Loads again, but for the masked secrets.
#include "config/show.hpp"

#include <sstream>

namespace weir::config {

namespace {

/// A basic string; `${` is written so that it stays what it is.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at != text.size(); ++at) {
    const char letter = text[at];
    if (letter == '"' || letter == '\\')
      out += '\\';
    if (letter == '$' && at + 1 != text.size() && text[at + 1] == '{')
      out += '$';
    out += letter;
  }
  return out + "\"";
}

std::string key_of(std::string_view name) {
  constexpr std::string_view bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !name.empty() && name.find_first_not_of(bare) == std::string_view::npos ? std::string(name)
                                                                                 : quoted(name);
}

const char* word(bool value) {
  return value ? "true" : "false";
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
      << "display_name = " << quoted(model.display_name) << '\n';
  if (model.max_tokens != 0)
    out << "max_tokens = " << model.max_tokens << '\n';
  out << "supports_vision = " << word(model.supports_vision) << '\n'
      << "supports_tools = " << word(model.supports_tools) << '\n'
      << "supports_streaming = " << word(model.supports_streaming) << '\n';
  if (!model.prices)
    return;
  const pricing& prices = *model.prices;
  out << "\n[" << path << ".pricing]\n"
      << "currency = " << quoted(prices.unit.str()) << '\n'
      << "unit = \"million_tokens\"\n"
      << "input_price = " << quoted(to_decimal(prices.input)) << '\n'
      << "output_price = " << quoted(to_decimal(prices.output)) << '\n';
  const auto optional = [&out](const char* name, const std::optional<price>& value) {
    if (value)
      out << name << " = " << quoted(to_decimal(*value)) << '\n';
  };
  optional("cached_input_price", prices.cached_input);
  optional("cache_write_price", prices.cache_write);
  optional("cache_write_1h_price", prices.cache_write_1h);
}

void write_provider(std::ostream& out, const provider_config& provider) {
  const std::string path = "llm.providers." + key_of(provider.name.str());
  out << "\n[" << path << "]\n"
      << "type = " << quoted(to_string(provider.type)) << '\n';
  if (!provider.api_key.empty())
    out << "api_key = " << quoted(provider.api_key.masked()) << '\n';
  if (!provider.base_url.empty())
    out << "base_url = " << quoted(provider.base_url) << '\n';
  out << "enabled = " << word(provider.enabled) << '\n'
      << "timeout = " << provider.timeout.count() << '\n'
      << "connect_timeout = " << provider.connect_timeout.count() << '\n'
      << "tls_timeout = " << provider.tls_timeout.count() << '\n'
      << "first_byte_timeout = " << provider.first_byte_timeout.count() << '\n'
      << "idle_timeout = " << provider.idle_timeout.count() << '\n';
  if (provider.max_retries)
    out << "max_retries = " << *provider.max_retries << '\n';
  out << "max_concurrency = " << provider.max_concurrency << '\n'
      << "max_queue = " << provider.max_queue << '\n'
      << "allow_insecure_http = " << word(provider.allow_insecure_http) << '\n';
  if (!provider.ca_file.empty())
    out << "ca_file = " << quoted(provider.ca_file) << '\n';
  if (!provider.headers.empty()) {
    out << "\n[" << path << ".headers]\n";
    // A header may carry a key as well as the key itself does.
    for (const auto& [name, value] : provider.headers)
      out << key_of(name) << " = " << quoted(secret(value).masked()) << '\n';
  }
  for (const model_config& model : provider.models)
    write_model(out, path + ".models." + key_of(model.name.str()), model);
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
    out << comma << quoted(to_string(type));
    comma = ", ";
  }
  out << "]\n";
  for (const auto& [type, rule] : retry.rules) {
    const auto rest = std::to_string(1000 + rule.factor_permille % 1000).substr(1);
    out << "\n[llm.retry." << to_string(type) << "]\n"
        << "max_retries = " << rule.max_retries << '\n'
        << "backoff = " << quoted(word(rule.backoff)) << '\n'
        << "base_delay = " << rule.base_delay.count() << '\n'
        << "max_delay = " << rule.max_delay.count() << '\n'
        << "backoff_factor = " << rule.factor_permille / 1000 << '.' << rest << '\n';
  }
}

} // namespace

std::string to_toml(const snapshot& config) {
  std::ostringstream out;
  out << "[llm]\n"
      << "default_provider = " << quoted(config.default_provider.str()) << '\n'
      << "enable_usage_tracking = " << word(config.enable_usage_tracking) << '\n'
      << "usage_data_dir = " << quoted(config.usage_data_dir.string()) << '\n'
      << "cost_tracking = " << word(config.cost_tracking) << '\n'
      << "io_threads = " << config.io_threads << '\n'
      << "worker_threads = " << config.worker_threads << '\n';
  for (const provider_config& each : config.providers)
    write_provider(out, each);
  write_retry(out, config.retry);
  out << "\n[llm.circuit_breaker]\n"
      << "window = " << config.breaker.window.count() << '\n'
      << "min_calls = " << config.breaker.min_calls << '\n'
      << "failure_percent = " << config.breaker.failure_percent << '\n'
      << "open_time = " << config.breaker.open_time.count() << '\n'
      << "max_open_time = " << config.breaker.max_open_time.count() << '\n'
      << "half_open_permits = " << config.breaker.half_open_permits << '\n'
      << "\n[llm.limits]\n"
      << "max_in_flight = " << config.limits.max_in_flight << '\n'
      << "call_timeout = " << config.limits.call_timeout.count() << '\n'
      << "max_header_bytes = " << config.limits.max_header_bytes << '\n'
      << "max_body_bytes = " << config.limits.max_body_bytes << '\n'
      << "drain_timeout = " << config.limits.drain_timeout.count() << '\n'
      << "\n[llm.ledger]\n"
      << "batch_records = " << config.ledger.batch_records << '\n'
      << "batch_delay = " << config.ledger.batch_delay.count() << '\n'
      << "max_pending = " << config.ledger.max_pending << '\n'
      << "map_bytes = " << config.ledger.map_bytes << '\n';
  return std::move(out).str();
}

} // namespace weir::config
