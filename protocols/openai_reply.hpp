// Replies in: a Chat Completions response as weir's values, from OpenAI and from all that are like it. What
// whole and streamed replies have in common is declared here for both. Knows no request; a usage that nobody
// reported is left for others to estimate.
#pragma once

#include "protocols/http_message.hpp"
#include "protocols/json.hpp"
#include "protocols/reply_builder.hpp"

#include <weir/chat.hpp>

#include <string_view>

namespace weir::protocols {

/// Decodes a response of status 2xx. An error in its body, or no completion in it, is a failure. Where the
/// provider reports no usage, or an impossible one, `usage.source` is `estimated` and only the completion is
/// counted.
result<chat_reply> decode_openai_reply(const http_response& response, std::chrono::sys_seconds now);

/// Whether a body, an event or a choice tells an error instead of an answer. An `error` member counts when it
/// says something: some servers send it as null, "" or an empty object on success.
bool tells_openai_error(const json_value& root);

/// The text, reasoning and refusal of a message, or of a piece of one.
void read_openai_text(const json_value& said, reply_builder& into);

/// The reasoning in OpenRouter's `reasoning_details`. They repeat what is told elsewhere: to be read only
/// where they are all there is.
void read_openai_details(const json_value& said, reply_builder& into);

/// One entry of `tool_calls`, or a piece of one. It lives as long as the JSON.
struct openai_call {
  std::string_view id;
  std::string_view name;
  const json_value* arguments = nullptr;     ///< text; some servers send an object
  const json_value* extra_content = nullptr; ///< Gemini's, to be sent back with the call
  bool custom = false;
};

/// Looks at an entry; nothing of it is set where it is none.
openai_call view_openai_call(const json_value& entry);

/// What a `finish_reason` means.
finish_reason to_finish_reason(std::string_view word) noexcept;

/// OpenAI's word for a reason; what it has no word for ends as `stop`.
std::string_view to_finish_word(finish_reason reason) noexcept;

/// Keeps a member of the reply that must be sent back with it.
void keep_extra(extra_members& members, std::string_view name, std::string json);

} // namespace weir::protocols
