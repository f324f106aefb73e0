// What a turn of OpenAI's Responses API holds that no other API needs, where a call fails over to one.
// Knows no encoder.
#pragma once

#include <weir/chat.hpp>

namespace weir::protocols {

/// Whether a part of an assistant message is an item of the Responses API that can be left out elsewhere: a
/// reasoning item, encrypted or a reference to what its provider has stored, which means nothing to anybody
/// else; or a call, which is among the message's `tool_calls` too and stands here for its place only. Any
/// other item would have to be refused.
bool may_be_left_out(const raw_part& part);

} // namespace weir::protocols
