// The chat APIs that weir speaks, by their endpoint.
// Knows no vendor: several speak each of them, and some speak two.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

/// The API behind a provider or a model; its name in the configuration is the enumerator's.
enum class api_kind : std::uint8_t {
  chat,      ///< OpenAI's Chat Completions, and all that are compatible with it
  messages,  ///< Anthropic's Messages
  responses, ///< OpenAI's Responses
};

std::string_view to_string(api_kind value) noexcept;
std::optional<api_kind> to_api_kind(std::string_view name) noexcept;

} // namespace weir
