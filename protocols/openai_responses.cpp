// The codec as a whole: where requests go, and which reader gets a response.
#include "protocols/openai_responses.hpp"

#include "protocols/error_table.hpp"
#include "protocols/event_stream.hpp"
#include "protocols/model_list.hpp"
#include "protocols/responses_encode.hpp"
#include "protocols/responses_reply.hpp"
#include "protocols/responses_stream.hpp"

namespace weir::protocols {

namespace {

result<chat_reply> decode_whole(const http_response& response, std::chrono::sys_seconds now) {
  return succeeded(response) ? decode_responses_reply(response, now) : classify(response, now);
}

} // namespace

result<std::unique_ptr<const codec>> openai_responses::make(const provider_config& provider) {
  wire_options wire = wire_of(provider);
  // A path of the configuration is that of the provider's own API; one model may speak this one beside it.
  if (wire.api != api_kind::responses)
    wire.path.clear();
  auto heads = endpoint_heads::make(provider, wire, "/responses");
  if (!heads)
    return heads.error();
  return std::unique_ptr<const codec>(new openai_responses(std::move(*heads)));
}

result<http_request> openai_responses::encode_chat(const chat_request& request) const {
  auto head = heads_.chat(request.model);
  if (!head)
    return head.error();
  auto body = encode_responses_request(request);
  if (!body)
    return body.error();
  return http_request{std::move(*head), std::move(*body)};
}

result<chat_reply> openai_responses::decode_chat(const http_response& response,
                                                 std::chrono::sys_seconds now) const {
  return decode_whole(response, now);
}

std::unique_ptr<stream_decoder> openai_responses::decode_stream(http_response head,
                                                                std::chrono::sys_seconds now) const {
  // A stream may go on when its codec is gone, after a change of the configuration.
  return make_stream_decoder(std::move(head), make_responses_reader(),
                             [now](const http_response& whole) { return decode_whole(whole, now); });
}

http_request openai_responses::encode_models() const {
  return {heads_.models(), {}};
}

result<std::vector<model_name>> openai_responses::decode_models(const http_response& response,
                                                                std::chrono::sys_seconds now) const {
  return succeeded(response) ? decode_model_list(response) : classify(response, now);
}

} // namespace weir::protocols
