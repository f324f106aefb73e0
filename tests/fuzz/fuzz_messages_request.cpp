// Requests of clients of Anthropic's Messages API: each is refused with a reason, or can be judged, counted,
// and said to every provider as JSON.
#include "protocols/anthropic_messages_server.hpp"
#include "requests.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::fuzzing::input from(data, size);
  weir::fuzzing::check_request(weir::protocols::decode_messages_request(from.rest()));
  return 0;
}
