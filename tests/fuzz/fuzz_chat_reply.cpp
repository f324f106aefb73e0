// Whole responses of OpenAI's Chat Completions API and all that is like it: any status and body gives a reply
// or a failure that holds together, and a reply can be passed on.
#include "replies.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzzing::check_whole(weir::api_kind::chat, data, size);
  return 0;
}
