// The events of a streamed Messages reply.
// Knows no bytes and no ends of bodies: those are common to all streams (event_stream.hpp).
#pragma once

#include "protocols/event_stream.hpp"

#include <memory>

namespace weir::protocols::anthropic {

/// Goes by `type` in the data, and by the event's name only where there is none: some proxies leave out one,
/// some the other.
std::unique_ptr<event_reader> make_reader();

} // namespace weir::protocols::anthropic
