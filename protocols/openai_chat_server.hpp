// OpenAI's Chat Completions API as its server: reads a client's request, writes replies and errors.
// Pure functions; the mock provider, `weir chat --request` and a gateway speak through them.
#pragma once

#include "protocols/http_message.hpp"
#include "protocols/stream_encoder.hpp"

#include <weir/chat.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// Reads a request body. Fields that `chat_request` has no member for go to `extra` as they are. Errors:
/// `invalid_request` with the JSON path of the first fault in `place`.
result<chat_request> decode_chat_request(std::string_view json);

/// A whole reply with status 200. `created` is Unix seconds.
http_response encode_chat_reply(const chat_reply& reply, std::string_view id, std::int64_t created);

/// A streamed reply as chunks, `data: [DONE]` last; with `include_usage`, the usage in a chunk of its own.
std::unique_ptr<stream_encoder> make_chat_stream_encoder(const model_name& model, std::string_view id,
                                                         std::int64_t created, bool include_usage);

/// An error with the failure's status, or its class's where it has none, and its hint when to come again.
http_response encode_error(const failure& error);

/// The answer to `GET /v1/models`.
http_response encode_model_list(const std::vector<model_name>& models);

} // namespace weir::protocols
