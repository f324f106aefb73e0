// The table of providers, each with what its documentation, its client library or its answers say.
#include "config/presets.hpp"

#include <algorithm>
#include <array>

namespace weir::config {

namespace {

constexpr std::string_view newer_field = "max_completion_tokens";

constexpr auto table = std::to_array<preset>({
    // OpenAI's API reference: max_tokens is deprecated, and newer models answer 400 to it; a stream tells its
    // usage only with stream_options.include_usage.
    {.name = "openai",
     .type = provider_type::openai,
     .base_url = "https://api.openai.com/v1",
     .key_variable = "OPENAI_API_KEY",
     .max_tokens_field = newer_field},
    // Microsoft's REST reference: the key is told as `api-key`; each resource has a host of its own. Paths
    // below /openai/v1 need no api-version. Versions of early 2024 refuse the newer field and stream_options.
    {.name = "azure",
     .key_variable = "AZURE_OPENAI_API_KEY",
     .key = key_style::api_key,
     .max_tokens_field = newer_field},
    // DeepSeek's API reference: max_tokens. Recorded: takes stream_options.
    {.name = "deepseek", .base_url = "https://api.deepseek.com/v1", .key_variable = "DEEPSEEK_API_KEY"},
    // OpenRouter's documentation: max_tokens; usage ends every stream. Recorded: takes stream_options.
    {.name = "openrouter", .base_url = "https://openrouter.ai/api/v1", .key_variable = "OPENROUTER_API_KEY"},
    // Groq's client library: max_tokens is deprecated in favour of the newer field. stream_options was
    // refused in 2024 and is taken by now; without it usage stands in `x_groq` alone.
    {.name = "groq",
     .base_url = "https://api.groq.com/openai/v1",
     .key_variable = "GROQ_API_KEY",
     .max_tokens_field = newer_field},
    // Mistral answers 422 ("extra_forbidden") to max_completion_tokens and to stream_options, as to every
    // field that it does not know. Its streams tell their usage unasked.
    {.name = "mistral",
     .base_url = "https://api.mistral.ai/v1",
     .key_variable = "MISTRAL_API_KEY",
     .stream_usage = false},
    // vLLM takes both fields since 0.6.4, and max_tokens before that. It asks for a key only when it was
    // started with --api-key.
    {.name = "vllm", .base_url = "http://localhost:8000/v1"},
    // Ollama's documentation lists max_tokens and stream_options, not the newer field; a key is ignored.
    {.name = "ollama", .base_url = "http://localhost:11434/v1"},
    // llama.cpp's server ignored the newer field for long. It asks for a key only when it was started with
    // --api-key.
    {.name = "llamacpp", .base_url = "http://localhost:8080/v1"},
    // Google's page on OpenAI compatibility: this URL, and the key as a bearer token.
    {.name = "gemini",
     .base_url = "https://generativelanguage.googleapis.com/v1beta/openai",
     .key_variable = "GEMINI_API_KEY"},
    // xAI takes both fields; clients have moved to the newer one for its reasoning models. stream_options is
    // taken, though usage comes unasked.
    {.name = "xai",
     .base_url = "https://api.x.ai/v1",
     .key_variable = "XAI_API_KEY",
     .max_tokens_field = newer_field},
    // Together's client library: max_tokens.
    {.name = "together", .base_url = "https://api.together.xyz/v1", .key_variable = "TOGETHER_API_KEY"},
    // Anthropic's API reference: `x-api-key`. Its Chat Completions endpoint takes max_tokens, stream_options
    // and a bearer token.
    {.name = "anthropic",
     .type = provider_type::claude,
     .base_url = "https://api.anthropic.com/v1",
     .key_variable = "ANTHROPIC_API_KEY",
     .key = key_style::x_api_key},
});

/// Any compatible server, of which nothing is known.
constexpr preset unknown{};

} // namespace

std::span<const preset> presets() noexcept {
  return table;
}

const preset* find_preset(std::string_view name) noexcept {
  const auto found = std::ranges::find(table, name, &preset::name);
  return found == table.end() ? nullptr : &*found;
}

const preset& preset_of(provider_type type) noexcept {
  switch (type) {
  case provider_type::openai:
    return table.front();
  case provider_type::claude:
    return table.back();
  case provider_type::generic:
    break;
  }
  return unknown;
}

api_kind default_api(provider_type type) noexcept {
  return type == provider_type::claude ? api_kind::messages : api_kind::chat;
}

wire_options default_wire(const preset& from, api_kind api) {
  wire_options wire;
  wire.api = api;
  wire.key = from.key;
  wire.max_tokens_field = from.max_tokens_field;
  wire.stream_usage = from.stream_usage;
  if (api == api_kind::messages) {
    wire.api_version = default_api_version;
    // Of an unknown server only the API is known, and this is how the API's reference has the key.
    if (from.name.empty())
      wire.key = key_style::x_api_key;
  } else if (wire.key == key_style::x_api_key) {
    wire.key = key_style::bearer; // the header is the Messages API's alone
  }
  return wire;
}

} // namespace weir::config
