// Reading rules: null, "" and absent are one; unknown members do not matter; a call believes in itself.
#include "protocols/openai_reply.hpp"

#include "protocols/error_table.hpp"
#include "protocols/estimate.hpp"
#include "protocols/json.hpp"

#include <utility>

namespace weir::protocols {

namespace {

/// `error` counts when it says something: some servers send it as null, "" or an empty object on success.
bool is_error(const json_value* error) {
  if (error == nullptr || error->IsFalse())
    return false;
  return !(error->IsString() && error->GetStringLength() == 0) &&
         !(error->IsObject() && error->ObjectEmpty());
}

/// Content is a string, or parts: text, and a model's thinking (Mistral), which holds parts of its own.
void read_content(const json_value* content, chat_reply& reply) {
  if (content == nullptr)
    return;
  if (content->IsString()) {
    reply.content += text_of(content);
    return;
  }
  if (!content->IsArray())
    return;
  for (const json_value& part : content->GetArray()) {
    reply.content += text_of(find_member(part, "text"));
    const json_value* thinking = find_member(part, "thinking");
    reply.reasoning += text_of(thinking);
    if (thinking != nullptr && thinking->IsArray())
      for (const json_value& piece : thinking->GetArray())
        reply.reasoning += text_of(find_member(piece, "text"));
  }
}

void add_call(chat_reply& reply, std::string_view id, std::string_view name, const json_value* arguments) {
  tool_call call;
  // An empty id could not be answered: it is given one.
  call.id = id.empty() ? "call_" + std::to_string(reply.tool_calls.size()) : std::string(id);
  call.name = name;
  if (arguments != nullptr)
    call.arguments = arguments->IsString() ? std::string(text_of(arguments)) : to_json_text(*arguments);
  reply.tool_calls.push_back(std::move(call));
}

void read_calls(const json_value& said, chat_reply& reply) {
  if (const json_value* calls = find_member(said, "tool_calls"); calls != nullptr && calls->IsArray()) {
    for (const json_value& each : calls->GetArray()) {
      // A custom tool takes free text where a function takes JSON.
      const json_value* function = find_member(each, "function");
      const json_value* custom = find_member(each, "custom");
      if (function != nullptr)
        add_call(reply, text_of(find_member(each, "id")), text_of(find_member(*function, "name")),
                 find_member(*function, "arguments"));
      else if (custom != nullptr)
        add_call(reply, text_of(find_member(each, "id")), text_of(find_member(*custom, "name")),
                 find_member(*custom, "input"));
    }
  }
  // The deprecated single call has no id; some servers send it with empty members beside real calls.
  const json_value* legacy = find_member(said, "function_call");
  if (legacy != nullptr && reply.tool_calls.empty() && !text_of(find_member(*legacy, "name")).empty())
    add_call(reply, {}, text_of(find_member(*legacy, "name")), find_member(*legacy, "arguments"));
}

finish_reason to_finish_reason(std::string_view word) {
  if (word == "stop" || word == "eos" || word == "end_turn")
    return finish_reason::stop;
  if (word == "length" || word == "max_tokens")
    return finish_reason::length;
  if (word == "tool_calls" || word == "function_call")
    return finish_reason::tool_calls;
  if (word == "content_filter")
    return finish_reason::content_filter;
  if (word == "error")
    return finish_reason::error;
  return finish_reason::unknown;
}

void read_finish(const json_value& choice, chat_reply& reply) {
  const std::string_view word = text_of(find_member(choice, "finish_reason"));
  reply.metadata.raw_finish_reason = word;
  reply.finish_reason = to_finish_reason(word);
  // Some servers say `stop`, or nothing, although the model called tools.
  if (!reply.tool_calls.empty() &&
      (reply.finish_reason == finish_reason::stop || reply.finish_reason == finish_reason::unknown))
    reply.finish_reason = finish_reason::tool_calls;
}

std::optional<std::uint64_t> first_of(std::optional<std::uint64_t> one, std::optional<std::uint64_t> other) {
  return one ? one : other;
}

/// Figures of a `usage` object; nothing when one of them is impossible. See WIRE facts of each server at the
/// members.
std::optional<token_usage> read_figures(const json_value& usage, const json_value& root) {
  bool good = true;
  const auto count = [&](auto... path) { return count_of(find_member(usage, path...), good); };
  const auto prompt = count("prompt_tokens");
  const auto completion = count("completion_tokens");
  const auto total = count("total_tokens");
  token_usage read;
  read.cached_tokens =
      first_of(count("prompt_tokens_details", "cached_tokens"),
               first_of(count("prompt_cache_hit_tokens"),                                    // DeepSeek
                        first_of(count("cached_tokens"),                                     // Together
                                 count_of(find_member(root, "timings", "cache_n"), good)))); // llama.cpp
  read.cache_write_tokens = count("prompt_tokens_details", "cache_write_tokens");
  read.reasoning_tokens = count("completion_tokens_details", "reasoning_tokens");
  if (!good || (!prompt && !completion && !total))
    return std::nullopt;
  read.prompt_tokens = prompt.value_or(0);
  read.completion_tokens = completion.value_or(0);
  const std::uint64_t told = read.prompt_tokens + read.completion_tokens;
  read.total_tokens = total.value_or(told);
  // xAI and Gemini leave reasoning out of the completion, but bill it: the total tells.
  if (read.total_tokens > told)
    read.completion_tokens += read.total_tokens - told;
  else
    read.total_tokens = told;
  return read;
}

token_usage read_usage(const json_value& root, const chat_reply& reply) {
  const json_value* usage = find_member(root, "usage");
  if (usage == nullptr)
    usage = find_member(root, "x_groq", "usage");
  if (usage != nullptr && usage->IsObject())
    if (const auto figures = read_figures(*usage, root))
      return *figures;
  token_usage estimate;
  estimate.source = metering::estimated;
  estimate.completion_tokens = estimate_text_tokens(reply.content) + estimate_text_tokens(reply.reasoning);
  for (const tool_call& call : reply.tool_calls)
    estimate.completion_tokens += estimate_text_tokens(call.name) + estimate_text_tokens(call.arguments);
  return estimate;
}

std::string request_id_of(const http_response& response, const json_value& root) {
  for (const char* name : {"x-request-id", "request-id", "apim-request-id"})
    if (const auto id = response.find(name); !id.empty())
      return std::string(id);
  return std::string(text_of(find_member(root, "id")));
}

} // namespace

result<chat_reply> decode_openai_reply(const http_response& response, std::chrono::sys_seconds now) {
  const auto parsed = json_document::parse(response.body);
  if (!parsed)
    return nonsense(response, "its body is no JSON", parsed.error().place);
  const json_value& root = parsed->root();
  if (is_error(find_member(root, "error"))) {
    failure told = classify_in_body(read_vendor_error(root));
    if (told.status_code == 0)
      told.status_code = response.status;
    read_hints(response, now, told);
    if (told.request_id.empty())
      told.request_id = request_id_of(response, root);
    return told;
  }
  const json_value* choices = find_member(root, "choices");
  if (choices == nullptr || !choices->IsArray() || choices->Empty() || !(*choices)[0].IsObject())
    return nonsense(response, "there is no completion in it", "choices[0]");
  const json_value& choice = (*choices)[0];
  chat_reply reply;
  // A reply that was filtered whole may lack the message.
  if (const json_value* said = find_member(choice, "message"); said != nullptr && said->IsObject()) {
    read_content(find_member(*said, "content"), reply);
    reply.reasoning += text_of(find_member(*said, "reasoning_content"));
    if (reply.reasoning.empty())
      reply.reasoning = text_of(find_member(*said, "reasoning"));
    reply.refusal = text_of(find_member(*said, "refusal"));
    if (reply.content.empty())
      reply.content = reply.refusal;
    read_calls(*said, reply);
  }
  read_finish(choice, reply);
  reply.success = true;
  reply.model = model_name(text_of(find_member(root, "model")));
  reply.usage = read_usage(root, reply);
  reply.metadata.request_id = request_id_of(response, root);
  return reply;
}

} // namespace weir::protocols
