// Paths, ids and encoders of the two APIs.
// Wire facts: the API references of OpenAI ("Chat", "Models") and Anthropic ("Messages", "Models", "Errors").
#include "tools/mock/dialect.hpp"

#include "protocols/anthropic_messages_server.hpp"
#include "protocols/json.hpp"
#include "protocols/openai_chat_server.hpp"

#include <algorithm>
#include <charconv>

namespace weir::mock {

namespace {

bool is_messages(api_kind dialect) noexcept {
  return dialect == api_kind::messages;
}

std::string request_id(std::uint64_t number) {
  return "req_mock_" + std::to_string(number);
}

/// `%2F` and the like; what is no escape stays.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at != text.size(); ++at) {
    unsigned value = 0;
    const char* first = text.data() + at + 1;
    if (text[at] == '%' && text.size() - at > 2 &&
        std::from_chars(first, first + 2, value, 16).ptr == first + 2) {
      plain += static_cast<char>(value);
      at += 2;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

bool wants_usage(const chat_request& request) {
  for (const auto& [name, json] : request.extra)
    if (name == "stream_options")
      if (const auto options = protocols::json_document::parse(json)) {
        const auto* wanted = protocols::find_member(options->root(), "include_usage");
        return wanted != nullptr && wanted->IsTrue();
      }
  return false;
}

std::string reply_id(api_kind dialect, std::uint64_t number) {
  return (is_messages(dialect) ? "msg_mock_" : "chatcmpl-mock-") + std::to_string(number);
}

/// The class by which the Messages API's error type of a status is chosen.
errc messages_class(int status) noexcept {
  switch (status) {
  case 402:
    return errc::quota_exceeded;
  case 404:
    return errc::model_not_found;
  case 408:
  case 504:
    return errc::timeout;
  case 413:
    return errc::token_limit;
  default:
    return errc::none;
  }
}

} // namespace

target target_of(const transport::server_request& request) {
  std::string_view path = request.target;
  path = path.substr(0, path.find('?'));
  if (path.ends_with("/chat/completions"))
    return {endpoint::chat, api_kind::chat};
  if (path.ends_with("/messages"))
    return {endpoint::chat, api_kind::messages};
  if (path.ends_with("/messages/count_tokens"))
    return {endpoint::count_tokens, api_kind::messages};
  const api_kind dialect = request.find("anthropic-version").empty() ? api_kind::chat : api_kind::messages;
  constexpr std::string_view models = "/models";
  if (path.ends_with(models))
    return {endpoint::models, dialect};
  if (const auto at = path.find("/models/"); at != std::string_view::npos)
    return {endpoint::model, dialect, unescaped(path.substr(at + models.size() + 1))};
  return {endpoint::nothing, dialect};
}

result<chat_request> decode_request(api_kind dialect, std::string_view json) {
  return is_messages(dialect) ? protocols::decode_messages_request(json)
                              : protocols::decode_chat_request(json);
}

void add_request_id(api_kind dialect, std::uint64_t number, http_fields& fields) {
  fields.add(is_messages(dialect) ? "request-id" : "x-request-id", request_id(number));
}

http_response encode_reply(api_kind dialect, const chat_reply& reply, std::uint64_t number,
                           std::int64_t created) {
  const std::string id = reply_id(dialect, number);
  http_response made = is_messages(dialect) ? protocols::encode_messages_reply(reply, id)
                                            : protocols::encode_chat_reply(reply, id, created);
  add_request_id(dialect, number, made.fields);
  return made;
}

http_response encode_error(api_kind dialect, failure error, std::uint64_t number) {
  error.request_id = request_id(number);
  http_response made =
      is_messages(dialect) ? protocols::encode_messages_error(error) : protocols::encode_error(error);
  add_request_id(dialect, number, made.fields);
  return made;
}

failure error_of(api_kind dialect, int status, std::string message, std::string code) {
  failure error;
  error.type = is_messages(dialect) ? messages_class(status) : errc::none;
  if (error.type == errc::none)
    error.type = status == 401 || status == 403 ? errc::auth
                 : status == 429                ? errc::rate_limit
                 : status >= 500                ? errc::server_error
                                                : errc::invalid_request;
  error.status_code = status;
  error.message = message.empty() ? "the mock provider answers " + std::to_string(status) + " as planned"
                                  : std::move(message);
  error.vendor_code = std::move(code);
  return error;
}

http_response encode_models(api_kind dialect, const std::vector<model_name>& models) {
  return is_messages(dialect) ? protocols::encode_messages_model_list(models)
                              : protocols::encode_model_list(models);
}

/// Both APIs write a model as they write it in their list.
http_response encode_model(api_kind dialect, const model_name& model) {
  http_response made = encode_models(dialect, {model});
  if (const auto list = protocols::json_document::parse(made.body)) {
    const auto* data = protocols::find_member(list->root(), "data");
    if (data != nullptr && data->IsArray() && !data->Empty())
      made.body = protocols::to_json_text((*data)[0]);
  }
  return made;
}

http_response encode_count(std::uint64_t tokens) {
  return protocols::encode_token_count(tokens);
}

std::unique_ptr<protocols::stream_encoder> make_encoder(api_kind dialect, const chat_request& request,
                                                        const token_usage& usage, std::uint64_t number,
                                                        std::int64_t created) {
  const std::string id = reply_id(dialect, number);
  if (is_messages(dialect))
    return protocols::make_messages_stream_encoder(request.model, id, usage.prompt_tokens);
  return protocols::make_chat_stream_encoder(request.model, id, created, wants_usage(request));
}

std::string_view ping_of(api_kind dialect) noexcept {
  return is_messages(dialect) ? protocols::messages_ping : std::string_view(": ping\n\n");
}

std::string call_id_of(api_kind dialect, std::uint64_t number, std::size_t call) {
  return (is_messages(dialect) ? "toolu_mock_" : "call_mock_") + std::to_string(number) + "_" +
         std::to_string(call + 1);
}

} // namespace weir::mock
