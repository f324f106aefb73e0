// Anthropic's Messages API as its client, also for the servers that are compatible with it.
// Wire facts: Anthropic's API reference; the deviations of compatible servers come from recorded replies.
#pragma once

#include "protocols/codec.hpp"
#include "protocols/endpoint_heads.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace weir::protocols {

class anthropic_messages final : public codec {
public:
  /// Errors (`config`): a base URL, key or header that cannot be written as HTTP.
  static result<std::unique_ptr<const codec>> make(const provider_config& provider);

  result<http_request> encode_chat(const chat_request& request) const override;
  result<chat_reply> decode_chat(const http_response& response, std::chrono::sys_seconds now) const override;
  std::unique_ptr<stream_decoder> decode_stream(http_response head,
                                                std::chrono::sys_seconds now) const override;
  http_request encode_models() const override;
  result<std::vector<model_name>> decode_models(const http_response& response,
                                                std::chrono::sys_seconds now) const override;

private:
  explicit anthropic_messages(endpoint_heads heads) : heads_(std::move(heads)) {}

  endpoint_heads heads_;
  bool sampling_ = true;                           ///< the API's version still takes temperatures
  std::map<model_name, std::uint32_t> max_tokens_; ///< of the configured models that say it
};

} // namespace weir::protocols
