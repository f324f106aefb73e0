// The codec itself: which head, which body, which reader.
#include "protocols/anthropic_messages.hpp"

#include "protocols/anthropic_reply.hpp"
#include "protocols/anthropic_request.hpp"
#include "protocols/anthropic_stream.hpp"
#include "protocols/error_table.hpp"
#include "protocols/model_list.hpp"

#include <utility>

namespace weir::protocols {

result<std::unique_ptr<const codec>> anthropic_messages::make(const provider_config& provider) {
  const wire_options wire = wire_of(provider);
  auto heads = endpoint_heads::make(provider, wire, "/messages");
  if (!heads)
    return heads.error();
  std::unique_ptr<anthropic_messages> made(new anthropic_messages(std::move(*heads)));
  // Versions after the first refuse sampling parameters. A compatible server that knows no versions takes
  // them.
  made->sampling_ = wire.api_version.empty() || wire.api_version == "2023-06-01";
  for (const model_config& each : provider.models)
    if (each.max_tokens != 0)
      made->max_tokens_.emplace(each.name, each.max_tokens);
  return std::unique_ptr<const codec>(std::move(made));
}

result<http_request> anthropic_messages::encode_chat(const chat_request& request) const {
  auto head = heads_.chat(request.model);
  if (!head)
    return head.error();
  anthropic::dialect how;
  how.sampling = sampling_;
  if (const auto known = max_tokens_.find(request.model); known != max_tokens_.end())
    how.max_tokens = known->second;
  auto body = anthropic::encode_body(request, how);
  if (!body)
    return body.error();
  return http_request{std::move(*head), std::move(*body)};
}

result<chat_reply> anthropic_messages::decode_chat(const http_response& response,
                                                   std::chrono::sys_seconds now) const {
  return anthropic::decode_reply(response, now);
}

std::unique_ptr<stream_decoder> anthropic_messages::decode_stream(http_response head,
                                                                  std::chrono::sys_seconds now) const {
  return make_stream_decoder(std::move(head), anthropic::make_reader(), [now](const http_response& response) {
    return anthropic::decode_reply(response, now);
  });
}

http_request anthropic_messages::encode_models() const {
  return {heads_.models(), {}};
}

result<std::vector<model_name>> anthropic_messages::decode_models(const http_response& response,
                                                                  std::chrono::sys_seconds now) const {
  return succeeded(response) ? decode_model_list(response) : classify(response, now);
}

} // namespace weir::protocols
