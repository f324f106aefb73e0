// Reading rules: null and absent are one; unknown members and blocks do not matter, but unknown blocks are
// kept to be sent back.
#include "protocols/anthropic_reply.hpp"

#include "protocols/error_table.hpp"
#include "protocols/estimate.hpp"
#include "protocols/reply_builder.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace weir::protocols::anthropic {

namespace {

finish_reason to_finish_reason(std::string_view word) {
  if (word == "end_turn" || word == "stop_sequence")
    return finish_reason::stop;
  if (word == "max_tokens" || word == "model_context_window_exceeded")
    return finish_reason::length;
  if (word == "tool_use")
    return finish_reason::tool_calls;
  if (word == "refusal")
    return finish_reason::content_filter;
  if (word == "pause_turn") // the turn is to be sent back as it is
    return finish_reason::pause;
  return finish_reason::unknown;
}

void read_call(const json_value& block, chat_reply& reply) {
  tool_call call;
  call.id = text_of(find_member(block, "id"));
  call.name = text_of(find_member(block, "name"));
  const json_value* input = find_member(block, "input");
  call.arguments = input == nullptr ? "{}" : to_json_text(*input);
  reply.tool_calls.push_back(std::move(call));
}

void read_block(const json_value& block, chat_reply& reply) {
  const auto type = text_of(find_member(block, "type"));
  if (type == "text") {
    const auto text = text_of(find_member(block, "text"));
    reply.content += text;
    if (!text.empty())
      reply.parts.emplace_back(text_part{std::string(text)});
  } else if (type == "thinking") {
    const auto text = text_of(find_member(block, "thinking"));
    const auto signature = text_of(find_member(block, "signature"));
    reply.reasoning += text;
    if (!text.empty() || !signature.empty())
      reply.parts.emplace_back(reasoning_part{std::string(text), std::string(signature)});
  } else if (type == "redacted_thinking") {
    if (const auto data = text_of(find_member(block, "data")); !data.empty())
      reply.parts.emplace_back(reasoning_part{{}, {}, std::string(data)});
  } else if (type == "tool_use") {
    read_call(block, reply);
  } else if (!type.empty()) {
    reply.parts.emplace_back(raw_part{api_kind::messages, to_json_text(block)});
  }
}

void read_blocks(const json_value& content, chat_reply& reply) {
  bool call_last = false;
  for (const json_value& block : content.GetArray()) {
    const std::size_t before = reply.tool_calls.size();
    read_block(block, reply);
    call_last = reply.tool_calls.size() != before;
  }
  // A call that stands last when the tokens ran out is not whole, as the reference has it.
  if (call_last && cuts_calls(reply.finish_reason))
    reply.tool_calls.pop_back();
}

std::string request_id_of(const http_response& response, const json_value& root) {
  for (const char* name : {"request-id", "x-request-id"})
    if (const auto id = response.find(name); !id.empty())
      return std::string(id);
  if (const auto id = text_of(find_member(root, "request_id")); !id.empty())
    return std::string(id);
  return std::string(text_of(find_member(root, "id")));
}

void overwrite(std::optional<std::uint64_t>& old, std::optional<std::uint64_t> told) noexcept {
  if (told)
    old = told;
}

} // namespace

bool tells_error(const json_value& root) {
  if (text_of(find_member(root, "type")) == "error")
    return true;
  // Compatible servers send null, "" or {} on success.
  const json_value* error = find_member(root, "error");
  return error != nullptr && ((error->IsObject() && !error->ObjectEmpty()) ||
                              (error->IsString() && error->GetStringLength() != 0));
}

void usage_reader::read(const json_value* usage, bool begun) {
  if (usage == nullptr)
    return;
  const auto count = [&](auto... path) { return count_of(find_member(*usage, path...), good_); };
  overwrite(input_, count("input_tokens"));
  overwrite(cached_, count("cache_read_input_tokens"));
  overwrite(written_, count("cache_creation_input_tokens"));
  overwrite(written_5m_, count("cache_creation", "ephemeral_5m_input_tokens"));
  overwrite(written_1h_, count("cache_creation", "ephemeral_1h_input_tokens"));
  overwrite(thinking_, count("output_tokens_details", "thinking_tokens"));
  if (const auto output = count("output_tokens")) {
    output_ = output;
    begun_ = begun;
  }
}

token_usage usage_reader::figures(const chat_reply& reply) const {
  token_usage made;
  if (good_) {
    made.cached_tokens = cached_;
    made.cache_write_tokens = written_;
    if (!written_ && (written_5m_ || written_1h_))
      made.cache_write_tokens = written_5m_.value_or(0) + written_1h_.value_or(0);
    if (written_1h_)
      made.cache_write_1h_tokens = std::min(*written_1h_, made.cache_write_tokens.value_or(0));
    made.reasoning_tokens = thinking_;
    made.prompt_tokens =
        input_.value_or(0) + made.cached_tokens.value_or(0) + made.cache_write_tokens.value_or(0);
    made.completion_tokens = output_.value_or(0);
  }
  if (!good_ || !output_ || begun_) {
    // Compatible servers offer models whose vocabulary is public; Anthropic's own are estimated.
    made.completion_tokens = std::max(made.completion_tokens, estimate_reply_tokens(reply));
    made.source = metering::estimated;
  }
  made.total_tokens = made.prompt_tokens + made.completion_tokens;
  return made;
}

void read_stop(const json_value& from, chat_reply& reply) {
  if (const auto word = text_of(find_member(from, "stop_reason")); !word.empty()) {
    reply.metadata.raw_finish_reason = word;
    reply.finish_reason = to_finish_reason(word);
  }
  if (const auto met = text_of(find_member(from, "stop_sequence")); !met.empty())
    reply.metadata.stop_sequence = met;
}

std::string_view refusal_of(const json_value& from) noexcept {
  return text_of(find_member(from, "stop_details", "explanation"));
}

bool cuts_calls(finish_reason reason) noexcept {
  return reason == finish_reason::length || reason == finish_reason::content_filter;
}

void settle_parts(chat_reply& reply) {
  if (std::ranges::all_of(reply.parts,
                          [](const content_part& part) { return std::holds_alternative<text_part>(part); }))
    reply.parts.clear();
}

result<chat_reply> decode_reply(const http_response& response, std::chrono::sys_seconds now) {
  if (!succeeded(response))
    return classify(response, now);
  const auto parsed = json_document::parse(response.body);
  if (!parsed)
    return nonsense(response, "its body is no JSON", parsed.error().place);
  const json_value& root = parsed->root();
  if (tells_error(root)) {
    failure told = classify_in_body(read_vendor_error(root));
    if (told.status_code == 0)
      told.status_code = response.status;
    read_hints(response, now, told);
    if (told.request_id.empty())
      told.request_id = request_id_of(response, root);
    return told;
  }
  const json_value* content = find_member(root, "content");
  if (content == nullptr || !content->IsArray())
    return nonsense(response, "there is no message in it", "content");
  chat_reply reply;
  reply.model = model_name(text_of(find_member(root, "model")));
  reply.metadata.request_id = request_id_of(response, root);
  read_stop(root, reply);
  reply.refusal = refusal_of(root);
  read_blocks(*content, reply);
  settle_calls(reply);
  settle_parts(reply);
  usage_reader usage;
  usage.read(find_member(root, "usage"));
  reply.usage = usage.figures(reply);
  reply.success = true;
  return reply;
}

} // namespace weir::protocols::anthropic
