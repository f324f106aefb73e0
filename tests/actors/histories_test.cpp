// Random hours: providers that fail in every way, deaths, reloads, a disk that comes and goes. Whatever
// happens, every call ends once and by its deadline, and every request that was on the wire is booked once.
#include "tests/actors/stage.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

/// Does one random thing.
void disturb(stage& on, std::mt19937_64& random) {
  tests::fake_network& net = *on.network;
  switch (random() % 16) {
  case 0:
    net.fail(errc::network, outcome::not_sent);
    break;
  case 1:
    net.fail(errc::network, outcome::unknown);
    break;
  case 2:
    net.fail(errc::timeout, outcome::unknown);
    break;
  case 3:
    net.answer(429, "{}", {{"retry-after", std::to_string(random() % 5)}});
    break;
  case 4:
    net.answer(500 + static_cast<int>(random() % 5));
    break;
  case 5:
    net.answer(401);
    break;
  case 6:
    net.answer(200, "{\"nonsense\":true}");
    break;
  case 7:
    on.ledger->broken = !on.ledger->broken;
    break;
  case 8:
    caf::anon_send(on.manager,
                   snapshot_ptr(providers(random() % 2 == 0 ? std::vector<std::string>{"a", "b"}
                                                            : std::vector<std::string>{"b", "c"})));
    break;
  case 9:
    net.throws = random() % 4 == 0;
    break;
  default:
    net.complete();
  }
  on.run();
}

} // namespace

BOOST_AUTO_TEST_SUITE(histories_test)

BOOST_AUTO_TEST_CASE(every_call_ends_once_and_every_attempt_is_booked_once) {
  const auto first = std::random_device{}() % 1'000'000;
  for (std::uint64_t seed = first; seed != first + 20; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 random(seed);
      stage on(providers({"a", "b"}), seed);
      for (int step = 0; step != 600; ++step) {
        if (random() % 3 == 0 && on.replies.size() < 100) {
          chat_request request = stage::question();
          request.timeout = 60s;
          on.call(std::move(request));
        }
        disturb(on, random);
        on.advance(std::chrono::milliseconds{static_cast<std::int64_t>(random() % 300)});
      }
      on.network->throws = false;
      on.ledger->broken = false;
      on.advance(61s);
      std::set<attempt_id> in_replies;
      for (const auto& reply : on.replies) {
        BOOST_REQUIRE(reply.has_value());
        BOOST_REQUIRE(reply->success == !reply->error.has_value());
        BOOST_REQUIRE((reply->metadata.latency <= 61s));
        for (const attempt_info& each : reply->metadata.attempts)
          BOOST_REQUIRE(in_replies.insert(each.id).second);
      }
      std::set<attempt_id> booked;
      for (const usage_record& each : on.books())
        BOOST_REQUIRE(booked.insert(each.id).second);
      BOOST_REQUIRE((booked == in_replies));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
