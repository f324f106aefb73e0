// The schema of `[llm]`, and loading.
#include "config/load.hpp"

#include "config/provider_schema.hpp"
#include "config/table_reader.hpp"
#include "config/tokens_schema.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace weir {

namespace config {

namespace {

constexpr milliseconds longest{24 * 3'600'000};
constexpr range<milliseconds> any_limit{milliseconds{1}, longest};
constexpr range<milliseconds> any_delay{milliseconds{0}, longest};

/// A growth factor as thousandths, exactly: `2`, `1.5`, `1.125`.
void read_factor(table_reader& in, std::uint32_t& out) {
  std::string text;
  if (!in.decimal("backoff_factor", text))
    return;
  // A price in thousandths of a unit per token is the same exact decimal.
  const auto read = parse_price(text, price_unit::million_tokens);
  constexpr std::int64_t permille = picos_per_unit / 1000;
  if (!read || read->picos_per_million % permille != 0 || read->picos_per_million < picos_per_unit ||
      read->picos_per_million > 100 * picos_per_unit)
    in.fault("backoff_factor",
             "is '" + text.substr(0, 32) + "'; expected a number from 1 to 100 with at most three decimals");
  else
    out = static_cast<std::uint32_t>(read->picos_per_million / permille);
}

void read_delays(table_reader& in, milliseconds& base, milliseconds& most, std::uint32_t& factor) {
  in.duration("base_delay", base, any_delay);
  in.duration("max_delay", most, any_delay);
  read_factor(in, factor);
}

/// `[llm.retry]`: what it says explicitly overrides every class.
void read_retry_for_all(table_reader& in, retry_config& retry) {
  retry_rule all;
  std::uint32_t attempts = 0;
  const bool counted = in.count("max_attempts", attempts, {1, 100});
  read_delays(in, all.base_delay, all.max_delay, all.factor_permille);
  std::vector<std::string> names;
  if (in.texts("retryable_errors", names)) {
    std::map<errc, retry_rule> listed;
    for (const std::string& name : names) {
      const auto type = to_errc(name);
      if (!type || *type == errc::none) {
        in.fault("retryable_errors", "names '" + name.substr(0, 40) + "', which is no class of error");
        continue;
      }
      const auto known = retry.rules.find(*type);
      listed[*type] = known != retry.rules.end() ? known->second : retry_rule{.max_retries = 3};
    }
    retry.rules = std::move(listed);
  }
  for (auto& [type, rule] : retry.rules) {
    if (counted)
      rule.max_retries = attempts - 1;
    if (in.has("base_delay"))
      rule.base_delay = all.base_delay;
    if (in.has("max_delay"))
      rule.max_delay = all.max_delay;
    if (in.has("backoff_factor"))
      rule.factor_permille = all.factor_permille;
  }
}

/// `[llm.retry.network]` and its sisters override one class.
void read_retry_rule(reading& shared, const toml::table* table, const std::string& path, retry_rule& rule) {
  table_reader in(shared, table, path);
  in.count("max_retries", rule.max_retries, {0, 100});
  read_delays(in, rule.base_delay, rule.max_delay, rule.factor_permille);
  std::string word;
  if (in.text("backoff", word)) {
    if (word == "exponential")
      rule.backoff = backoff_kind::exponential;
    else if (word == "linear")
      rule.backoff = backoff_kind::linear;
    else if (word == "fixed")
      rule.backoff = backoff_kind::fixed;
    else
      in.fault("backoff",
               "is '" + word.substr(0, 32) + "'; expected \"exponential\", \"linear\" or \"fixed\"");
  }
  in.finish();
}

void read_retry(reading& shared, const toml::table* table, const std::string& path, retry_config& retry) {
  table_reader in(shared, table, path);
  read_retry_for_all(in, retry);
  in.count("max_total_attempts", retry.max_total_attempts, {1, 1000});
  in.count("max_unknown_repeats", retry.max_unknown_repeats, {0, 100});
  in.duration("max_retry_after", retry.max_retry_after, any_delay);
  in.flag("jitter", retry.jitter);
  for (const errc type : ruled_classes) {
    const std::string name(to_string(type));
    if (const toml::table* one = in.table(name))
      read_retry_rule(shared, one, in.path_of(name), retry.rules[type]);
  }
  for (const auto& [type, rule] : retry.rules)
    if (rule.base_delay > rule.max_delay)
      in.fault("max_delay", "is less than base_delay for the class " + std::string(to_string(type)));
  in.finish();
}

void read_breaker(reading& shared, const toml::table* table, const std::string& path,
                  breaker_config& breaker) {
  table_reader in(shared, table, path);
  in.duration("window", breaker.window, any_limit);
  in.count("min_calls", breaker.min_calls, {1, 1'000'000});
  in.count("failure_percent", breaker.failure_percent, {1, 100});
  in.duration("open_time", breaker.open_time, any_limit);
  in.duration("max_open_time", breaker.max_open_time, any_limit);
  in.count("half_open_permits", breaker.half_open_permits, {1, 1000});
  if (breaker.max_open_time < breaker.open_time)
    in.fault("max_open_time", "is less than open_time");
  in.finish();
}

void read_limits(reading& shared, const toml::table* table, const std::string& path, limits_config& limits) {
  table_reader in(shared, table, path);
  in.count("max_in_flight", limits.max_in_flight, {1, 1'000'000});
  in.duration("call_timeout", limits.call_timeout, any_limit);
  in.count("max_header_bytes", limits.max_header_bytes, {1024, 1 << 20});
  in.size("max_body_bytes", limits.max_body_bytes, {1024, 1ULL << 32U});
  in.duration("drain_timeout", limits.drain_timeout, any_delay);
  in.finish();
}

void read_ledger(reading& shared, const toml::table* table, const std::string& path, ledger_config& ledger) {
  table_reader in(shared, table, path);
  in.count("batch_records", ledger.batch_records, {1, 10'000});
  in.duration("batch_delay", ledger.batch_delay, {milliseconds{0}, milliseconds{60'000}});
  in.count("max_pending", ledger.max_pending, {1, 10'000'000});
  in.size("map_bytes", ledger.map_bytes, {1ULL << 16U, 1ULL << 42U});
  in.finish();
}

void read_default_provider(table_reader& in, snapshot& config) {
  std::vector<const provider_config*> enabled;
  for (const provider_config& each : config.providers)
    if (each.enabled)
      enabled.push_back(&each);
  if (enabled.empty())
    return in.fault("providers", "has no enabled provider");
  std::string name;
  if (!in.text("default_provider", name)) {
    if (!in.has("default_provider") && enabled.size() > 1)
      in.missing("default_provider", "the name of an enabled provider, since there are several");
    config.default_provider = enabled.front()->name;
    return;
  }
  config.default_provider = provider_name(name);
  const provider_config* found = config.find(config.default_provider);
  if (found == nullptr)
    in.fault("default_provider", "names '" + name.substr(0, 64) + "', which is no provider of this file");
  else if (!found->enabled)
    in.fault("default_provider", "names '" + name.substr(0, 64) + "', which is disabled");
}

void read_llm(reading& shared, const toml::table* table, snapshot& config) {
  table_reader in(shared, table, "llm");
  in.flag("enable_usage_tracking", config.enable_usage_tracking);
  in.flag("cost_tracking", config.cost_tracking);
  std::string folder = config.usage_data_dir.string();
  if (in.text("usage_data_dir", folder) && folder.empty())
    in.fault("usage_data_dir", "is empty; expected a folder");
  config.usage_data_dir = folder;
  in.count("io_threads", config.io_threads, {1, 256});
  in.count("worker_threads", config.worker_threads, {1, 256});
  if (!in.has("providers"))
    in.missing("providers", "at least one table [llm.providers.NAME]");
  table_reader providers(shared, in.table("providers"), in.path_of("providers"));
  for (const std::string& name : providers.names()) {
    check_name(providers, name);
    if (const toml::table* entry = providers.table(name))
      config.providers.push_back(read_provider(shared, entry, providers.path_of(name), name));
  }
  if (in.has("providers"))
    read_default_provider(in, config);
  read_retry(shared, in.table("retry"), in.path_of("retry"), config.retry);
  read_breaker(shared, in.table("circuit_breaker"), in.path_of("circuit_breaker"), config.breaker);
  read_limits(shared, in.table("limits"), in.path_of("limits"), config.limits);
  read_ledger(shared, in.table("ledger"), in.path_of("ledger"), config.ledger);
  config.vocabularies = read_tokens(shared, in.table("tokens"), in.path_of("tokens"));
  in.finish();
}

} // namespace

std::optional<std::string> process_environment(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

boost::system::result<snapshot_ptr, config_faults>
load_text(std::string_view text, const std::filesystem::path& source, const environment& variables) {
  auto parsed = toml_document::parse(text, source.string());
  if (!parsed)
    return config_faults{parsed.error()};
  reading shared{*parsed, variables, {}, false};
  auto config = std::make_shared<snapshot>();
  config->source = source;
  config->source_hash = content_hash(text);
  table_reader top(shared, &parsed->root(), "");
  const toml::table* llm = top.table("llm");
  if (llm != nullptr)
    read_llm(shared, llm, *config);
  else if (!top.has("llm"))
    top.missing("llm", "a table");
  top.finish();
  if (shared.faults.empty())
    return snapshot_ptr(std::move(config));
  std::ranges::stable_sort(shared.faults, [](const config_fault& left, const config_fault& right) {
    return std::pair(left.line, left.column) < std::pair(right.line, right.column);
  });
  return std::move(shared.faults);
}

std::optional<std::string> read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return std::nullopt;
  std::string text(toml_document::largest + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad())
    return std::nullopt;
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

} // namespace config

boost::system::result<snapshot_ptr, config_faults> load_config(const std::filesystem::path& file) {
  const auto fault = [&](std::string problem) {
    return config_faults{{file.string(), 0, 0, {}, std::move(problem)}};
  };
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found)
    return fault("there is no such file");
  if (status.type() == std::filesystem::file_type::directory)
    return fault("is a folder; expected a TOML file");
  const auto text = config::read_text(file);
  if (!text)
    return fault("cannot be read");
  return config::load_text(*text, file, config::process_environment);
}

} // namespace weir
