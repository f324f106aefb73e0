// What a `chat_stream` shares with the actor that calls for it.
// Knows no provider and no manager.
#pragma once

#include "actors/stream_caller.hpp"

#include <weir/chat_stream.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

namespace weir {

/// All members may be called from any thread.
struct chat_stream::implementation {
  void start(actors::stream_caller_actor by);
  std::optional<chat_delta> next();
  actors::sink_verdict put(std::vector<chat_delta> deltas);
  void end(chat_reply whole);
  void cancel();

  std::mutex lock;
  std::condition_variable news;
  std::deque<chat_delta> shelf; ///< arrived and not pulled; one batch, and the last one, at the most
  bool owes = false;            ///< the actor waits to hear that the shelf is empty
  std::optional<chat_reply> reply;
  actors::stream_caller_actor caller; ///< null: the call has ended
};

} // namespace weir
