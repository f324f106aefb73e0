// Reading rules: null and absent are one; unknown items are kept as they are; unknown members do not matter.
#include "protocols/responses_reply.hpp"

#include "protocols/error_table.hpp"
#include "protocols/estimate.hpp"
#include "protocols/reply_builder.hpp"

#include <algorithm>
#include <utility>

namespace weir::protocols {

namespace {

/// The member `text` of each entry of an array that has this type.
template <class Each>
void for_each_text(const json_value* list, std::string_view type, const char* member, Each each) {
  if (list == nullptr || !list->IsArray())
    return;
  for (const json_value& entry : list->GetArray())
    if (text_of(find_member(entry, "type")) == type)
      each(text_of(find_member(entry, member)));
}

void add_paragraph(std::string& text, std::string_view piece) {
  if (piece.empty())
    return;
  text.append(text.empty() ? "" : "\n\n").append(piece);
}

std::optional<token_usage> read_figures(const json_value& usage) {
  bool good = true;
  const auto count = [&](auto... path) { return count_of(find_member(usage, path...), good); };
  const auto prompt = count("input_tokens");
  const auto completion = count("output_tokens");
  const auto total = count("total_tokens");
  token_usage read;
  read.cached_tokens = count("input_tokens_details", "cached_tokens");
  read.cache_write_tokens = count("input_tokens_details", "cache_write_tokens");
  read.reasoning_tokens = count("output_tokens_details", "reasoning_tokens");
  if (!good || (!prompt && !completion && !total))
    return std::nullopt;
  read.prompt_tokens = prompt.value_or(0);
  read.completion_tokens = completion.value_or(0);
  // What is in the total alone was billed as output: some servers leave reasoning out of it.
  const std::uint64_t told = read.prompt_tokens + read.completion_tokens;
  read.total_tokens = std::max(total.value_or(told), told);
  read.completion_tokens += read.total_tokens - told;
  return read;
}

/// Codes of a failed response that the common table of errors does not know, under a type that it knows.
/// Source: OpenAI's API reference, "ResponseErrorCode".
void add_type(vendor_error& error) {
  const std::string_view code = error.code;
  if (code == "vector_store_timeout")
    error.type = "timeout_error";
  else if (code == "image_content_policy_violation")
    error.type = "content_filter";
  else if (code.starts_with("invalid_") || code.starts_with("image_") ||
           code == "unsupported_image_media_type" || code == "empty_image_file" ||
           code == "failed_to_download_image")
    error.type = "invalid_request_error";
}

std::string request_id_of(const http_response& response, const json_value& root) {
  for (const char* name : {"x-request-id", "request-id", "apim-request-id"})
    if (const auto id = response.find(name); !id.empty())
      return std::string(id);
  return std::string(text_of(find_member(root, "id")));
}

/// Adds an item to a whole reply, and keeps it.
void take_item(const json_value& item, chat_reply& reply, std::vector<kept_item>& items) {
  if (!item.IsObject())
    return;
  const item_kind kind = kind_of_item(item);
  switch (kind) {
  case item_kind::message:
    reply.content += text_of_message(item);
    reply.refusal += refusal_of_message(item);
    break;
  case item_kind::function_call:
  case item_kind::custom_call: {
    tool_call& call = reply.tool_calls.emplace_back();
    call.id = id_of_call(item);
    call.name = text_of(find_member(item, "name"));
    call.arguments = arguments_of_call(item);
    call.custom = kind == item_kind::custom_call;
    break;
  }
  case item_kind::reasoning:
    add_paragraph(reply.reasoning, text_of_reasoning(item));
    break;
  case item_kind::other:
    break;
  }
  items.push_back(keep_item(kind, item));
}

} // namespace

item_kind kind_of_item(const json_value& item) noexcept {
  const std::string_view type = text_of(find_member(item, "type"));
  if (type == "message")
    return item_kind::message;
  if (type == "function_call")
    return item_kind::function_call;
  if (type == "custom_tool_call")
    return item_kind::custom_call;
  return type == "reasoning" ? item_kind::reasoning : item_kind::other;
}

std::string text_of_message(const json_value& item) {
  std::string text;
  for_each_text(find_member(item, "content"), "output_text", "text",
                [&text](std::string_view piece) { text += piece; });
  return text;
}

std::string refusal_of_message(const json_value& item) {
  std::string text;
  for_each_text(find_member(item, "content"), "refusal", "refusal",
                [&text](std::string_view piece) { text += piece; });
  return text;
}

std::string text_of_reasoning(const json_value& item) {
  std::string text;
  const auto add = [&text](std::string_view piece) { add_paragraph(text, piece); };
  for_each_text(find_member(item, "summary"), "summary_text", "text", add);
  for_each_text(find_member(item, "content"), "reasoning_text", "text", add);
  return text;
}

std::string_view id_of_call(const json_value& item) noexcept {
  const std::string_view id = text_of(find_member(item, "call_id"));
  return id.empty() ? text_of(find_member(item, "id")) : id;
}

std::string arguments_of_call(const json_value& item) {
  const json_value* arguments =
      find_member(item, kind_of_item(item) == item_kind::custom_call ? "input" : "arguments");
  if (arguments == nullptr)
    return {};
  return arguments->IsString() ? std::string(text_of(arguments)) : to_json_text(*arguments);
}

kept_item keep_item(item_kind kind, const json_value& item) {
  kept_item kept{kind, {}, false};
  if (kind == item_kind::message) {
    kept.text = text_of_message(item);
    if (kept.text.empty())
      kept.text = refusal_of_message(item);
    return kept;
  }
  kept.text = to_json_text(item);
  if (kind == item_kind::reasoning) {
    const json_value* content = find_member(item, "content");
    kept.reference = text_of(find_member(item, "encrypted_content")).empty() &&
                     (content == nullptr || !content->IsArray() || content->Empty());
  }
  return kept;
}

std::vector<content_part> parts_of(const std::vector<kept_item>& items, bool stored) {
  const auto is_raw = [stored](const kept_item& item) {
    return item.kind == item_kind::other ||
           (item.kind == item_kind::reasoning && (stored || !item.reference));
  };
  const auto last = std::ranges::find_if(items.rbegin(), items.rend(), is_raw).base();
  std::vector<content_part> parts;
  if (last == items.begin())
    return parts;
  for (auto item = items.begin(); item != items.end(); ++item) {
    // Each thought stands before what came of it. Calls follow all parts, so one before a thought is a part.
    const bool call = item->kind == item_kind::function_call || item->kind == item_kind::custom_call;
    if (is_raw(*item) || (call && item < last))
      parts.emplace_back(raw_part{api_kind::responses, item->text});
    else if (item->kind == item_kind::message && !item->text.empty())
      parts.emplace_back(text_part{item->text});
  }
  return parts;
}

bool says_stored(const json_value& response) noexcept {
  const json_value* store = find_member(response, "store");
  return store == nullptr || !store->IsFalse();
}

bool says_error(const json_value* error) noexcept {
  if (error == nullptr || error->IsFalse())
    return false;
  return !(error->IsString() && error->GetStringLength() == 0) &&
         !(error->IsObject() && error->ObjectEmpty());
}

failure read_responses_error(const json_value& event) {
  vendor_error words = read_vendor_error(event);
  if (words.type == "error" || words.type.starts_with("response."))
    words.type.clear(); // the event's name, which says nothing
  add_type(words);
  return classify_in_body(words);
}

std::optional<failure> read_responses_failure(const json_value& response) {
  const std::string_view status = text_of(find_member(response, "status"));
  const bool failed = status == "failed" || status == "cancelled";
  if (!failed && !says_error(find_member(response, "error")))
    return std::nullopt;
  if (says_error(find_member(response, "error")))
    return read_responses_error(response);
  failure made = make_failure(errc::server_error, "the provider says that its response has the status '" +
                                                      std::string(status) + "'");
  made.vendor_code = status;
  made.fate = outcome::unknown;
  return made;
}

void read_responses_end(const json_value& response, chat_reply& reply) {
  if (const auto model = text_of(find_member(response, "model")); !model.empty())
    reply.model = model_name(model);
  std::string_view word = text_of(find_member(response, "status"));
  if (word == "completed") {
    reply.finish_reason = finish_reason::stop;
  } else if (word == "incomplete") {
    if (const auto reason = text_of(find_member(response, "incomplete_details", "reason")); !reason.empty())
      word = reason;
    if (word == "max_output_tokens")
      reply.finish_reason = finish_reason::length;
    else if (word == "content_filter")
      reply.finish_reason = finish_reason::content_filter;
  }
  reply.metadata.raw_finish_reason = word;
  const json_value* usage = find_member(response, "usage");
  const auto figures = usage == nullptr ? std::nullopt : read_figures(*usage);
  reply.usage = figures ? *figures : estimate_responses_usage(reply);
}

token_usage estimate_responses_usage(const chat_reply& reply) {
  token_usage estimate;
  estimate.source = metering::estimated;
  estimate.completion_tokens =
      estimate_reply_tokens(reply) + estimate_text_tokens(reply.refusal, reply.model);
  estimate.total_tokens = estimate.completion_tokens;
  return estimate;
}

result<chat_reply> decode_responses_reply(const http_response& response, std::chrono::sys_seconds now) {
  const auto parsed = json_document::parse(response.body);
  if (!parsed)
    return nonsense(response, "its body is no JSON", parsed.error().place);
  const json_value& root = parsed->root();
  if (auto told = read_responses_failure(root)) {
    if (told->status_code == 0)
      told->status_code = response.status;
    read_hints(response, now, *told);
    if (told->request_id.empty())
      told->request_id = request_id_of(response, root);
    return std::move(*told);
  }
  const json_value* output = find_member(root, "output");
  if (output == nullptr || !output->IsArray())
    return nonsense(response, "there is no output in it", "output");
  const std::string_view status = text_of(find_member(root, "status"));
  if (status == "queued" || status == "in_progress")
    return nonsense(response, "its response is not finished", "status");
  chat_reply reply;
  std::vector<kept_item> items;
  for (const json_value& item : output->GetArray())
    take_item(item, reply, items);
  reply.metadata.request_id = request_id_of(response, root);
  read_responses_end(root, reply);
  reply.parts = parts_of(items, says_stored(root));
  settle_calls(reply);
  if (reply.content.empty())
    reply.content = reply.refusal;
  reply.success = true;
  return reply;
}

} // namespace weir::protocols
