// A rough count of tokens where nobody reports one: a token for every four bytes, rounded up.
// Documented as a heuristic; figures made from it are marked `estimated`.
#pragma once

#include <weir/chat.hpp>

#include <cstdint>
#include <string_view>

namespace weir::protocols {

/// ⌈bytes / 4⌉.
std::uint64_t estimate_text_tokens(std::string_view text) noexcept;

/// The text of all messages, and of tool calls, results and definitions.
std::uint64_t estimate_prompt_tokens(const chat_request& request) noexcept;

} // namespace weir::protocols
