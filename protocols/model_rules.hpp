// What the name of a model says about it: the rules here go by the beginnings of names.
// Knows no vocabulary's contents, and nothing of who answers a call.
#pragma once

#include <string_view>

namespace weir::protocols {

/// The name without a gateway's prefix (`openai/gpt-4o`) and that of fine-tuned models (`ft:gpt-4o:…`).
std::string_view bare_model(std::string_view name) noexcept;

/// Whether a bare name is `family`, or begins with it and goes on with `-`, `:`, `@` or `_`: `gpt-4-0613` is
/// of `gpt-4`, and `gpt-4o` and `gpt-4.1` are not. A family that ends in a dot takes any name that begins
/// with it.
bool is_of_family(std::string_view bare, std::string_view family) noexcept;

/// As tiktoken's `model.py` has it: `o200k_base`, `cl100k_base`, or empty.
std::string_view vocabulary_of_model(std::string_view name) noexcept;

/// Whether OpenAI's cookbook says how this model's messages and functions are counted: gpt-3.5, gpt-4 and
/// gpt-4o.
bool has_counting_rules(std::string_view name) noexcept;

/// Whether it is one of Anthropic's.
bool is_claude(std::string_view name) noexcept;

} // namespace weir::protocols
