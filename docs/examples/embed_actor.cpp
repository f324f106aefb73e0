// weir inside an agent runtime that has an actor system of its own. Needs a `weir.toml`.
#include <weir/runtime.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include <iostream>

int main(int argc, char** argv) {
  caf::actor_system_config options;
  options.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system system{options};

  auto config = weir::load_config(argc > 1 ? argv[1] : "weir.toml").value();
  auto weir = weir::runtime::start(system, config).value();

  weir::chat_request request;
  request.messages.push_back(weir::make_message(weir::role::user, "Which ocean contains Bouvet Island?"));
  caf::scoped_actor self{system};
  self->request(weir->manager(), caf::infinite, request)
      .receive([](const weir::chat_reply& reply) { std::cout << reply.content << '\n'; },
               [](const caf::error& error) { std::cerr << weir::to_failure(error).message << '\n'; });
}
