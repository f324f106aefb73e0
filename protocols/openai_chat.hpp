// OpenAI's Chat Completions API as its client, also for the many servers that are compatible with it.
// Wire facts: OpenAI's API reference; the deviations of compatible servers come from recorded replies.
#pragma once

#include "protocols/codec.hpp"

#include <string>

namespace weir::protocols {

/// Where compatible servers disagree.
struct openai_dialect {
  /// OpenAI's newer models refuse `max_tokens`; others know nothing else.
  std::string max_tokens_field = "max_completion_tokens";
};

class openai_chat final : public codec {
public:
  /// Errors (`config`): a base URL, key or header that cannot be written as HTTP.
  static result<std::unique_ptr<const codec>> make(const provider_config& provider, openai_dialect dialect);

  result<http_request> encode_chat(const chat_request& request) const override;
  result<chat_reply> decode_chat(const http_response& response, std::chrono::sys_seconds now) const override;
  http_request encode_models() const override;
  result<std::vector<model_name>> decode_models(const http_response& response,
                                                std::chrono::sys_seconds now) const override;

private:
  openai_chat() = default;

  std::shared_ptr<const request_head> chat_head_;
  std::shared_ptr<const request_head> models_head_;
  openai_dialect dialect_;
};

} // namespace weir::protocols
