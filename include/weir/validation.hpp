// Whether a chat call can be sent at all: every fault of it, before anybody is asked.
// Knows no vendor; what only one provider refuses, he says himself.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>
#include <weir/error.hpp>

#include <cstddef>
#include <vector>

namespace weir {

/// Bytes that the text of a request may have: messages, calls, tools and extra fields, images apart.
inline constexpr std::size_t largest_request_text = 32U << 20U;

/// Faults that are told of one request at most.
inline constexpr std::size_t most_faults = 100;

/// Every fault of a request, in its order; none for most. `model` is the model's entry in the configuration,
/// null where it has none. Each is `invalid_request`, or `token_limit` where the request is too large;
/// `place` is the JSON path in the shape of OpenAI's Chat Completions, such as
/// `messages[2].tool_calls[0].id`.
std::vector<failure> validate(const chat_request& request, const model_config* model);

/// Faults as one failure: its class and place are the first one's, its message tells all with their places.
/// Without faults, a failure of no class.
failure to_failure(const std::vector<failure>& faults);

} // namespace weir
