// OpenAI's Chat Completions API as its client, also for the many servers that are compatible with it.
// Wire facts: OpenAI's API reference; the deviations of compatible servers come from recorded replies.
#pragma once

#include "protocols/codec.hpp"
#include "protocols/endpoint_heads.hpp"

#include <memory>
#include <utility>

namespace weir::protocols {

class openai_chat final : public codec {
public:
  /// `wire` says where this server differs. Errors (`config`): a base URL, key or header that cannot be
  /// written as HTTP.
  static result<std::unique_ptr<const codec>> make(const provider_config& provider, const wire_options& wire);

  result<http_request> encode_chat(const chat_request& request) const override;
  result<chat_reply> decode_chat(const http_response& response, std::chrono::sys_seconds now) const override;
  std::unique_ptr<stream_decoder> decode_stream(http_response head,
                                                std::chrono::sys_seconds now) const override;
  http_request encode_models() const override;
  result<std::vector<model_name>> decode_models(const http_response& response,
                                                std::chrono::sys_seconds now) const override;

private:
  openai_chat(endpoint_heads heads, wire_options wire) : heads_(std::move(heads)), wire_(std::move(wire)) {}

  endpoint_heads heads_;
  wire_options wire_;
};

} // namespace weir::protocols
