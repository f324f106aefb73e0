// Anthropic's Messages API as its server: reads a client's request, writes replies, streams and errors.
// Pure functions; the mock provider and a gateway speak through them.
#pragma once

#include "protocols/http_message.hpp"
#include "protocols/stream_encoder.hpp"

#include <weir/chat.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace weir::protocols {

/// Reads a request body, also one for `count_tokens`. Fields that `chat_request` has no member for go to
/// `extra`, under OpenAI's name where both have one. Errors: `invalid_request` with the JSON path of the
/// first fault in `place`.
result<chat_request> decode_messages_request(std::string_view json);

/// A whole reply with status 200.
http_response encode_messages_reply(const chat_reply& reply, std::string_view id);

/// An error with the failure's status (500 where it has none), as `{"type":"error","error":{…}}`.
http_response encode_messages_error(const failure& error);

/// The answer to `GET /v1/models` of a client that speaks this API. The models' ages are not known: the
/// epoch.
http_response encode_messages_model_list(const std::vector<model_name>& models);

/// The answer to `POST /v1/messages/count_tokens`.
http_response encode_token_count(std::uint64_t input_tokens);

/// A streamed reply; `prompt_tokens` is what `message_start` says of the input. Blocks follow one another, as
/// the API has it: what belongs to another block than the open one waits until that one is whole.
std::unique_ptr<stream_encoder> make_messages_stream_encoder(const model_name& model, std::string_view id,
                                                             std::uint64_t prompt_tokens);

/// An event that says only that the server lives, to be sent between any two others of a stream.
inline constexpr std::string_view messages_ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n";

} // namespace weir::protocols
