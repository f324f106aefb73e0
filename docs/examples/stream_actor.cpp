// A streamed call inside an actor system: the caller is the sink of its deltas. Needs a `weir.toml`.
#include <weir/runtime.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <iostream>

namespace {

weir::delta_sink::behavior_type reader(weir::delta_sink::pointer self, weir::manager_actor manager) {
  weir::chat_request request;
  request.messages.push_back(weir::make_message(weir::role::user, "Which ocean contains Bouvet Island?"));
  self->request(manager, caf::infinite, request, weir::delta_sink(self))
      .then(
          [self](const weir::chat_reply& reply) {
            std::cout << (reply.success ? "" : to_string(*reply.error)) << '\n';
            self->quit();
          },
          [self](const caf::error& error) {
            std::cerr << weir::to_failure(error).message << '\n';
            self->quit();
          });
  return {[](const weir::delta_batch& batch) {
    for (const weir::chat_delta& delta : batch.deltas)
      if (delta.type == weir::chat_delta::kind::content)
        std::cout << delta.text << std::flush;
    return weir::more_deltas{}; // the next batch may come
  }};
}

} // namespace

int main(int argc, char** argv) {
  caf::actor_system_config options;
  options.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system system{options};

  auto config = weir::load_config(argc > 1 ? argv[1] : "weir.toml").value();
  auto weir = weir::runtime::start(system, config).value();
  caf::scoped_actor self{system};
  self->wait_for(system.spawn(reader, weir->manager()));
}
