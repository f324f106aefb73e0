// A streamed call in a program without actors, pulled delta by delta. Needs a `weir.toml`.
#include <weir/client.hpp>

#include <iostream>

int main(int argc, char** argv) {
  auto weir = weir::client::start(weir::load_config(argc > 1 ? argv[1] : "weir.toml").value()).value();

  weir::chat_request request;
  request.messages.push_back(weir::make_message(weir::role::user, "Which ocean contains Bouvet Island?"));
  weir::chat_stream stream = weir.open_stream(request);
  for (const weir::chat_delta& delta : stream)
    if (delta.type == weir::chat_delta::kind::content)
      std::cout << delta.text << std::flush;

  const weir::chat_reply& reply = stream.reply();
  std::cout << (reply.success ? "" : to_string(*reply.error)) << '\n';
  return reply.success ? 0 : 1;
}
