// How many tokens a text or a request is: with the model's vocabulary where it is installed, else by a rule
// of thumb. Figures made from it are marked `estimated`. The public face of it is <weir/tokens.hpp>.
#pragma once

#include <weir/chat.hpp>
#include <weir/tokens.hpp>

#include <cstdint>
#include <string_view>

namespace weir::protocols {

/// The rule of thumb, in one pass and without memory; docs/tokens.md has its weights and how far off they
/// are. At least 1 for any text that is not empty.
std::uint64_t estimate_text_tokens(std::string_view text) noexcept;

/// The same for a certain model: exact where its vocabulary is installed.
std::uint64_t estimate_text_tokens(std::string_view text, const model_name& model);

/// The content, reasoning and tool calls of a reply, for its model. Not its refusal: whose words that is,
/// each API knows.
std::uint64_t estimate_reply_tokens(const chat_reply& reply);

/// A whole request, as the provider will count it: see `estimate_tokens`.
std::uint64_t estimate_prompt_tokens(const chat_request& request);

} // namespace weir::protocols
