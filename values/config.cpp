// Defaults and look-ups of the configuration's values.
// Knows no TOML and no file.
#include <weir/config.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace weir {

namespace {

constexpr std::array<std::string_view, 3> api_names{"chat", "messages", "responses"};
constexpr std::array<std::string_view, 5> strategy_names{"priority", "weighted", "least_busy",
                                                         "lowest_latency", "lowest_cost"};
constexpr std::array<std::string_view, 4> key_style_names{"bearer", "x-api-key", "api-key", "none"};

} // namespace

std::string_view to_string(provider_type value) noexcept {
  switch (value) {
  case provider_type::openai:
    return "openai";
  case provider_type::claude:
    return "claude";
  case provider_type::generic:
    return "generic";
  }
  return "generic";
}

std::string_view to_string(durability value) noexcept {
  return value == durability::strict ? "strict" : "relaxed";
}

std::string_view to_string(budget_period value) noexcept {
  switch (value) {
  case budget_period::hour:
    return "hour";
  case budget_period::day:
    return "day";
  case budget_period::month:
    return "month";
  case budget_period::total:
    return "total";
  }
  return "total";
}

std::string_view to_string(price_format value) noexcept {
  switch (value) {
  case price_format::automatic:
    return "auto";
  case price_format::weir:
    return "weir";
  case price_format::litellm:
    return "litellm";
  case price_format::genai_prices:
    return "genai-prices";
  }
  return "auto";
}

std::string_view to_string(route_strategy value) noexcept {
  return strategy_names[static_cast<std::size_t>(value)];
}

std::string_view to_string(api_kind value) noexcept {
  return api_names[static_cast<std::size_t>(value)];
}

std::optional<api_kind> to_api_kind(std::string_view name) noexcept {
  const auto found = std::ranges::find(api_names, name);
  if (found == api_names.end())
    return std::nullopt;
  return static_cast<api_kind>(found - api_names.begin());
}

std::string_view to_string(key_style value) noexcept {
  return key_style_names[static_cast<std::size_t>(value)];
}

wire_options wire_of(const provider_config& provider) {
  if (provider.wire)
    return *provider.wire;
  wire_options wire;
  if (provider.type == provider_type::openai)
    wire.max_tokens_field = "max_completion_tokens"; // newer models refuse the other name
  if (provider.type == provider_type::claude) {
    wire.api = api_kind::messages;
    wire.key = key_style::x_api_key;
    wire.api_version = "2023-06-01"; // the later one refuses every sampling parameter
  }
  return wire;
}

retry_config retry_config::defaults() {
  retry_config config;
  config.rules[errc::network].max_retries = 3;
  config.rules[errc::rate_limit] = {.max_retries = 5, .backoff = backoff_kind::linear};
  config.rules[errc::server_error] = {.max_retries = 2, .backoff = backoff_kind::fixed};
  return config;
}

const provider_config* snapshot::find(const provider_name& name) const noexcept {
  const auto found = std::ranges::find(providers, name, &provider_config::name);
  return found == providers.end() ? nullptr : &*found;
}

const route_config* route_for(const snapshot& config, const model_name& name) noexcept {
  const auto found = std::ranges::find(config.routes, name, &route_config::name);
  return found == config.routes.end() ? nullptr : &*found;
}

const model_config* find_model(const provider_config& provider, const model_name& name) noexcept {
  const auto found = std::ranges::find(provider.models, name, &model_config::name);
  return found == provider.models.end() ? nullptr : &*found;
}

bool offers(const provider_config& provider, const model_name& name) noexcept {
  return provider.models.empty() || find_model(provider, name) != nullptr;
}

std::string to_string(const config_fault& fault) {
  std::string text = fault.file;
  if (fault.line != 0)
    text += ":" + std::to_string(fault.line) + ":" + std::to_string(fault.column);
  if (!fault.key.empty())
    text += ": " + fault.key;
  return text + ": " + fault.problem;
}

std::uint64_t content_hash(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char letter : text)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  return hash;
}

void throw_exception_from_error(const config_faults& faults, const boost::source_location&) {
  std::string text;
  for (const config_fault& each : faults)
    text += (text.empty() ? "" : "\n") + to_string(each);
  throw std::runtime_error(text);
}

} // namespace weir
