// Streamed responses of OpenAI's Chat Completions API and all that is like it: the pieces in which a body
// arrives do not matter, the deltas are the reply, and nothing that was cut off is a success.
#include "streams.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzzing::check_stream(weir::api_kind::chat, data, size);
  return 0;
}
