// A chat call and its reply, as values that no vendor owns.
// Knows no wire format; streaming and tools are part of the types from the start.
#pragma once

#include <weir/api.hpp>
#include <weir/error.hpp>
#include <weir/names.hpp>
#include <weir/usage.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

enum class role : std::uint8_t { system, user, assistant, tool };

/// Further members of something on the wire, as (name, JSON text), carried through unchanged.
using extra_members = std::vector<std::pair<std::string, std::string>>;

/// A piece of text.
struct text_part {
  std::string text;
  std::string cache_control{}; ///< JSON text, where a provider caches the prompt up to marks; empty: no mark

  friend bool operator==(const text_part&, const text_part&) = default;
};

/// An image by `https:` or `data:` URL (`make_image` makes one of bytes). `detail` is `auto`, `low`, `high`,
/// or empty.
struct image_part {
  std::string url;
  std::string detail{};
  std::string cache_control{}; ///< as of a text

  friend bool operator==(const image_part&, const image_part&) = default;
};

/// What the model thought, to be sent back as it came while its tools run. Anthropic signs it, and sometimes
/// shows it only encrypted.
struct reasoning_part {
  std::string text;
  std::string signature{};
  std::string redacted{}; ///< the encrypted form; `text` and `signature` are empty then

  friend bool operator==(const reasoning_part&, const reasoning_part&) = default;
};

/// A part that only one API knows (a document, audio, a call of the provider's own tool), as JSON text. Goes
/// to providers of that API unchanged, and to no other.
struct raw_part {
  api_kind api = api_kind::chat;
  std::string json{};

  friend bool operator==(const raw_part&, const raw_part&) = default;
};

using content_part = std::variant<text_part, image_part, reasoning_part, raw_part>;

/// A call of a tool by the model. `arguments` is JSON text exactly as the model wrote it.
struct tool_call {
  std::string id;
  std::string name;
  std::string arguments;
  bool custom = false;   ///< OpenAI's custom tools: `arguments` is free text
  extra_members extra{}; ///< what must be sent back with the call, such as Gemini's `extra_content`

  friend bool operator==(const tool_call&, const tool_call&) = default;
};

/// One message. `content` holds one text part for plain text; empty when there are only tool calls.
struct message {
  weir::role role = role::user;
  std::vector<content_part> content;
  std::vector<tool_call> tool_calls; ///< of an assistant message
  std::string tool_call_id;          ///< of a tool message: which call it answers
  bool is_error = false;             ///< of a tool message: the tool failed, and the content says why
  extra_members extra;               ///< such as `name`; only the chat-completions API is sent them

  friend bool operator==(const message&, const message&) = default;
};

/// A tool that the model may call. `parameters` is a JSON Schema as JSON text; empty: no parameters.
struct tool {
  std::string name;
  std::string description;
  std::string parameters;
  std::optional<bool> strict{};
  std::string cache_control{}; ///< as of a text
  std::string raw{};           ///< a provider's own tool, whole, as JSON text; the rest but `name` is unused

  friend bool operator==(const tool&, const tool&) = default;
};

/// Whether and which tool the model must call.
struct tool_choice {
  enum class mode : std::uint8_t { automatic, required, none, one };
  mode kind = mode::automatic;
  std::string tool; ///< with `one`: its name

  friend bool operator==(const tool_choice&, const tool_choice&) = default;
};

/// What is done about a stream that breaks after some of it has been shown: nobody else's answer goes on from
/// there by itself. Every attempt is booked, whatever the policy.
enum class rescue_policy : std::uint8_t {
  fail,            ///< the call fails, with the text that was shown in its reply
  buffer,          ///< nothing is shown until the reply is whole, so that it can be replaced
  restart,         ///< the sink is told to drop what it has (`chat_delta::kind::restart`), and gets another
  continue_stream, ///< another attempt goes on from the shown text, at a model that supports prefill
};

/// A chat call. `extra` carries any further field of the provider's API as (name, JSON text), unchanged.
struct chat_request {
  model_name model; ///< empty: the default provider's first model
  std::vector<message> messages;
  std::optional<double> temperature; ///< 0 to 2
  std::optional<std::uint32_t> max_tokens;
  bool stream = false;
  bool gather = true; ///< false, of a streamed call: only the deltas have content and reasoning, the reply
                      ///< has neither, so that memory stays the same whatever the stream's length
  std::vector<tool> tools;
  std::optional<weir::tool_choice> tool_choice;
  std::vector<std::string> stop;
  extra_members extra;

  call_id id; ///< zero: weir makes one; one of the caller's own lets him cancel the call while it runs
  provider_name provider;              ///< pins one provider; empty: weir chooses and may fail over
  std::optional<rescue_policy> rescue; ///< of a streamed call; nothing: the route's, else `fail`
  std::optional<std::chrono::milliseconds>
      timeout; ///< for the whole call, a day at most; nothing: the configuration's
  std::vector<std::pair<std::string, std::string>> tags; ///< go to the ledger, never to the provider
  /// What the call may cost, all its attempts together. One that could pass it is not sent, and a stream that
  /// would pass it is ended (`budget_exceeded`). A model without a price in this currency is not asked.
  std::optional<money> max_cost{};
};

enum class finish_reason : std::uint8_t { unknown, stop, length, tool_calls, content_filter, pause, error };

/// One attempt as its caller sees it. The ledger holds a record under the same id.
struct attempt_info {
  attempt_id id;
  provider_name provider;
  model_name model;        ///< as this provider was asked for it
  errc error = errc::none; ///< `none` for the one that succeeded
  int status_code = 0;
  std::string message; ///< why it failed; empty for a success
  std::chrono::microseconds latency{0};
  std::chrono::milliseconds waited{0}; ///< back-off before this attempt
  bool hedge = false;                  ///< made beside one that was slow; the first to answer wins

  friend bool operator==(const attempt_info&, const attempt_info&) = default;
};

/// How a reply came about.
struct reply_metadata {
  call_id call;
  std::string request_id;                               ///< the provider's id of the answered attempt
  provider_name provider;                               ///< who answered; empty when nobody did
  std::vector<attempt_info> attempts;                   ///< in order
  std::chrono::microseconds latency{0};                 ///< from the manager's door to the answer
  std::optional<std::chrono::microseconds> first_token; ///< of the answered attempt, when it was streamed
  std::string raw_finish_reason;                        ///< the provider's own word
  std::string stop_sequence; ///< which of the request's stop texts was met, where the provider says so
};

/// The answer to a call, of success and of failure alike.
struct chat_reply {
  bool success = false;
  std::string content;
  std::string reasoning; ///< the model's thinking, where the provider shows it
  std::string refusal;   ///< why the model refused, where the provider says so
  model_name model;      ///< as the provider names it
  token_usage usage;
  std::optional<money> cost; ///< of the answered attempt; nothing: no price known
  weir::finish_reason finish_reason = finish_reason::unknown;
  std::vector<tool_call> tool_calls;
  std::vector<content_part> parts; ///< in order, when there is more to send back than the text; else empty
  extra_members extra; ///< of the message, to be sent back, such as OpenRouter's `reasoning_details`
  std::optional<failure> error;
  reply_metadata metadata;
};

/// A piece of a streamed reply. Kinds are kept apart so that a sink can show what it wants.
struct chat_delta {
  /// `restart` has no text: what came before it is void, and the reply begins anew.
  enum class kind : std::uint8_t { content, reasoning, refusal, tool_call, restart };
  kind type = kind::content;
  std::string text;             ///< of a tool call: a piece of its arguments
  std::uint32_t tool_index = 0; ///< which tool call, from 0
  std::string tool_id;          ///< with the first piece of a tool call
  std::string tool_name;        ///< with the first piece of a tool call

  friend bool operator==(const chat_delta&, const chat_delta&) = default;
};

std::string_view to_string(role value) noexcept;
std::optional<role> to_role(std::string_view name) noexcept;
std::string_view to_string(finish_reason value) noexcept;
std::string_view to_string(chat_delta::kind value) noexcept;
/// As the configuration has it: `fail`, `buffer`, `restart`, `continue`.
std::string_view to_string(rescue_policy value) noexcept;
std::optional<rescue_policy> to_rescue_policy(std::string_view name) noexcept;

/// A message of plain text.
message make_message(role from, std::string text);

/// All text parts of a message, concatenated.
std::string text_of(const message& value);

/// A reply as the assistant message of the next request: text, reasoning and tool calls as they came.
message to_message(const chat_reply& reply);

} // namespace weir
