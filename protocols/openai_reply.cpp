// Reading rules: null, "" and absent are one; unknown members do not matter; a call believes in itself.
#include "protocols/openai_reply.hpp"

#include "protocols/error_table.hpp"
#include "protocols/openai_usage.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace weir::protocols {

namespace {

bool says_something(const json_value* error) {
  if (error == nullptr || error->IsFalse() || (error->IsNumber() && error->GetDouble() == 0))
    return false;
  return !(error->IsString() && error->GetStringLength() == 0) &&
         !(error->IsObject() && error->ObjectEmpty());
}

/// Parts: text, and a model's thinking (Mistral), which holds parts of its own.
void read_parts(const json_value& parts, reply_builder& into) {
  for (const json_value& part : parts.GetArray()) {
    const json_value* thinking = find_member(part, "thinking");
    if (thinking != nullptr && thinking->IsArray())
      for (const json_value& piece : thinking->GetArray())
        into.add_reasoning(text_of(find_member(piece, "text")));
    else
      into.add_reasoning(text_of(thinking));
    into.add_content(text_of(find_member(part, "text")));
  }
}

/// Reasoning under its two names: servers that send both say the same twice.
void read_reasoning(const json_value& said, reply_builder& into) {
  for (const char* name : {"reasoning_content", "reasoning"})
    if (const auto text = text_of(find_member(said, name)); !text.empty())
      return into.add_reasoning(text);
}

/// A whole call. Arguments that are no text are JSON themselves.
void add_call(const openai_call& call, reply_builder& into) {
  const auto key = static_cast<std::uint32_t>(into.reply().tool_calls.size());
  const bool is_text = call.arguments == nullptr || call.arguments->IsString();
  tool_call& made = into.add_call_piece(key, call.id, call.name,
                                        is_text ? text_of(call.arguments)
                                                : std::string_view(to_json_text(*call.arguments)));
  made.custom = call.custom;
  if (call.extra_content != nullptr)
    keep_extra(made.extra, "extra_content", to_json_text(*call.extra_content));
}

void read_calls(const json_value& said, reply_builder& into) {
  if (const json_value* calls = find_member(said, "tool_calls"); calls != nullptr && calls->IsArray())
    for (const json_value& each : calls->GetArray())
      if (find_member(each, "function") != nullptr || find_member(each, "custom") != nullptr)
        add_call(view_openai_call(each), into);
  // The deprecated single call has no id; some servers send it with empty members beside real calls.
  const json_value* legacy = find_member(said, "function_call");
  if (legacy == nullptr || !into.reply().tool_calls.empty())
    return;
  if (const auto name = text_of(find_member(*legacy, "name")); !name.empty())
    add_call({{}, name, find_member(*legacy, "arguments"), nullptr, false}, into);
}

/// What must be sent back with the message while its tools run.
void read_extra(const json_value& said, chat_reply& reply) {
  if (const json_value* details = find_member(said, "reasoning_details");
      details != nullptr && details->IsArray() && !details->Empty())
    keep_extra(reply.extra, "reasoning_details", to_json_text(*details));
  // DeepSeek wants it back in the same tool turn, and nowhere else.
  if (const json_value* text = find_member(said, "reasoning_content");
      !text_of(text).empty() && !reply.tool_calls.empty())
    keep_extra(reply.extra, "reasoning_content", to_json_text(*text));
}

std::string request_id_of(const http_response& response, const json_value& root) {
  for (const char* name : {"x-request-id", "request-id", "apim-request-id"})
    if (const auto id = response.find(name); !id.empty())
      return std::string(id);
  return std::string(text_of(find_member(root, "id")));
}

/// The failure that a body of status 2xx tells. `told` is the body or the choice that the error stands in.
failure failure_in(const json_value& told, const json_value& root, const http_response& response,
                   std::chrono::sys_seconds now) {
  failure made = classify_in_body(read_vendor_error(told));
  if (made.status_code == 0)
    made.status_code = response.status;
  read_hints(response, now, made);
  if (made.request_id.empty())
    made.request_id = request_id_of(response, root);
  return made;
}

} // namespace

bool tells_openai_error(const json_value& root) {
  const json_value* from = &root;
  if (root.IsArray() && !root.Empty()) // Gemini wraps its errors so
    from = root.Begin();
  return says_something(find_member(*from, "error")) || text_of(find_member(*from, "object")) == "error";
}

void read_openai_text(const json_value& said, reply_builder& into) {
  read_reasoning(said, into);
  if (const json_value* content = find_member(said, "content"); content != nullptr && content->IsArray())
    read_parts(*content, into);
  else
    into.add_content(text_of(content));
  into.add_refusal(text_of(find_member(said, "refusal")));
}

void read_openai_details(const json_value& said, reply_builder& into) {
  const json_value* details = find_member(said, "reasoning_details");
  if (details == nullptr || !details->IsArray())
    return;
  for (const json_value& each : details->GetArray()) {
    into.add_reasoning(text_of(find_member(each, "text")));
    into.add_reasoning(text_of(find_member(each, "summary")));
  }
}

openai_call view_openai_call(const json_value& entry) {
  openai_call seen;
  seen.id = text_of(find_member(entry, "id"));
  seen.extra_content = find_member(entry, "extra_content");
  if (const json_value* function = find_member(entry, "function")) {
    seen.name = text_of(find_member(*function, "name"));
    seen.arguments = find_member(*function, "arguments");
  } else if (const json_value* custom = find_member(entry, "custom")) {
    // A custom tool takes free text where a function takes JSON.
    seen.custom = true;
    seen.name = text_of(find_member(*custom, "name"));
    seen.arguments = find_member(*custom, "input");
  }
  return seen;
}

finish_reason to_finish_reason(std::string_view word) noexcept {
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

std::string_view to_finish_word(finish_reason reason) noexcept {
  switch (reason) {
  case finish_reason::length:
  case finish_reason::tool_calls:
  case finish_reason::content_filter:
    return to_string(reason);
  default:
    return "stop";
  }
}

void keep_extra(extra_members& members, std::string_view name, std::string json) {
  const auto found = std::ranges::find(members, name, [](const auto& each) { return each.first; });
  if (found == members.end())
    members.emplace_back(name, std::move(json));
  else
    found->second = std::move(json);
}

result<chat_reply> decode_openai_reply(const http_response& response, std::chrono::sys_seconds now) {
  const auto parsed = json_document::parse(response.body);
  if (!parsed)
    return nonsense(response, "its body is no JSON", parsed.error().place);
  const json_value& root = parsed->root();
  if (tells_openai_error(root))
    return failure_in(root, root, response, now);
  const json_value* choices = find_member(root, "choices");
  if (choices == nullptr || !choices->IsArray() || choices->Empty() || !(*choices)[0].IsObject())
    return nonsense(response, "there is no completion in it", "choices[0]");
  const json_value& choice = (*choices)[0];
  if (tells_openai_error(choice)) // OpenRouter, when the model's own server broke off
    return failure_in(choice, root, response, now);
  reply_builder builder(std::numeric_limits<std::size_t>::max());
  chat_reply& reply = builder.reply();
  // A reply that was filtered whole may lack the message.
  if (const json_value* said = find_member(choice, "message"); said != nullptr && said->IsObject()) {
    read_openai_text(*said, builder);
    if (reply.reasoning.empty())
      read_openai_details(*said, builder);
    read_calls(*said, builder);
    read_extra(*said, reply);
  }
  reply.metadata.raw_finish_reason = text_of(find_member(choice, "finish_reason"));
  reply.finish_reason = to_finish_reason(reply.metadata.raw_finish_reason);
  reply.metadata.request_id = request_id_of(response, root);
  reply.model = model_name(text_of(find_member(root, "model")));
  const auto figures = read_openai_usage(root);
  reply.usage = figures ? *figures : estimate_openai_usage(reply);
  return builder.build();
}

} // namespace weir::protocols
