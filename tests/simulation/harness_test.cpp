// The harness's own parts: order of time, chance, what hosts say and read.
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/random_config.hpp"
#include "tests/simulation/trace.hpp"
#include "tests/simulation/wire.hpp"

#include "protocols/codec.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace weir;
using namespace weir::simulation;
using namespace std::chrono_literals;

namespace {

provider_config provider_of(provider_type type) {
  provider_config made;
  made.name = provider_name("a");
  made.type = type;
  made.base_url = "http://a/v1";
  made.api_key = secret("key-a-1");
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(harness_test)

BOOST_AUTO_TEST_CASE(events_happen_in_order_of_time_and_then_of_noting) {
  agenda events;
  std::string order;
  const time_point begin{};
  events.at(begin + 2ms, [&] { order += 'c'; });
  events.at(begin + 1ms, [&] { order += 'a'; });
  events.at(begin + 1ms, [&] { order += 'b'; });
  BOOST_TEST(!events.run_one(begin));
  while (events.run_one(begin + 2ms)) {
  }
  BOOST_TEST(order == "abc");
  BOOST_TEST((events.next() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(chance_stays_within_its_bounds) {
  dice random(1);
  bool low = false;
  bool high = false;
  for (int n = 0; n != 1'000; ++n) {
    const auto seen = random.between(3, 5);
    BOOST_REQUIRE((seen >= 3 && seen <= 5));
    low = low || seen == 3;
    high = high || seen == 5;
    BOOST_REQUIRE(!random.chance(0));
    BOOST_REQUIRE(random.chance(1'000));
  }
  BOOST_TEST((low && high));
}

BOOST_AUTO_TEST_CASE(a_trace_tells_two_histories_apart) {
  trace first(false);
  trace second(false);
  first.note(time_point{1ms}, "post", 1, "a");
  second.note(time_point{1ms}, "post", 1, "a");
  BOOST_TEST(first.hash() == second.hash());
  first.note(time_point{2ms}, "post", 2);
  second.note(time_point{3ms}, "post", 2);
  BOOST_TEST(first.hash() != second.hash());
}

BOOST_AUTO_TEST_CASE(hosts_read_what_codecs_write) {
  for (const auto type : {provider_type::openai, provider_type::claude}) {
    const auto codec = protocols::make_codec(provider_of(type), wire_of(provider_of(type)).api);
    BOOST_REQUIRE(codec.has_value());
    chat_request request;
    request.model = model_name("m");
    request.messages.push_back(make_message(role::user, "#17#"));
    request.max_tokens = 100;
    request.stream = true;
    const auto sent = (*codec)->encode_chat(request);
    BOOST_REQUIRE(sent.has_value());
    const asked seen = read_request(*sent);
    BOOST_TEST(seen.has_call);
    BOOST_TEST(seen.call == 17U);
    BOOST_TEST(seen.model == "m");
    BOOST_TEST(seen.key == "key-a-1");
    BOOST_TEST(!seen.has_tools);
    BOOST_TEST((seen.speaks == dialect::messages) == (type == provider_type::claude));
  }
}

BOOST_AUTO_TEST_CASE(codecs_read_what_hosts_say) {
  for (const auto type : {provider_type::openai, provider_type::claude}) {
    const dialect speaks = type == provider_type::claude ? dialect::messages : dialect::chat;
    const auto codec = protocols::make_codec(provider_of(type), wire_of(provider_of(type)).api);
    const spoken said{7, 2, {"so ", "it is"}, false, true, true};
    const auto whole = (*codec)->decode_chat({200, {}, reply_body(speaks, said)}, {});
    BOOST_REQUIRE(whole.has_value());
    BOOST_TEST(whole->content == "so it is");
    BOOST_TEST(whole->usage.prompt_tokens == 7U);
    const auto decoder = (*codec)->decode_stream({200, {{"content-type", "text/event-stream"}}, {}}, {});
    std::vector<chat_delta> deltas;
    for (const std::string& each : stream_events(speaks, said))
      decoder->feed(each, deltas);
    const auto streamed = decoder->finish(deltas);
    BOOST_REQUIRE(streamed.has_value());
    BOOST_TEST(streamed->content == "so it is");
    BOOST_TEST(streamed->usage.completion_tokens == 2U);
  }
}

BOOST_AUTO_TEST_CASE(random_configurations_are_sound) {
  dice random(1);
  for (int n = 0; n != 200; ++n) {
    std::shared_ptr<snapshot> config = random_config(random);
    for (int reload = 0; reload != 3; ++reload) {
      BOOST_REQUIRE(!config->providers.empty());
      BOOST_REQUIRE(config->find(config->default_provider) != nullptr);
      BOOST_REQUIRE(config->find(config->default_provider)->enabled);
      for (const route_config& route : config->routes)
        for (const route_candidate& each : route.candidates) {
          const provider_config* const provider = config->find(each.provider);
          BOOST_REQUIRE(provider != nullptr);
          BOOST_REQUIRE(offers(*provider, each.model));
        }
      BOOST_REQUIRE((config->breaker.max_open_time >= config->breaker.open_time));
      config = changed_config(random, *config);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
