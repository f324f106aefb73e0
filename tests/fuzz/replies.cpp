// What is looked at of a reply, and the round trips that it is sent on.
// The servers' encoders are taken as they are; their output is judged by another reader of JSON.
#include "replies.hpp"

#include "protocols/anthropic_messages_server.hpp"
#include "protocols/openai_chat_server.hpp"
#include "protocols/utf8.hpp"

#include <weir/usage.hpp>

#include <type_traits>
#include <variant>

namespace weir::fuzzing {

namespace {

/// Longest text of a vendor's that is kept (`vendor_text_limit` in the error table).
constexpr std::size_t longest_text = 4096;

void add(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append("=").append(std::to_string(value.size())).append(":").append(value).append("\n");
}

void add(std::string& to, std::string_view name, std::uint64_t value) {
  add(to, name, std::string_view(std::to_string(value)));
}

void add(std::string& to, std::string_view name, const std::optional<std::uint64_t>& value) {
  if (value)
    add(to, name, *value);
}

void add(std::string& to, const extra_members& members) {
  for (const auto& [name, json] : members) {
    add(to, "extra name", name);
    add(to, "extra json", json);
  }
}

void add(std::string& to, const content_part& part) {
  std::visit(
      [&to]<class Part>(const Part& one) {
        if constexpr (std::is_same_v<Part, text_part>) {
          add(to, "text", one.text);
        } else if constexpr (std::is_same_v<Part, image_part>) {
          add(to, "image", one.url);
        } else if constexpr (std::is_same_v<Part, reasoning_part>) {
          add(to, "thought", one.text);
          add(to, "signature", one.signature);
          add(to, "redacted", one.redacted);
        } else {
          add(to, std::string("raw ").append(to_string(one.api)), one.json);
        }
      },
      part);
}

void add(std::string& to, const tool_call& call) {
  add(to, "call id", call.id);
  add(to, "call name", call.name);
  add(to, call.custom ? "call input" : "call arguments", call.arguments);
  add(to, call.extra);
}

void add(std::string& to, const token_usage& usage) {
  add(to, "prompt", usage.prompt_tokens);
  add(to, "completion", usage.completion_tokens);
  add(to, "total", usage.total_tokens);
  add(to, "cached", usage.cached_tokens);
  add(to, "written", usage.cache_write_tokens);
  add(to, "written for an hour", usage.cache_write_1h_tokens);
  add(to, "reasoning tokens", usage.reasoning_tokens);
  add(to, "source", to_string(usage.source));
}

/// The next request of a conversation, with an answer to each call.
chat_request next_request(const chat_reply& reply) {
  chat_request next;
  next.model = model_name("m");
  next.messages.push_back(make_message(role::user, "x"));
  next.messages.push_back(to_message(reply));
  for (const tool_call& call : reply.tool_calls) {
    message answer = make_message(role::tool, "y");
    answer.tool_call_id = call.id;
    next.messages.push_back(std::move(answer));
  }
  next.messages.push_back(make_message(role::user, "z"));
  return next;
}

} // namespace

std::string described(const chat_reply& reply) {
  std::string text;
  add(text, "content", reply.content);
  add(text, "reasoning", reply.reasoning);
  add(text, "refusal", reply.refusal);
  add(text, "model", reply.model.str());
  add(text, reply.usage);
  add(text, "finish", to_string(reply.finish_reason));
  for (const tool_call& call : reply.tool_calls)
    add(text, call);
  for (const content_part& part : reply.parts)
    add(text, part);
  add(text, reply.extra);
  add(text, "request id", reply.metadata.request_id);
  add(text, "reason", reply.metadata.raw_finish_reason);
  add(text, "stop sequence", reply.metadata.stop_sequence);
  return text;
}

std::string described(const result<chat_reply>& outcome) {
  if (outcome)
    return described(*outcome);
  const failure& error = outcome.error();
  std::string text = "failure " + to_string(error) + "\n";
  add(text, "code", error.vendor_code);
  add(text, "request id", error.request_id);
  add(text, "status", static_cast<std::uint64_t>(error.status_code));
  add(text, "fate", to_string(error.fate));
  add(text, "retryable", std::uint64_t{error.retryable});
  add(text, "hint", error.retry_after ? std::to_string(error.retry_after->count()) : "none");
  return text;
}

void check_failure(const failure& error, const http_response& response) {
  require(error.type != errc::none && to_errc(to_string(error.type)) == error.type, "a failure has a class");
  require(!error.message.empty() && error.message.size() <= 1024, "our sentence is there, and short",
          error.message);
  const bool redirect = response.status >= 300 && response.status < 400;
  const std::size_t longest = redirect ? response.find("location").size() + std::size_t{32} : longest_text;
  require(error.vendor_message.size() <= longest, "the vendor's message is bounded");
  require(error.vendor_code.size() <= longest_text, "the vendor's code is bounded");
  require(error.place.size() <= 256, "the place is bounded");
  if (response.find("x-request-id").empty() && response.find("request-id").empty())
    require(error.request_id.size() <= longest_text, "the request's id is bounded");
  require(error.status_code == 0 || (error.status_code >= 100 && error.status_code <= 599),
          "the status is one of HTTP");
  if (error.retry_after)
    require(error.retry_after->count() > 0 && *error.retry_after <= std::chrono::hours{24},
            "a hint is within a day");
  if (!redirect && protocols::valid_utf8(response.body) == response.body.size())
    require(protocols::valid_utf8(error.vendor_message) == error.vendor_message.size(),
            "a text is cut between characters", error.vendor_message);
  require_body(protocols::encode_error(error).body, "an error for clients of the chat API");
  require_body(protocols::encode_messages_error(error).body, "an error for clients of the messages API");
}

void check_reply(const chat_reply& reply) {
  require(reply.success && !reply.error, "a reply is a success");
  const token_usage& usage = reply.usage;
  constexpr std::uint64_t most = 1ULL << 56U;
  require(usage.prompt_tokens <= most && usage.completion_tokens <= most && usage.total_tokens <= most,
          "no usage is beyond all reason", [&] { return described(reply); });
  require(usage.cached_tokens.value_or(0) <= most && usage.cache_write_tokens.value_or(0) <= most &&
              usage.reasoning_tokens.value_or(0) <= most,
          "no part of a usage is beyond all reason", [&] { return described(reply); });
  for (const tool_call& call : reply.tool_calls) {
    require(!call.id.empty(), "a call has an id", [&] { return described(reply); });
    for (const auto& [name, json] : call.extra)
      require(is_strict_json(json) || protocols::valid_utf8(json) != json.size(),
              "a call's further members are JSON", json);
  }
  if (!reply.tool_calls.empty())
    require(reply.finish_reason != finish_reason::stop && reply.finish_reason != finish_reason::unknown,
            "a reply with calls does not stop for no reason", [&] { return described(reply); });
  for (const auto& [name, json] : reply.extra)
    require(is_strict_json(json) || protocols::valid_utf8(json) != json.size(), "further members are JSON",
            json);
  for (const content_part& part : reply.parts)
    if (const auto* raw = std::get_if<raw_part>(&part))
      require(is_strict_json(raw->json) || protocols::valid_utf8(raw->json) != raw->json.size(),
              "a raw part is JSON", raw->json);
}

void check_passing_on(const chat_reply& reply) {
  const http_response chat = protocols::encode_chat_reply(reply, "chatcmpl-1", 784'111'777);
  require_body(chat.body, "a reply for clients of the chat API");
  const auto chat_again = codec_for(api_kind::chat).decode_chat(chat, now);
  require(chat_again.has_value(), "our own chat reply is understood", chat.body);
  const http_response messages = protocols::encode_messages_reply(reply, "msg_1");
  require_body(messages.body, "a reply for clients of the messages API");
  const auto messages_again = codec_for(api_kind::messages).decode_chat(messages, now);
  require(messages_again.has_value(), "our own messages reply is understood", messages.body);
  if (reply.refusal.empty() && protocols::valid_utf8(reply.content) == reply.content.size()) {
    require(chat_again->content == reply.content, "the chat reply says the same", chat.body);
    // What a stream told piece by piece may be another text than that of the items which it told whole.
    if (reply.parts.empty() ||
        text_of(message{role::assistant, reply.parts, {}, {}, false, {}}) == reply.content)
      require(messages_again->content == reply.content, "the messages reply says the same", messages.body);
  }
  require(chat_again->tool_calls.size() == reply.tool_calls.size(), "no call is lost", chat.body);

  const chat_request next = next_request(reply);
  for (const api_kind api : every_api)
    if (const auto sent = codec_for(api).encode_chat(next))
      require_body(sent->body, std::string("the next request to ").append(to_string(api)));
    else
      require(sent.error().type == errc::invalid_request && !sent.error().message.empty(),
              "what cannot be said is an invalid request", to_string(sent.error()));
}

void check_whole(api_kind api, const std::uint8_t* data, std::size_t size) {
  input from(data, size);
  http_response response = response_head(from);
  response.body = from.rest();
  const auto reply = codec_for(api).decode_chat(response, now);
  const bool error_status = response.status < 200 || response.status > 299;
  require(!(error_status && reply), "an error status is no reply");
  if (!reply)
    return check_failure(reply.error(), response);
  check_reply(*reply);
  check_passing_on(*reply);

  // The same body as an answer to a streamed request.
  const auto decoder = codec_for(api).decode_stream({response.status, response.fields, {}}, now);
  std::vector<chat_delta> deltas;
  decoder->feed(response.body, deltas);
  const auto streamed = decoder->finish(deltas);
  require(described(streamed) == described(reply), "a whole body answers a streamed request as well",
          [&] { return described(streamed) + "---\n" + described(reply); });
}

} // namespace weir::fuzzing
