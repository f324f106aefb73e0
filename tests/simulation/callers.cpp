// The callers' behaviour. What they owe is kept on their own turn only, as promises must be.
#include "tests/simulation/callers.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace weir::simulation {

namespace {

template <class Answer>
using owed = std::shared_ptr<std::vector<caf::typed_response_promise<Answer>>>;

/// Later, the actor is told to answer. The handle is weak, since nobody may keep an actor beyond its system.
void wake(const surroundings& around, caf::event_based_actor* self, std::chrono::microseconds in) {
  around.events.at(around.now() + in, [who = caf::actor_cast<caf::weak_actor_ptr>(self)] {
    if (const auto alive = caf::actor_cast<caf::actor>(who))
      caf::anon_send(alive, go_on{});
  });
}

caf::behavior sink(caf::event_based_actor* self, surroundings around, std::uint64_t call, manner behaves) {
  const owed<more_deltas> debts = std::make_shared<owed<more_deltas>::element_type>();
  const auto left = std::make_shared<std::uint64_t>(around.random.below(4));
  return {[=](delta_batch& batch) -> caf::result<more_deltas> {
            around.ear.shown(call, batch);
            const bool last_straw = (*left)-- == 0;
            if (last_straw && behaves == manner::dies)
              self->quit(caf::exit_reason::user_shutdown);
            if (last_straw && behaves == manner::refuses)
              return caf::make_error(caf::sec::runtime_error);
            if (behaves != manner::slow && behaves != manner::stalls)
              return more_deltas{};
            auto promise = self->make_response_promise<more_deltas>();
            debts->push_back(promise);
            if (behaves == manner::slow)
              wake(around, self, std::chrono::microseconds{around.random.between(1'000, 2'000'000)});
            return promise;
          },
          [debts](go_on) {
            for (auto& each : std::exchange(*debts, {}))
              each.deliver(more_deltas{});
          }};
}

caf::behavior clock_tool(caf::event_based_actor* self, surroundings around) {
  const owed<tool_result> debts = std::make_shared<owed<tool_result>::element_type>();
  return {[=](tool_invocation&) -> caf::result<tool_result> {
            if (around.random.chance(700))
              return tool_result{"noon", false};
            if (around.random.chance(200))
              return caf::make_error(caf::sec::runtime_error);
            auto promise = self->make_response_promise<tool_result>();
            debts->push_back(promise);
            wake(around, self, std::chrono::microseconds{around.random.between(1'000, 5'000'000)});
            return promise;
          },
          [debts](go_on) {
            for (auto& each : std::exchange(*debts, {}))
              each.deliver(tool_result{"late", false});
          }};
}

chat_reply without_reply(const caf::error& reason) {
  chat_reply none;
  none.error = to_failure(reason);
  return none;
}

caf::behavior caller(caf::event_based_actor* self, surroundings around, manager_actor manager,
                     planned_call plan, caf::actor sink_of, std::shared_ptr<const tool_registry> tools) {
  const auto failed = [around, call = plan.number](const caf::error& reason) {
    around.ear.answered(call, without_reply(reason));
  };
  const auto heard = [around, call = plan.number](chat_reply& reply) { around.ear.answered(call, reply); };
  const call_id id = plan.request.id;
  if (plan.uses_tools) {
    tool_request work;
    work.request = std::move(plan.request);
    work.tools = std::move(tools);
    work.limits.tool_timeout = std::chrono::seconds{3};
    self->request(manager, caf::infinite, std::move(work))
        .then([around, call = plan.number](tool_reply& reply) { around.ear.answered(call, reply.reply); },
              failed);
  } else if (sink_of) {
    self->request(manager, caf::infinite, std::move(plan.request), caf::actor_cast<delta_sink>(sink_of))
        .then(heard, failed);
  } else {
    self->request(manager, caf::infinite, std::move(plan.request)).then(heard, failed);
  }
  return {[self, manager, id](give_up) { self->send(manager, cancel_call{id}); }};
}

} // namespace

caller_handles make_call(caf::actor_system& system, const surroundings& around, const manager_actor& manager,
                         const planned_call& plan, std::shared_ptr<const tool_registry> tools) {
  caller_handles made;
  if (plan.streamed)
    made.sink = system.spawn(sink, around, plan.number, plan.sink);
  made.caller = system.spawn(caller, around, manager, plan, made.sink, std::move(tools));
  return made;
}

caf::actor make_tool(caf::actor_system& system, const surroundings& around) {
  return system.spawn(clock_tool, around);
}

} // namespace weir::simulation
