// The APIs that the mock speaks, behind one face: what a request asks for, and how each API writes an answer.
// Knows no plan.
#pragma once

#include "protocols/stream_encoder.hpp"
#include "transport/server.hpp"

#include <weir/api.hpp>
#include <weir/chat.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weir::mock {

/// What a path leads to.
enum class endpoint : std::uint8_t { chat, count_tokens, models, model, nothing };

/// A request's endpoint and the API that its client speaks: by its path, or by `anthropic-version`.
struct target {
  mock::endpoint endpoint = mock::endpoint::nothing;
  api_kind dialect = api_kind::chat;
  std::string model{}; ///< of `model`: its name
};

target target_of(const transport::server_request& request);

/// Reads a chat request, or one to count tokens. Errors: `invalid_request`.
result<chat_request> decode_request(api_kind dialect, std::string_view json);

/// A whole reply. Its ids are made of the request's number; `created` is Unix seconds.
http_response encode_reply(api_kind dialect, const chat_reply& reply, std::uint64_t number,
                           std::int64_t created);

/// An error reply; also a body for an error that stands under another status.
http_response encode_error(api_kind dialect, failure error, std::uint64_t number);

/// What a server answers with a status: a failure that the dialect writes as its own error of that status.
failure error_of(api_kind dialect, int status, std::string message, std::string code);

http_response encode_models(api_kind dialect, const std::vector<model_name>& models);
http_response encode_model(api_kind dialect, const model_name& model);
http_response encode_count(std::uint64_t tokens);

/// A streamed reply. `usage` has the prompt's tokens; whether the client wants usage stands in its request.
std::unique_ptr<protocols::stream_encoder> make_encoder(api_kind dialect, const chat_request& request,
                                                        const token_usage& usage, std::uint64_t number,
                                                        std::int64_t created);

/// What says within a stream only that the server lives.
std::string_view ping_of(api_kind dialect) noexcept;

/// The id of a tool call.
std::string call_id_of(api_kind dialect, std::uint64_t number, std::size_t call);

/// Adds the field by which the API names the request.
void add_request_id(api_kind dialect, std::uint64_t number, http_fields& fields);

} // namespace weir::mock
