// What `weir chat` prints: replies, whole or piece by piece, and their bills.
// Knows no options but how it is to be printed.
#pragma once

#include <weir/chat.hpp>
#include <weir/chat_stream.hpp>

namespace weir::tools {

/// How replies are printed.
struct output_options {
  bool json = false;    ///< standard output gets JSON
  bool verbose = false; ///< standard error gets a table of all attempts, the answered one included
};

/// Prints a reply, of success or of failure. `streamed`: its text was printed already.
void show(const chat_reply& reply, const output_options& options, bool streamed = false);

/// Prints what a stream brings as it comes, a line of JSON for each delta with `json`, and its reply at the
/// end. Text that a restart makes void stays where it is printed; a line on standard error says so.
const chat_reply& show(chat_stream& stream, const output_options& options);

} // namespace weir::tools
