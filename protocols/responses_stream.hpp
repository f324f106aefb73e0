// The events of a streamed reply of OpenAI's Responses API.
// Knows no bytes and no heads: what all vendors' streams have in common stands in event_stream.hpp.
#pragma once

#include "protocols/event_stream.hpp"

#include <memory>

namespace weir::protocols {

/// A reader for one stream. The answer is whole with `response.completed` or `response.incomplete`; the
/// provider's `[DONE]`, which some servers send, is not asked for.
std::unique_ptr<event_reader> make_responses_reader();

} // namespace weir::protocols
