// Honest replies, and what faults make of them.
#include "tools/mock/answer.hpp"

#include "tools/mock/dialect.hpp"
#include "tools/mock/reply.hpp"

#include <algorithm>
#include <utility>

namespace weir::mock {

namespace {

using transport::send_bytes;
using transport::server_request;

/// A chat call while it is answered.
struct call {
  const plan& of;
  const chat_request& request;
  std::uint64_t number;
  std::int64_t created;
  api_kind dialect;
};

bool has_key(const plan& of, const server_request& request) {
  if (of.api_key.empty())
    return true;
  const auto holds = [&](std::string_view header) {
    const std::string_view value = request.find(header);
    return (of.key_header.empty() || of.key_header == header) &&
           value == (header == "authorization" ? "Bearer " + of.api_key : of.api_key);
  };
  return holds("authorization") || holds("x-api-key") || holds("api-key");
}

failure wrong_key(api_kind dialect) {
  const bool messages = dialect == api_kind::messages;
  return error_of(dialect, 401, messages ? "invalid x-api-key" : "Incorrect API key provided.",
                  messages ? "" : "invalid_api_key");
}

failure no_such_model(api_kind dialect, const std::string& model) {
  if (dialect == api_kind::messages)
    return error_of(dialect, 404, "model: " + model, {});
  return error_of(dialect, 404, "The model `" + model + "` does not exist.", "model_not_found");
}

/// With an empty list any model is played.
bool has_model(const plan& of, const model_name& model) {
  return of.models.empty() || std::ranges::find(of.models, model) != of.models.end();
}

http_response json_200(std::string body) {
  return {200, {{"Content-Type", "application/json"}}, std::move(body)};
}

http_fields id_fields(const call& from) {
  http_fields fields;
  add_request_id(from.dialect, from.number, fields);
  return fields;
}

/// An event of a stream whose JSON stops in the middle of a text.
std::string broken_event(api_kind dialect) {
  return dialect == api_kind::messages
             ? "event: content_block_delta\ndata: "
               R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"unfinished)"
               "\n\n"
             : R"(data: {"id":"chatcmpl-mock","choices":[{"index":0,"delta":{"content":"unfinished)"
               "\n\n";
}

stream_parts make_parts(const call& from, chat_reply reply, const fault* struck) {
  stream_parts parts;
  parts.encoder = make_encoder(from.dialect, from.request, reply.usage, from.number, from.created);
  parts.deltas = make_deltas(reply, from.of.chunk_tokens);
  parts.reply = std::move(reply);
  parts.chunk_delay = from.of.chunk_delay;
  parts.ping_every = from.of.ping_every;
  parts.ping = ping_of(from.dialect);
  parts.fields = id_fields(from);
  if (struck != nullptr && needs_stream(struck->kind)) {
    parts.struck = *struck;
    parts.error = error_of(from.dialect, struck->status, struck->message, struck->code);
    parts.broken = broken_event(from.dialect);
  }
  return parts;
}

/// A 200 whose JSON stops in the middle of a text.
http_response malformed(const call& from) {
  if (!from.request.stream)
    return json_200(from.dialect == api_kind::messages
                        ? R"({"id":"msg_mock","type":"message","content":[{"type":"text","text":"unfinished)"
                        : R"({"id":"chatcmpl-mock","choices":[{"message":{"content":"unfinished)");
  return event_stream(id_fields(from), broken_event(from.dialect));
}

/// The response of a fault that changes it; nothing for faults of the delivery.
std::optional<http_response> planned(const call& from, const fault& struck, const chat_reply& reply) {
  const auto error = [&] {
    return encode_error(from.dialect, error_of(from.dialect, struck.status, struck.message, struck.code),
                        from.number);
  };
  switch (struck.kind) {
  case fault_kind::status: {
    http_response made = error();
    if (struck.body)
      made.body = *struck.body;
    for (const auto& [name, value] : struck.headers)
      made.fields.add(name, value);
    return made;
  }
  case fault_kind::malformed_json:
    return malformed(from);
  case fault_kind::truncated_json: {
    if (from.request.stream) {
      const std::string events = events_of(make_parts(from, reply, nullptr));
      return event_stream(id_fields(from), std::string_view(events).substr(0, events.size() / 2));
    }
    http_response whole = encode_reply(from.dialect, reply, from.number, from.created);
    whole.body.resize(whole.body.size() / 2);
    return whole;
  }
  case fault_kind::wrong_content_type:
    return http_response{
        200, {{"Content-Type", "text/html"}}, "<html><body><h1>Please sign in</h1></body></html>"};
  case fault_kind::oversized_body: {
    std::string body = "\"" + std::string(struck.body_bytes, 'x') + "\"";
    return from.request.stream ? event_stream(id_fields(from), "data: " + body + "\n\n")
                               : json_200(std::move(body));
  }
  case fault_kind::empty_body:
    return from.request.stream ? event_stream(id_fields(from), {}) : json_200("");
  case fault_kind::error_in_200:
    return json_200(error().body);
  default:
    return std::nullopt;
  }
}

/// The bytes of `raw` instead of a response.
void deliver_raw(const fault& struck, transport::script& steps) {
  if (struck.delay.count() > 0)
    steps.emplace_back(transport::pause{struck.delay});
  steps.emplace_back(send_bytes{struck.bytes});
  if (struck.then == aftermath::close)
    steps.emplace_back(transport::close_connection{});
  else if (struck.then == aftermath::reset)
    steps.emplace_back(transport::reset_connection{});
}

/// Whether the reply is produced whole under a fault, even if its client gets none of it.
bool produced(const fault& struck) {
  using enum fault_kind;
  switch (struck.kind) {
  case status:
  case raw:
  case cut_stream:
  case error_in_stream:
  case endless:
    return false;
  case stall_stream:
    return struck.delay.count() > 0;
  default:
    return true;
  }
}

/// How the bytes go out.
void deliver(const fault& struck, std::string bytes, transport::script& steps) {
  switch (struck.kind) {
  case fault_kind::reset:
  case fault_kind::close:
    if (struck.after_bytes != 0)
      steps.emplace_back(send_bytes{bytes.substr(0, struck.after_bytes)});
    if (struck.kind == fault_kind::reset)
      steps.emplace_back(transport::reset_connection{});
    else
      steps.emplace_back(transport::close_connection{});
    return;
  case fault_kind::drip:
    for (std::size_t at = 0; at < bytes.size(); at += struck.piece_bytes) {
      if (at != 0)
        steps.emplace_back(transport::pause{struck.delay});
      steps.emplace_back(send_bytes{bytes.substr(at, struck.piece_bytes)});
    }
    return;
  default:
    if (struck.delay.count() > 0)
      steps.emplace_back(transport::pause{struck.delay});
    steps.emplace_back(send_bytes{std::move(bytes)});
  }
}

/// A stream that goes out chunk by chunk.
void play_stream(const call& from, chat_reply reply, answer& log) {
  auto source = std::make_shared<stream_source>(make_parts(from, std::move(reply), log.struck));
  log.chunks = source->planned();
  log.source = source;
  if (log.struck != nullptr && log.struck->delay.count() > 0 && log.struck->kind != fault_kind::stall_stream)
    log.steps.emplace_back(transport::pause{log.struck->delay});
  log.steps.emplace_back(transport::generate{[source] { return source->next(); }});
}

/// The script of a call that is allowed and understood.
void play(const call& from, answer& log) {
  const fault* struck = log.struck;
  if (struck != nullptr && struck->kind == fault_kind::hang) {
    log.steps = {transport::hang{}};
    log.status = 0;
    return;
  }
  chat_reply reply = make_reply(from.of, from.request, from.dialect, from.number);
  log.prompt_tokens = reply.usage.prompt_tokens;
  log.completion_tokens = reply.usage.completion_tokens;
  log.cached_tokens = reply.usage.cached_tokens;
  log.reasoning_tokens = reply.usage.reasoning_tokens;
  log.billed = struck == nullptr || produced(*struck);
  if (const auto wait = latency_for(from.of, from.number); wait.count() > 0)
    log.steps.emplace_back(transport::pause{wait});
  if (struck != nullptr && struck->kind == fault_kind::raw)
    return deliver_raw(*struck, log.steps);
  if (struck != nullptr)
    if (const auto made = planned(from, *struck, reply)) {
      log.status = made->status;
      return deliver(*struck, transport::to_bytes(*made), log.steps);
    }
  const bool in_bytes =
      struck != nullptr && (struck->kind == fault_kind::reset || struck->kind == fault_kind::close ||
                            struck->kind == fault_kind::drip);
  if (from.request.stream && !in_bytes)
    return play_stream(from, std::move(reply), log);
  std::string bytes;
  if (from.request.stream) {
    stream_source source(make_parts(from, std::move(reply), nullptr));
    log.chunks = source.planned();
    bytes = bytes_of(source);
  } else {
    bytes = transport::to_bytes(encode_reply(from.dialect, reply, from.number, from.created));
  }
  if (struck == nullptr)
    log.steps.emplace_back(send_bytes{std::move(bytes)});
  else
    deliver(*struck, std::move(bytes), log.steps);
}

/// A request that does not fit the model, in the words of its API.
failure too_long(api_kind dialect, std::uint64_t needed, std::uint64_t window) {
  if (dialect == api_kind::messages)
    return error_of(dialect, 400,
                    "prompt is too long: " + std::to_string(needed) + " tokens > " + std::to_string(window) +
                        " maximum",
                    {});
  return error_of(dialect, 400,
                  "This model's maximum context length is " + std::to_string(window) +
                      " tokens. However, you requested " + std::to_string(needed) + " tokens.",
                  "context_length_exceeded");
}

/// Why a request gets no reply for what it says.
std::optional<failure> objection(const plan& of, const chat_request& request, api_kind dialect) {
  if (!has_model(of, request.model))
    return no_such_model(dialect, request.model.str());
  if (const std::string begun = prefill_of(request); !begun.empty()) {
    if (of.prefill == prefilling::refuse)
      return error_of(dialect, 400,
                      "This model does not support assistant message prefill. The conversation must end with "
                      "a user message.",
                      {});
    if (dialect == api_kind::messages && begun.find_last_not_of(" \t\r\n") + 1 != begun.size())
      return error_of(dialect, 400, "messages: final assistant content cannot end with trailing whitespace",
                      {});
  }
  if (of.context_window) {
    const std::uint64_t needed =
        of.prompt_tokens.value_or(count_prompt_tokens(request)) + request.max_tokens.value_or(0);
    if (needed > *of.context_window)
      return too_long(dialect, needed, *of.context_window);
  }
  return std::nullopt;
}

/// Why a request gets no reply, whatever it says.
std::optional<failure> objection(const plan& of, const server_request& request, const target& asked) {
  if (request.method != "POST")
    return error_of(asked.dialect, 405, "this is asked for with POST", {});
  if (!has_key(of, request))
    return wrong_key(asked.dialect);
  if (asked.dialect == api_kind::messages && request.find("anthropic-version").empty())
    return error_of(asked.dialect, 400, "anthropic-version: header is required", {});
  return std::nullopt;
}

} // namespace

bool is_chat(const server_request& request) {
  return target_of(request).endpoint == endpoint::chat;
}

answer answer_chat(const plan& of, const server_request& request, std::uint64_t number, std::int64_t created,
                   milliseconds age) {
  const target asked = target_of(request);
  answer log;
  log.dialect = asked.dialect;
  const auto refuse = [&](const failure& error) {
    const http_response response = encode_error(asked.dialect, error, number);
    log.status = response.status;
    log.steps.emplace_back(send_bytes{transport::to_bytes(response)});
    return std::move(log);
  };
  if (const auto why = objection(of, request, asked))
    return refuse(*why);
  const auto call_request = decode_request(asked.dialect, request.body);
  if (!call_request)
    return refuse(call_request.error());
  log.model = call_request->model.str();
  log.stream = call_request->stream;
  log.said = said_last(*call_request);
  if (const auto why = objection(of, *call_request, asked.dialect))
    return refuse(*why);
  log.struck = fault_for(of, {number, log.stream, call_request->model, age});
  play({of, *call_request, number, created, asked.dialect}, log);
  return log;
}

answer answer_other(const plan& of, const server_request& request) {
  const target asked = target_of(request);
  const auto respond = [&]() -> http_response {
    const auto refuse = [&](const failure& error) { return encode_error(asked.dialect, error, 0); };
    if (asked.endpoint == endpoint::count_tokens) {
      if (const auto why = objection(of, request, asked))
        return refuse(*why);
      const auto counted = decode_request(asked.dialect, request.body);
      return counted ? encode_count(of.prompt_tokens.value_or(count_prompt_tokens(*counted)))
                     : refuse(counted.error());
    }
    if (request.method != "GET" || asked.endpoint == endpoint::nothing)
      return refuse(error_of(asked.dialect, 404, "there is nothing at this path", {}));
    if (!has_key(of, request))
      return refuse(wrong_key(asked.dialect));
    if (asked.endpoint == endpoint::models)
      return encode_models(asked.dialect, of.models);
    const model_name model(asked.model);
    return has_model(of, model) ? encode_model(asked.dialect, model)
                                : refuse(no_such_model(asked.dialect, asked.model));
  };
  const http_response response = respond();
  answer log;
  log.dialect = asked.dialect;
  log.status = response.status;
  log.steps.emplace_back(send_bytes{transport::to_bytes(response)});
  return log;
}

} // namespace weir::mock
