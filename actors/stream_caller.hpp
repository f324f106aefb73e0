// Calls the manager for a stream, or for a loop of tool calls, on behalf of somebody who is no actor, and is
// the sink of its deltas. Knows two functions: what to do with deltas, and whom to tell the end.
#pragma once

#include <weir/actors.hpp>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <variant>
#include <vector>

namespace weir::actors {

/// What becomes of the credit.
enum class sink_verdict : std::uint8_t {
  more, ///< the next batch may come
  wait, ///< not before `pulled`
  stop, ///< the call is to be cancelled
};

/// "I have read everything": the next batch may come.
struct pulled {};
/// "I want no more": the call is cancelled.
struct abandoned {};

} // namespace weir::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::abandoned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::pulled)

namespace weir::actors {

using stream_caller_actor = delta_sink::extend<caf::reacts_to<pulled>, caf::reacts_to<abandoned>>;

class stream_caller_state {
public:
  using deltas_handler = std::function<sink_verdict(std::vector<chat_delta>)>;
  using question = std::variant<chat_request, tool_request>;
  /// Of a chat call, only `reply` is set.
  using end_handler = std::function<void(tool_reply)>;

  explicit stream_caller_state(stream_caller_actor::pointer self) : self_(self) {}
  stream_caller_state(const stream_caller_state&) = delete;
  stream_caller_state& operator=(const stream_caller_state&) = delete;
  ~stream_caller_state();

  static constexpr const char* name = "weir.stream_caller";

  stream_caller_actor::behavior_type begin(manager_actor manager, question asked, deltas_handler show,
                                           end_handler done);

private:
  using credit = caf::typed_response_promise<more_deltas>;

  credit take(delta_batch& batch);
  void tell(tool_reply reply);

  stream_caller_actor::pointer self_;
  deltas_handler show_;
  end_handler done_; ///< null: told
  credit owed_;
};

/// Spawn with `system.spawn(stream_caller, manager, asked, show, done)`. Both functions run on a thread of
/// weir's and must neither block nor throw; `done` is called once. The request needs an id. `show` null: a
/// loop is not streamed.
stream_caller_actor::behavior_type
stream_caller(stream_caller_actor::stateful_pointer<stream_caller_state> self, manager_actor manager,
              stream_caller_state::question asked, stream_caller_state::deltas_handler show,
              stream_caller_state::end_handler done);

} // namespace weir::actors
