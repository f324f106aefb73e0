// A call whose tools are run until the model has its answer. Needs a `weir.toml`.
#include <weir/client.hpp>
#include <weir/tools.hpp>

#include <iostream>

int main(int argc, char** argv) {
  auto weir = weir::client::start(weir::load_config(argc > 1 ? argv[1] : "weir.toml").value()).value();

  weir::tool clock;
  clock.name = "current_time";
  clock.description = "Tells the time in a city.";
  clock.parameters = R"({"type":"object","properties":{"city":{"type":"string"}},"required":["city"]})";
  auto tools = std::make_shared<weir::tool_registry>();
  tools
      ->add(clock,
            [](const weir::tool_invocation& call) {
              std::cout << "the model asks: " << call.arguments << '\n';
              return weir::tool_result{"It is noon.", false};
            })
      .value();

  weir::tool_request request;
  request.request.messages.push_back(weir::make_message(weir::role::user, "What time is it in Oslo?"));
  request.tools = tools;
  const weir::tool_reply told = weir.call_with_tools(request).get();

  std::cout << (told.reply.success ? told.reply.content : to_string(*told.reply.error)) << '\n';
  return told.reply.success ? 0 : 1;
}
