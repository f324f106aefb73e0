// The codec: who encodes and who decodes stands in files of their own.
#include "protocols/openai_chat.hpp"

#include "protocols/error_table.hpp"
#include "protocols/model_list.hpp"
#include "protocols/openai_encode.hpp"
#include "protocols/openai_reply.hpp"
#include "protocols/openai_stream.hpp"

namespace weir::protocols {

namespace {

result<chat_reply> decode_whole(const http_response& response, std::chrono::sys_seconds now) {
  return succeeded(response) ? decode_openai_reply(response, now) : classify(response, now);
}

} // namespace

result<std::unique_ptr<const codec>> openai_chat::make(const provider_config& provider,
                                                       const wire_options& wire) {
  auto heads = endpoint_heads::make(provider, wire, "/chat/completions");
  if (!heads)
    return heads.error();
  return std::unique_ptr<const codec>(new openai_chat(std::move(*heads), wire));
}

result<http_request> openai_chat::encode_chat(const chat_request& request) const {
  auto head = heads_.chat(request.model);
  if (!head)
    return head.error();
  auto body = encode_openai_chat(request, wire_);
  if (!body)
    return body.error();
  return http_request{std::move(*head), std::move(*body)};
}

result<chat_reply> openai_chat::decode_chat(const http_response& response,
                                            std::chrono::sys_seconds now) const {
  return decode_whole(response, now);
}

std::unique_ptr<stream_decoder> openai_chat::decode_stream(http_response head,
                                                           std::chrono::sys_seconds now) const {
  auto reader = make_openai_reader(head);
  return make_stream_decoder(std::move(head), std::move(reader),
                             [now](const http_response& whole) { return decode_whole(whole, now); });
}

http_request openai_chat::encode_models() const {
  return {heads_.models(), {}};
}

result<std::vector<model_name>> openai_chat::decode_models(const http_response& response,
                                                           std::chrono::sys_seconds now) const {
  return succeeded(response) ? decode_model_list(response) : classify(response, now);
}

} // namespace weir::protocols
