// The loop of chat calls and tool calls of one request. Lives as long as the loop.
// Asks the manager like any caller; knows no provider and no wire format.
#pragma once

#include "actors/promise_guard.hpp"
#include "actors/tool_registry.hpp"

#include <weir/actors.hpp>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <optional>
#include <vector>

namespace weir::actors {

/// Private to the manager, who makes one for each loop.
using tool_loop_actor = caf::typed_actor<caf::replies_to<tool_request, delta_sink>::with<tool_reply>,
                                         caf::reacts_to<cancel_call>>;

class tool_loop_state {
public:
  explicit tool_loop_state(tool_loop_actor::pointer self) : self_(self) {}

  static constexpr const char* name = "weir.tool_loop";

  tool_loop_actor::behavior_type begin(manager_actor manager);

private:
  using promise = caf::typed_response_promise<tool_reply>;

  promise start(tool_request& work, delta_sink sink);
  void next_round();
  void hear(chat_reply reply);
  void run_tools();
  void run_more();
  void run(std::size_t at);
  void note(std::size_t at, tool_result result);
  void count_usage(const chat_reply& reply);
  void end(chat_reply reply);
  void end(failure error);
  void cancel();

  tool_loop_actor::pointer self_;
  manager_actor manager_;
  delta_sink sink_;
  std::optional<promise_guard<tool_reply>> answer_;
  tool_request work_;
  time_point deadline_{};
  tool_reply told_;
  std::vector<tool_call> calls_;                    ///< of this round
  std::vector<std::optional<tool_result>> results_; ///< in the order of the calls
  std::size_t begun_ = 0;
  std::size_t running_ = 0;
};

/// Spawn with `self->spawn<caf::monitored>(tool_loop, manager)`; ends by itself.
tool_loop_actor::behavior_type tool_loop(tool_loop_actor::stateful_pointer<tool_loop_state> self,
                                         manager_actor manager);

} // namespace weir::actors
