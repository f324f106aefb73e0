// The codec interface: how one vendor's chat API reads and writes weir's values, as its client.
// Pure: no I/O, no clock, no logging. A vendor is one pair of files that implements this.
#pragma once

#include "protocols/http_message.hpp"

#include <weir/chat.hpp>
#include <weir/config.hpp>

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// One streamed response while it arrives. Bounded by the codec's limit, whatever the stream's length.
class stream_decoder {
public:
  stream_decoder() = default;
  stream_decoder(const stream_decoder&) = delete;
  stream_decoder& operator=(const stream_decoder&) = delete;
  virtual ~stream_decoder() = default;

  /// Whether the reply at the end has content, reasoning and parts (as it has unless this says otherwise), or
  /// only the deltas have them, so that memory does not grow with the stream. To be set before it begins.
  virtual void gather(bool wanted) = 0;

  /// Takes the next bytes of the body, in pieces of any size, and appends what they say to `deltas`. False:
  /// nothing more is needed, since the stream has said its last word, or failed.
  virtual bool feed(std::string_view bytes, std::vector<chat_delta>& deltas) = 0;

  /// The whole reply, or why there is none. To be called once: after `feed` said false, or at the body's end
  /// (a stream that was cut is a `network` failure). What a body that is no stream says comes as deltas here.
  virtual result<chat_reply> finish(std::vector<chat_delta>& deltas) = 0;

  /// What is known of the usage so far, for a stream that is given up: the provider's figures, or estimates.
  virtual token_usage usage() const = 0;

  /// The content that has come so far, as far as it is gathered. Lives until the next call of another member.
  virtual std::string_view partial() const = 0;
};

/// Translates for one provider. Immutable after construction, so one codec serves all calls at once.
class codec {
public:
  codec() = default;
  codec(const codec&) = delete;
  codec& operator=(const codec&) = delete;
  virtual ~codec() = default;

  /// A chat call as an HTTP request; with `request.stream`, for a streamed response. Errors:
  /// `invalid_request` with the JSON path of what cannot be said.
  virtual result<http_request> encode_chat(const chat_request& request) const = 0;

  /// A response as a reply (content, model, usage, finish_reason, tool_calls, metadata.request_id and
  /// .raw_finish_reason are set), or the failure that it tells. Any status is taken; a 200 that holds an
  /// error or nonsense is a failure. `now` is the wall clock, against which a `retry-after` date is read.
  virtual result<chat_reply> decode_chat(const http_response& response,
                                         std::chrono::sys_seconds now) const = 0;

  /// What reads the body of a response to a streamed request, whatever its status and content type. `head`
  /// has no body yet.
  virtual std::unique_ptr<stream_decoder> decode_stream(http_response head,
                                                        std::chrono::sys_seconds now) const = 0;

  /// A request for the provider's list of models: free of charge, used for health checks.
  virtual http_request encode_models() const = 0;

  /// The names of the models in such a list, in the provider's order, or the failure that the response tells.
  virtual result<std::vector<model_name>> decode_models(const http_response& response,
                                                        std::chrono::sys_seconds now) const = 0;
};

/// The codec for a provider's API. Errors (`config`): a base URL, key or header that cannot be written as
/// HTTP.
result<std::unique_ptr<const codec>> make_codec(const provider_config& provider, api_kind api);

} // namespace weir::protocols
