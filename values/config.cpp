// Defaults and look-ups of the configuration's values.
// Knows no TOML and no file.
#include <weir/config.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir {

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

void throw_exception_from_error(const config_faults& faults, const boost::source_location&) {
  std::string text;
  for (const config_fault& each : faults)
    text += (text.empty() ? "" : "\n") + to_string(each);
  throw std::runtime_error(text);
}

} // namespace weir
