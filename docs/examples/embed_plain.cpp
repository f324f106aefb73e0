// weir in a program without actors. Needs a `weir.toml`.
#include <weir/client.hpp>

#include <iostream>

int main(int argc, char** argv) {
  auto weir = weir::client::start(weir::load_config(argc > 1 ? argv[1] : "weir.toml").value()).value();

  weir::chat_request request;
  request.messages.push_back(weir::make_message(weir::role::user, "Which ocean contains Bouvet Island?"));
  weir::chat_reply reply = weir.chat(request).get();

  std::cout << (reply.success ? reply.content : to_string(*reply.error)) << '\n';
  return reply.success ? 0 : 1;
}
