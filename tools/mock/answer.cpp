// Honest replies, and what faults make of them.
#include "tools/mock/answer.hpp"

#include "protocols/estimate.hpp"
#include "protocols/openai_chat_server.hpp"

#include <algorithm>

namespace weir::mock {

namespace {

using transport::send_bytes;
using transport::server_request;

std::string_view path_of(const server_request& request) {
  const std::string_view target = request.target;
  return target.substr(0, target.find('?'));
}

/// What is said when the plan says nothing: a short echo.
std::string echo(const chat_request& request) {
  constexpr std::size_t most = 120;
  for (auto each = request.messages.rbegin(); each != request.messages.rend(); ++each)
    if (each->role == role::user)
      return "You said: " + text_of(*each).substr(0, most);
  return "You said nothing.";
}

http_response error_response(int status, std::string message, std::string code) {
  failure error;
  switch (status) {
  case 401:
  case 403:
    error.type = errc::auth;
    break;
  case 429:
    error.type = errc::rate_limit;
    break;
  default:
    error.type = status >= 500 ? errc::server_error : errc::invalid_request;
  }
  error.status_code = status;
  error.message = message.empty() ? "the mock provider answers " + std::to_string(status) + " as planned"
                                  : std::move(message);
  error.vendor_code = std::move(code);
  return protocols::encode_error(error);
}

bool has_key(const plan& of, const server_request& request) {
  return of.api_key.empty() || request.find("authorization") == "Bearer " + of.api_key;
}

http_response wrong_key() {
  return error_response(401, "Incorrect API key provided.", "invalid_api_key");
}

http_response honest(const plan& of, const chat_request& request, std::uint64_t number, std::int64_t created,
                     answer& log) {
  chat_reply reply;
  reply.content = of.reply.empty() ? echo(request) : of.reply;
  reply.model = request.model;
  reply.finish_reason = finish_reason::stop;
  reply.usage.prompt_tokens = of.prompt_tokens.value_or(protocols::estimate_prompt_tokens(request));
  reply.usage.completion_tokens =
      of.completion_tokens.value_or(protocols::estimate_text_tokens(reply.content));
  reply.usage.total_tokens = reply.usage.prompt_tokens + reply.usage.completion_tokens;
  reply.usage.cached_tokens = of.cached_tokens;
  log.prompt_tokens = reply.usage.prompt_tokens;
  log.completion_tokens = reply.usage.completion_tokens;
  log.billed = true;
  return protocols::encode_chat_reply(reply, "chatcmpl-mock-" + std::to_string(number), created);
}

http_response json_200(std::string body) {
  return {200, {{"Content-Type", "application/json"}}, std::move(body)};
}

/// The response of a fault that answers; the honest one for faults of its delivery.
http_response planned(const fault& struck, http_response whole, answer& log) {
  switch (struck.kind) {
  case fault_kind::status: {
    http_response error = error_response(struck.status, struck.message, struck.code);
    if (struck.body)
      error.body = *struck.body;
    for (const auto& [name, value] : struck.headers)
      error.fields.add(name, value);
    log.billed = false;
    return error;
  }
  case fault_kind::malformed_json:
    return json_200(R"({"id":"chatcmpl-mock","choices":[{"message":{"content":"unfinished)");
  case fault_kind::truncated_json:
    whole.body.resize(whole.body.size() / 2);
    return whole;
  case fault_kind::wrong_content_type:
    return {200, {{"Content-Type", "text/html"}}, "<html><body><h1>Please sign in</h1></body></html>"};
  case fault_kind::oversized_body:
    return json_200("\"" + std::string(struck.body_bytes, 'x') + "\"");
  case fault_kind::empty_body:
    return json_200("");
  case fault_kind::error_in_200:
    return json_200(error_response(struck.status, struck.message, struck.code).body);
  default:
    return whole;
  }
}

/// How the bytes go out.
transport::script delivered(const fault& struck, std::string bytes) {
  transport::script steps;
  switch (struck.kind) {
  case fault_kind::hang:
    return {transport::hang{}};
  case fault_kind::reset:
  case fault_kind::close:
    if (struck.after_bytes != 0)
      steps.emplace_back(send_bytes{bytes.substr(0, struck.after_bytes)});
    if (struck.kind == fault_kind::reset)
      steps.emplace_back(transport::reset_connection{});
    else
      steps.emplace_back(transport::close_connection{});
    return steps;
  case fault_kind::drip:
    for (std::size_t at = 0; at < bytes.size(); at += struck.piece_bytes) {
      if (at != 0)
        steps.emplace_back(transport::pause{struck.delay});
      steps.emplace_back(send_bytes{bytes.substr(at, struck.piece_bytes)});
    }
    return steps;
  default:
    if (struck.delay.count() > 0)
      steps.emplace_back(transport::pause{struck.delay});
    steps.emplace_back(send_bytes{std::move(bytes)});
    return steps;
  }
}

} // namespace

bool is_chat(const server_request& request) {
  return path_of(request).ends_with("/chat/completions");
}

answer answer_chat(const plan& of, const server_request& request, std::uint64_t number,
                   std::int64_t created) {
  answer log;
  const auto reply_with = [&log](const http_response& response) {
    log.status = response.status;
    log.steps.emplace_back(send_bytes{transport::to_bytes(response)});
  };
  if (request.method != "POST") {
    reply_with(error_response(405, "chat completions are asked for with POST", {}));
    return log;
  }
  if (!has_key(of, request)) {
    reply_with(wrong_key());
    return log;
  }
  auto asked = protocols::decode_chat_request(request.body);
  if (!asked) {
    reply_with(protocols::encode_error(asked.error()));
    return log;
  }
  log.model = asked->model.str();
  if (std::ranges::find(of.models, asked->model) == of.models.end() && !of.models.empty()) {
    reply_with(error_response(404, "The model `" + log.model + "` does not exist.", "model_not_found"));
    return log;
  }
  log.struck = fault_for(of, number);
  if (log.struck != nullptr && log.struck->kind == fault_kind::hang) {
    log.steps = {transport::hang{}};
    log.status = 0;
    return log;
  }
  http_response whole = honest(of, *asked, number, created, log);
  if (const auto wait = latency_for(of, number); wait.count() > 0)
    log.steps.emplace_back(transport::pause{wait});
  if (log.struck == nullptr) {
    reply_with(whole);
    return log;
  }
  const http_response response = planned(*log.struck, std::move(whole), log);
  log.status = response.status;
  for (auto& step : delivered(*log.struck, transport::to_bytes(response)))
    log.steps.push_back(std::move(step));
  return log;
}

answer answer_other(const plan& of, const server_request& request) {
  answer log;
  const bool models = request.method == "GET" && path_of(request).ends_with("/models");
  const http_response response = !models ? error_response(404, "there is nothing at this path", {})
                                 : has_key(of, request) ? protocols::encode_model_list(of.models)
                                                        : wrong_key();
  log.status = response.status;
  log.steps.emplace_back(send_bytes{transport::to_bytes(response)});
  return log;
}

} // namespace weir::mock
