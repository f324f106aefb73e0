// What the mock says: an echo, the plan's words, tool calls, or what tools have answered.
// Knows values only; how a reply is written stands in dialect.hpp.
#pragma once

#include "tools/mock/plan.hpp"

#include <weir/api.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::mock {

/// A request's tokens, as the mock counts them: one for every four bytes of a text, rounded up. It knows no
/// vocabulary, so that figures are the same on every machine.
std::uint64_t count_prompt_tokens(const chat_request& request) noexcept;

/// The beginning of the answer that a request ends with; empty: it ends with somebody else's words.
std::string prefill_of(const chat_request& request);

/// What the user said last; empty: he said nothing.
std::string said_last(const chat_request& request);

/// The honest reply to a request, with its usage. Ids are made of the request's number.
chat_reply make_reply(const plan& of, const chat_request& request, api_kind dialect, std::uint64_t number);

/// The reply as deltas, of `chunk_tokens` pieces each; put together they are the reply. A piece is a word
/// with the space before it, or a part of a long one.
std::vector<chat_delta> make_deltas(const chat_reply& reply, std::uint32_t chunk_tokens);

} // namespace weir::mock
