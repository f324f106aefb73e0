// Tools that the model may call: what they are, who runs them, and the loop of calls and results.
// Knows no provider: a loop is a row of chat calls like any other.
#pragma once

#include <weir/chat.hpp>
#include <weir/config.hpp>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// One call of a tool, with arguments that fit its schema.
struct tool_invocation {
  std::string name;
  std::string id; ///< the model's own
  std::string arguments;
};

/// What the model is told of it.
struct tool_result {
  std::string content;
  bool is_error = false; ///< the model is told that the tool failed

  friend bool operator==(const tool_result&, const tool_result&) = default;
};

/// TOOL: an actor that runs one. Its end, or an error in place of an answer, is told to the model.
using tool_actor = caf::typed_actor<caf::replies_to<tool_invocation>::with<tool_result>>;

/// A set of tools. Immutable once it is shared with a call.
class tool_registry {
public:
  /// Runs a tool. May block and may throw: it has a thread of its own for the time; an exception's text is
  /// told to the model. Several may run at once.
  using function = std::function<tool_result(const tool_invocation&)>;

  tool_registry();
  tool_registry(tool_registry&&) noexcept;
  tool_registry& operator=(tool_registry&&) noexcept;
  ~tool_registry();

  /// Adds a tool by what the model is told of it. Errors (`invalid_request`): a name that is taken or that no
  /// provider accepts, parameters that are no JSON Schema (docs/json-schema.md).
  result<void> add(tool description, function handler);
  result<void> add(tool description, tool_actor handler);

  /// For `chat_request::tools`, in the order of adding.
  const std::vector<tool>& tools() const noexcept;

  /// What is wrong with a call, in words for the model; empty: nothing.
  std::string objection_to(const tool_call& call) const;

  struct entry;
  /// Null: there is no tool of that name.
  const entry* find(std::string_view name) const noexcept;

private:
  result<void> add(tool description, entry made);

  struct implementation;
  std::unique_ptr<implementation> impl_;
};

/// Bounds of one loop. What is beyond ends it with the error `budget_exceeded`.
struct tool_limits {
  std::uint32_t max_rounds = 16;     ///< chat calls
  std::uint32_t max_calls = 128;     ///< calls of tools, over all rounds
  std::uint32_t max_parallel = 8;    ///< calls of tools that run at once; the others wait
  milliseconds tool_timeout{60'000}; ///< of one call; what is later is told to the model as an error
};

/// A chat call whose tool calls are run until the model has no more. `request.timeout` is for the whole loop;
/// `request.tools` is replaced by the registry's.
struct tool_request {
  chat_request request;
  std::shared_ptr<const tool_registry> tools;
  tool_limits limits;
};

/// How a loop ended.
struct tool_reply {
  chat_reply reply;                ///< the last one; a failure's `error` ends the loop
  std::vector<message> transcript; ///< what came after the request's messages, the last reply included
  std::uint32_t rounds = 0;        ///< chat calls made
  std::uint32_t calls = 0;         ///< calls of tools run, or refused with an error to the model
  token_usage usage;               ///< of all rounds
  std::optional<money> cost;       ///< of all rounds; nothing: one of them has no price
};

} // namespace weir

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::tool_invocation)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::tool_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::tool_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::tool_result)
