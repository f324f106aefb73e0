// What is known of well-known providers, so that a configuration need not say it.
// Data only: knows neither TOML nor files, and no model.
#pragma once

#include <weir/config.hpp>

#include <span>
#include <string_view>

namespace weir::config {

/// The defaults of one provider. Each stands until the file says otherwise.
struct preset {
  std::string_view name; ///< as `preset = …` has it; empty: a type's own defaults
  provider_type type = provider_type::generic;
  std::string_view base_url = {};     ///< empty: the file must say it
  std::string_view key_variable = {}; ///< where its key is usually found; empty: it asks for none
  key_style key = key_style::bearer;
  std::string_view max_tokens_field = "max_tokens";
  bool stream_usage = true;
};

/// All that can be named, in the order of the documentation.
std::span<const preset> presets() noexcept;

/// The one of that name, or null.
const preset* find_preset(std::string_view name) noexcept;

/// What stands in for a preset where the file names none.
const preset& preset_of(provider_type type) noexcept;

/// The API of a provider that names none.
api_kind default_api(provider_type type) noexcept;

/// The value of `anthropic-version` where the file names none. The later one, 2026-10-21, refuses every
/// sampling parameter.
inline constexpr std::string_view default_api_version = "2023-06-01";

/// How a provider is spoken to by one API, where the file says nothing more.
wire_options default_wire(const preset& from, api_kind api);

} // namespace weir::config
