// The schema of `[llm]`, and loading.
#include "config/load.hpp"

#include "config/ledger_schema.hpp"
#include "config/price_schema.hpp"
#include "config/provider_schema.hpp"
#include "config/route_schema.hpp"
#include "config/supervision_schema.hpp"
#include "config/table_reader.hpp"
#include "config/tokens_schema.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

namespace weir {

namespace config {

namespace {

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

void read_mode(table_reader& in, run_mode& mode) {
  constexpr std::array modes{run_mode::normal, run_mode::offline, run_mode::read_only};
  std::array<std::string_view, modes.size()> words;
  std::ranges::transform(modes, words.begin(), [](run_mode each) { return to_string(each); });
  if (const auto chosen = in.choice("mode", words))
    mode = modes[*chosen];
}

void read_llm(reading& shared, const toml::table* table, snapshot& config) {
  table_reader in(shared, table, "llm");
  read_mode(in, config.mode);
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
  config.routes = read_routes(shared, in.table("routes"), in.path_of("routes"), config);
  read_retry(shared, in.table("retry"), in.path_of("retry"), config.retry);
  read_breaker(shared, in.table("circuit_breaker"), in.path_of("circuit_breaker"), config.breaker);
  read_limits(shared, in.table("limits"), in.path_of("limits"), config.limits);
  read_ledger(shared, in.table("ledger"), in.path_of("ledger"), config.ledger);
  config.budgets = read_budgets(shared, in.table("budgets"), in.path_of("budgets"), config);
  read_prices(shared, in.table("prices"), in.path_of("prices"), config.price_source);
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
