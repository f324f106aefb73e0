// A ceiling on what one call may cost: refused unsent, or its stream ended. Time is virtual.
#include "tests/actors/stage.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

std::string piece(const std::string& text) {
  return R"(data: {"id":"c1","choices":[{"index":0,"delta":{"content":")" + text + "\"}}]}\n\n";
}

chat_request costing(std::int64_t picos) {
  chat_request request = stage::question();
  request.max_cost = money{picos, *currency::parse("USD")};
  return request;
}

constexpr std::int64_t cent = picos_per_unit / 100;

} // namespace

BOOST_AUTO_TEST_SUITE(max_cost_test)

BOOST_AUTO_TEST_CASE(a_call_that_could_pass_it_is_not_sent) {
  stage on(providers({"a", "b"}));
  const auto n = on.call(costing(cent / 10)); // 100 tokens of output may cost 0.6 cent
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::budget_exceeded));
  BOOST_TEST(on.replies[n]->error->message.find("max_cost") != std::string::npos);
  BOOST_TEST(on.network->hosts.empty());
  const auto enough = on.call(costing(cent));
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[enough]->success);
}

BOOST_AUTO_TEST_CASE(what_earlier_attempts_may_have_cost_counts) {
  stage on(providers({"a"}));
  const auto n = on.call(costing(cent)); // one attempt is within it, two are not
  on.network->fail(errc::network, outcome::unknown);
  on.advance(20s);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::budget_exceeded));
  BOOST_TEST(on.network->hosts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_stream_that_would_pass_it_is_ended) {
  stage on(providers({"a"}));
  chat_request request = costing(cent / 4); // some 40 tokens
  request.max_tokens = 1000;
  const auto n = on.stream(request);
  on.network->begin_stream();
  int pieces = 0;
  for (; pieces != 200 && !on.replies[n]; ++pieces) {
    on.network->send(piece(" word"));
    on.run();
  }
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::budget_exceeded));
  BOOST_TEST(pieces > 10);
  BOOST_TEST(pieces < 60);
  BOOST_TEST(on.network->cancelled == 1U);
  BOOST_TEST(on.replies[n]->content.starts_with(" word word"));
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  BOOST_TEST((on.books().front().state == record_state::unknown));
  BOOST_TEST(on.books().front().usage.completion_tokens > 10U);
}

BOOST_AUTO_TEST_CASE(pieces_that_come_while_the_sink_is_slow_are_counted_too) {
  stage on(providers({"a"}));
  chat_request request = costing(cent / 4);
  request.max_tokens = 1000;
  const auto n = on.stream(request);
  on.streams[n]->stalls = true;
  on.network->begin_stream();
  int pieces = 0;
  for (; pieces != 200 && on.network->cancelled == 0; ++pieces) {
    on.network->send(piece(" word"));
    on.run();
  }
  BOOST_TEST(pieces < 60);
}

BOOST_AUTO_TEST_CASE(without_a_price_nobody_is_asked) {
  auto config = providers({"a"});
  config->providers[0].models[0].prices.reset();
  stage on(config);
  const auto n = on.call(costing(cent));
  BOOST_TEST((on.replies[n]->error->type == errc::budget_exceeded));
  BOOST_TEST(on.network->hosts.empty());
}

BOOST_AUTO_TEST_SUITE_END()
