// What of a request can be said to the Chat Completions API: raw JSON goes onto the wire as it is, so it must
// be JSON, and no field may stand twice. Knows not how it is written.
#pragma once

#include <weir/chat.hpp>

namespace weir::protocols {

/// Errors: `invalid_request` with the JSON path of the first fault.
result<void> check_openai_request(const chat_request& request);

} // namespace weir::protocols
