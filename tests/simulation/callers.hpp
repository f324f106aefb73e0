// Who calls: one actor a call, a sink of its own beside it where the call is streamed, and a tool. Their
// manners are part of the history. Knows no invariant: what they see is told to a listener.
#pragma once

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/dice.hpp"

#include <weir/actors.hpp>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <functional>
#include <optional>

namespace weir::simulation {

/// How a sink behaves.
enum class manner : std::uint8_t { prompt, slow, stalls, refuses, dies };

struct planned_call {
  std::uint64_t number = 0; ///< stands in the request's text as `#number#`
  time_point at{};
  chat_request request;
  bool uses_tools = false;
  bool streamed = false; ///< with a sink
  manner sink = manner::prompt;
  std::optional<std::chrono::milliseconds> cancel_after{};
};

/// Who wants to know what the callers see.
class listener {
public:
  listener() = default;
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  virtual ~listener() = default;

  virtual void answered(std::uint64_t call, const chat_reply& reply) = 0;
  virtual void shown(std::uint64_t call, const delta_batch& batch) = 0;
};

/// What callers share.
struct surroundings {
  agenda& events;
  std::function<time_point()> now;
  listener& ear;
  dice& random;
};

/// Tells a sink or a tool to answer what it owes.
struct go_on {};
/// Tells a caller to cancel its call.
struct give_up {};

/// A call that has been made. Its sink ends when it is told to.
struct caller_handles {
  caf::actor caller;
  caf::actor sink; ///< null: not streamed
};

caller_handles make_call(caf::actor_system& system, const surroundings& around, const manager_actor& manager,
                         const planned_call& plan, std::shared_ptr<const tool_registry> tools);

/// A tool that mostly answers.
caf::actor make_tool(caf::actor_system& system, const surroundings& around);

} // namespace weir::simulation

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::simulation::go_on)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::simulation::give_up)
