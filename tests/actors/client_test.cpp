// The plain doorway under many threads, and while it closes: whoever asked is answered.
#include <weir/client.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;

namespace {

snapshot_ptr without_ledger() {
  auto config = std::make_shared<snapshot>();
  provider_config provider;
  provider.name = provider_name("p");
  provider.type = provider_type::generic;
  provider.base_url = "http://127.0.0.1:9/v1"; // nobody listens
  provider.models.push_back({});
  provider.models.back().name = model_name("m");
  config->providers.push_back(provider);
  config->default_provider = provider.name;
  config->enable_usage_tracking = false;
  config->retry.rules.clear();
  return config;
}

chat_request question() {
  chat_request request;
  request.model = model_name("m");
  request.messages.push_back(make_message(role::user, "Is it?"));
  return request;
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_test)

BOOST_AUTO_TEST_CASE(every_thread_is_answered_also_while_weir_stops) {
  for (int round = 0; round != 10; ++round) {
    auto weir = client::start(without_ledger()).value();
    std::atomic<int> asked = 0;
    std::atomic<int> answered = 0;
    std::atomic<bool> go_on = true;
    std::vector<std::thread> callers;
    for (int n = 0; n != 3; ++n)
      callers.emplace_back([&] {
        while (go_on) {
          ++asked;
          weir.chat(question(), [&](const chat_reply& reply) { answered += reply.success ? 0 : 1; });
          ++asked;
          answered += weir.chat(question()).get().error.has_value() ? 1 : 0;
          (void)weir.usage();
          (void)weir.health(false);
        }
      });
    std::this_thread::sleep_for(std::chrono::milliseconds{round});
    std::thread other([&] { weir.stop(); });
    weir.stop();
    BOOST_TEST((weir.chat(question()).get().error->type == errc::cancelled));
    BOOST_TEST(weir.usage().has_error());
    go_on = false;
    other.join();
    for (std::thread& each : callers)
      each.join();
    BOOST_TEST(answered == asked);
  }
}

BOOST_AUTO_TEST_SUITE_END()
