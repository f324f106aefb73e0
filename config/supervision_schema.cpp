// Retries, their budget, circuit breakers and limits.
#include "config/supervision_schema.hpp"

#include <algorithm>

namespace weir::config {

namespace {

constexpr milliseconds longest{24 * 3'600'000};
constexpr range<milliseconds> any_limit{milliseconds{1}, longest};
constexpr range<milliseconds> any_delay{milliseconds{0}, longest};

void read_delays(table_reader& in, milliseconds& base, milliseconds& most, std::uint32_t& factor) {
  in.duration("base_delay", base, any_delay);
  in.duration("max_delay", most, any_delay);
  read_permille(in, "backoff_factor", factor, {1, 100});
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

void read_budget(reading& shared, const toml::table* table, const std::string& path,
                 retry_budget_config& budget) {
  table_reader in(shared, table, path);
  in.flag("enabled", budget.enabled);
  in.count("tokens", budget.tokens, {1, 1'000'000});
  read_permille(in, "per_success", budget.per_success_permille, {0, 1});
  in.duration("refill_time", budget.refill_time, any_delay);
  in.finish();
}

} // namespace

void read_permille(table_reader& in, const std::string& key, std::uint32_t& out, range<std::uint32_t> whole) {
  std::string text;
  if (!in.decimal(key, text))
    return;
  // A price in thousandths of a unit per token is the same exact decimal.
  const auto read = parse_price(text, price_unit::million_tokens);
  constexpr std::int64_t permille = picos_per_unit / 1000;
  if (!read || read->picos_per_million % permille != 0 ||
      read->picos_per_million < whole.least * picos_per_unit ||
      read->picos_per_million > whole.most * picos_per_unit)
    in.fault(key, "is '" + text.substr(0, 32) + "'; expected a number from " + std::to_string(whole.least) +
                      " to " + std::to_string(whole.most) + " with at most three decimals");
  else
    out = static_cast<std::uint32_t>(read->picos_per_million / permille);
}

void read_retry(reading& shared, const toml::table* table, const std::string& path, retry_config& retry) {
  table_reader in(shared, table, path);
  read_retry_for_all(in, retry);
  in.count("max_total_attempts", retry.max_total_attempts, {1, 1000});
  in.count("max_unknown_repeats", retry.max_unknown_repeats, {0, 100});
  in.duration("max_retry_after", retry.max_retry_after, any_delay);
  in.flag("jitter", retry.jitter);
  read_budget(shared, in.table("budget"), in.path_of("budget"), retry.budget);
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
  in.duration("slow_after", breaker.slow_after, any_delay);
  in.count("slow_percent", breaker.slow_percent, {1, 100});
  in.duration("open_time", breaker.open_time, any_limit);
  in.duration("max_open_time", breaker.max_open_time, any_limit);
  in.count("half_open_permits", breaker.half_open_permits, {1, 1000});
  in.count("jitter_percent", breaker.jitter_percent, {0, 90});
  in.duration("last_resort", breaker.last_resort, any_delay);
  if (breaker.max_open_time < breaker.open_time)
    in.fault("max_open_time", "is less than open_time");
  in.finish();
}

void read_tag_key(table_reader& in, const std::string& key, std::string& out) {
  constexpr std::size_t longest_key = 1024; // as of a request's tags
  std::string name;
  if (!in.text(key, name))
    return;
  if (name.size() > longest_key)
    in.fault(key, "is a tag's key of " + std::to_string(name.size()) + " bytes; no tag has more than 1,024");
  else
    out = std::move(name);
}

void read_limits(reading& shared, const toml::table* table, const std::string& path, limits_config& limits) {
  table_reader in(shared, table, path);
  in.count("max_in_flight", limits.max_in_flight, {1, 1'000'000});
  in.duration("call_timeout", limits.call_timeout, any_limit);
  in.count("max_header_bytes", limits.max_header_bytes, {1024, 1 << 20});
  in.size("max_body_bytes", limits.max_body_bytes, {1024, 1ULL << 32U});
  in.duration("drain_timeout", limits.drain_timeout, any_delay);
  in.duration("queue_patience", limits.queue_patience, any_delay);
  read_tag_key(in, "fair_by", limits.fair_by);
  in.finish();
}

} // namespace weir::config
