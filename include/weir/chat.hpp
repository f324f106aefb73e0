// A chat call and its reply, as values that no vendor owns.
// Knows no wire format; streaming and tools are part of the types from the start.
#pragma once

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

/// A piece of text.
struct text_part {
  std::string text;

  friend bool operator==(const text_part&, const text_part&) = default;
};

/// An image by `https:` or `data:` URL. `detail` is `auto`, `low`, `high`, or empty.
struct image_part {
  std::string url;
  std::string detail;

  friend bool operator==(const image_part&, const image_part&) = default;
};

using content_part = std::variant<text_part, image_part>;

/// A call of a tool by the model. `arguments` is JSON text exactly as the model wrote it.
struct tool_call {
  std::string id;
  std::string name;
  std::string arguments;

  friend bool operator==(const tool_call&, const tool_call&) = default;
};

/// One message. `content` holds one text part for plain text; empty when there are only tool calls.
struct message {
  weir::role role = role::user;
  std::vector<content_part> content;
  std::vector<tool_call> tool_calls; ///< of an assistant message
  std::string tool_call_id;          ///< of a tool message: which call it answers

  friend bool operator==(const message&, const message&) = default;
};

/// A tool that the model may call. `parameters` is a JSON Schema as JSON text; empty: no parameters.
struct tool {
  std::string name;
  std::string description;
  std::string parameters;
  std::optional<bool> strict;

  friend bool operator==(const tool&, const tool&) = default;
};

/// Whether and which tool the model must call.
struct tool_choice {
  enum class mode : std::uint8_t { automatic, required, none, one };
  mode kind = mode::automatic;
  std::string tool; ///< with `one`: its name

  friend bool operator==(const tool_choice&, const tool_choice&) = default;
};

/// A chat call. `extra` carries any further field of the provider's API as (name, JSON text), unchanged.
struct chat_request {
  model_name model; ///< empty: the default provider's first model
  std::vector<message> messages;
  std::optional<double> temperature; ///< 0 to 2
  std::optional<std::uint32_t> max_tokens;
  bool stream = false;
  std::vector<tool> tools;
  std::optional<weir::tool_choice> tool_choice;
  std::vector<std::string> stop;
  std::vector<std::pair<std::string, std::string>> extra;

  provider_name provider; ///< pins one provider; empty: weir chooses and may fail over
  std::optional<std::chrono::milliseconds>
      timeout; ///< for the whole call, a day at most; nothing: the configuration's
  std::vector<std::pair<std::string, std::string>> tags; ///< go to the ledger, never to the provider
};

enum class finish_reason : std::uint8_t { unknown, stop, length, tool_calls, content_filter, pause, error };

/// One attempt as its caller sees it. The ledger holds a record under the same id.
struct attempt_info {
  attempt_id id;
  provider_name provider;
  errc error = errc::none; ///< `none` for the one that succeeded
  int status_code = 0;
  std::string message; ///< why it failed; empty for a success
  std::chrono::microseconds latency{0};
  std::chrono::milliseconds waited{0}; ///< back-off before this attempt

  friend bool operator==(const attempt_info&, const attempt_info&) = default;
};

/// How a reply came about.
struct reply_metadata {
  call_id call;
  std::string request_id;               ///< the provider's id of the answered attempt
  provider_name provider;               ///< who answered; empty when nobody did
  std::vector<attempt_info> attempts;   ///< in order
  std::chrono::microseconds latency{0}; ///< from the manager's door to the answer
  std::string raw_finish_reason;        ///< the provider's own word
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
  std::optional<failure> error;
  reply_metadata metadata;
};

/// A piece of a streamed reply. Kinds are kept apart so that a sink can show what it wants.
struct chat_delta {
  enum class kind : std::uint8_t { content, reasoning, refusal, tool_call };
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

/// A message of plain text.
message make_message(role from, std::string text);

/// All text parts of a message, concatenated.
std::string text_of(const message& value);

} // namespace weir
