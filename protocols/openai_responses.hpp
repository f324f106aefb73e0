// OpenAI's Responses API as its client, also for the servers that are compatible with it.
// Knows the frame alone: requests stand in responses_encode.hpp, replies in responses_reply.hpp.
#pragma once

#include "protocols/codec.hpp"
#include "protocols/endpoint_heads.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace weir::protocols {

class openai_responses final : public codec {
public:
  /// For a provider, or one of its models, that speaks this API. Errors (`config`): a base URL, path, key or
  /// header that cannot be written as HTTP.
  static result<std::unique_ptr<const codec>> make(const provider_config& provider);

  result<http_request> encode_chat(const chat_request& request) const override;
  result<chat_reply> decode_chat(const http_response& response, std::chrono::sys_seconds now) const override;
  std::unique_ptr<stream_decoder> decode_stream(http_response head,
                                                std::chrono::sys_seconds now) const override;
  http_request encode_models() const override;
  result<std::vector<model_name>> decode_models(const http_response& response,
                                                std::chrono::sys_seconds now) const override;

private:
  explicit openai_responses(endpoint_heads heads) : heads_(std::move(heads)) {}

  endpoint_heads heads_;
};

} // namespace weir::protocols
