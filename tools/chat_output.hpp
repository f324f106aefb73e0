// What `weir chat` prints: replies, whole or piece by piece, and their bills.
// Knows no options but whether JSON is wanted.
#pragma once

#include <weir/chat.hpp>
#include <weir/chat_stream.hpp>

namespace weir::tools {

/// Prints a reply, of success or of failure. `streamed`: its text was printed already.
void show(const chat_reply& reply, bool json, bool streamed = false);

/// Prints what a stream brings as it comes, a line of JSON for each delta with `json`, and its reply at the
/// end.
const chat_reply& show(chat_stream& stream, bool json);

} // namespace weir::tools
