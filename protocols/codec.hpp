// The codec interface: how one vendor's chat API reads and writes weir's values, as its client.
// Pure: no I/O, no clock, no logging. A vendor is one pair of files that implements this.
#pragma once

#include "protocols/http_message.hpp"

#include <weir/chat.hpp>
#include <weir/config.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace weir::protocols {

/// Translates for one provider. Immutable after construction, so one codec serves all calls at once.
class codec {
public:
  codec() = default;
  codec(const codec&) = delete;
  codec& operator=(const codec&) = delete;
  virtual ~codec() = default;

  /// A chat call as an HTTP request. Errors: `invalid_request` with the JSON path of what cannot be said.
  virtual result<http_request> encode_chat(const chat_request& request) const = 0;

  /// A response as a reply (content, model, usage, finish_reason, tool_calls, metadata.request_id and
  /// .raw_finish_reason are set), or the failure that it tells. Any status is taken; a 200 that holds an
  /// error or nonsense is a failure. `now` is the wall clock, against which a `retry-after` date is read.
  virtual result<chat_reply> decode_chat(const http_response& response,
                                         std::chrono::sys_seconds now) const = 0;

  /// A request for the provider's list of models: free of charge, used for health checks.
  virtual http_request encode_models() const = 0;

  /// The names of the models in such a list, in the provider's order, or the failure that the response tells.
  virtual result<std::vector<model_name>> decode_models(const http_response& response,
                                                        std::chrono::sys_seconds now) const = 0;
};

/// The codec for a provider. Errors (`config`): a base URL, key or header that cannot be written as HTTP,
/// an API that is not spoken yet.
result<std::unique_ptr<const codec>> make_codec(const provider_config& provider);

} // namespace weir::protocols
