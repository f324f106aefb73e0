// Replies in: a whole Chat Completions response as weir's values, from OpenAI and from all that are like it.
// Knows no request; a usage that nobody reported is left for others to estimate.
#pragma once

#include "protocols/http_message.hpp"

#include <weir/chat.hpp>

namespace weir::protocols {

/// Decodes a response of status 2xx. An error in its body, or no completion in it, is a failure. Where the
/// provider reports no usage, or an impossible one, `usage.source` is `estimated` and only the completion is
/// counted.
result<chat_reply> decode_openai_reply(const http_response& response, std::chrono::sys_seconds now);

} // namespace weir::protocols
