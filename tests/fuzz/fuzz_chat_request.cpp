// Requests of clients of OpenAI's Chat Completions API: each is refused with a reason, or can be judged,
// counted, and said to every provider as JSON.
#include "protocols/openai_chat_server.hpp"
#include "requests.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzzing::input from(data, size);
  weir::fuzzing::check_request(weir::protocols::decode_chat_request(from.rest()));
  return 0;
}
