// The reply comes through the same mailbox as the deltas, so it is told after the last of them.
#include "actors/stream_caller.hpp"

#include <utility>

namespace weir::actors {

namespace {

tool_reply stopped_reply() {
  tool_reply reply;
  reply.reply.error = make_failure(errc::cancelled, "weir has stopped");
  return reply;
}

} // namespace

stream_caller_actor::behavior_type
stream_caller(stream_caller_actor::stateful_pointer<stream_caller_state> self, manager_actor manager,
              stream_caller_state::question asked, stream_caller_state::deltas_handler show,
              stream_caller_state::end_handler done) {
  return self->state.begin(std::move(manager), std::move(asked), std::move(show), std::move(done));
}

stream_caller_state::~stream_caller_state() {
  tell(stopped_reply());
}

stream_caller_actor::behavior_type stream_caller_state::begin(manager_actor manager, question asked,
                                                              deltas_handler show, end_handler done) {
  show_ = std::move(show);
  done_ = std::move(done);
  const auto end = [this](tool_reply reply) {
    tell(std::move(reply));
    self_->quit(caf::exit_reason::normal);
  };
  const auto lost = [end](const caf::error&) { end(stopped_reply()); };
  const delta_sink sink = show_ ? caf::actor_cast<delta_sink>(self_) : delta_sink();
  call_id id;
  if (auto* const chat = std::get_if<chat_request>(&asked)) {
    id = chat->id;
    self_->request(manager, caf::infinite, std::move(*chat), sink)
        .then(
            [end](chat_reply& reply) {
              tool_reply told;
              told.reply = std::move(reply);
              end(std::move(told));
            },
            lost);
  } else {
    auto& loop = std::get<tool_request>(asked);
    id = loop.request.id;
    self_->request(manager, caf::infinite, std::move(loop), sink)
        .then([end](tool_reply& reply) { end(std::move(reply)); }, lost);
  }
  return {
      [this](delta_batch& batch) { return take(batch); },
      [this](pulled) {
        if (owed_.pending())
          owed_.deliver(more_deltas{});
      },
      [this, manager, id](abandoned) {
        self_->send(manager, cancel_call{id});
        if (owed_.pending())
          owed_.deliver(more_deltas{});
      },
  };
}

stream_caller_state::credit stream_caller_state::take(delta_batch& batch) {
  credit answer = self_->make_response_promise<more_deltas>();
  switch (show_(std::move(batch.deltas))) {
  case sink_verdict::more:
    answer.deliver(more_deltas{});
    break;
  case sink_verdict::wait:
    owed_ = answer;
    break;
  case sink_verdict::stop:
    answer.deliver(to_error(make_failure(errc::cancelled, "the caller wants no more")));
    break;
  }
  return answer;
}

void stream_caller_state::tell(tool_reply reply) {
  if (const auto done = std::exchange(done_, nullptr))
    done(std::move(reply));
}

} // namespace weir::actors
