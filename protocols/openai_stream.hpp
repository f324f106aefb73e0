// Replies in, piece by piece: the chunks of a streamed Chat Completions response.
// Knows no framing: events, the end mark and the bounds are of all streams.
#pragma once

#include "protocols/event_stream.hpp"

#include <memory>

namespace weir::protocols {

/// Reads the chunks of one stream. `head` is looked at for an id of the request.
std::unique_ptr<event_reader> make_openai_reader(const http_response& head);

} // namespace weir::protocols
