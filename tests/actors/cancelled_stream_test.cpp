// Streams that nobody reads any more: read on for their usage, within bounds. Time is virtual.
#include "tests/actors/stage.hpp"

#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

std::string piece(const std::string& text) {
  return R"(data: {"id":"c1","choices":[{"index":0,"delta":{"content":")" + text + "\"}}]}\n\n";
}

const std::string finish = R"(data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],)"
                           R"("usage":{"prompt_tokens":10,"completion_tokens":500,"total_tokens":510}})"
                           "\n\ndata: [DONE]\n\n";

std::shared_ptr<snapshot> draining() {
  auto config = providers({"a"});
  config->ledger.cancel_drain_time = 5s;
  return config;
}

chat_request with_id(std::uint64_t number) {
  chat_request request = stage::question();
  request.id = call_id{make_id128(1, 2, number)};
  return request;
}

/// A stream that is cancelled when some of it has come.
std::size_t cancelled(stage& on, std::uint64_t number = 1) {
  const auto n = on.stream(with_id(number));
  on.network->wire.back().receiver->on_head({200, {{"Content-Type", "text/event-stream"}}, {}});
  on.network->wire.back().receiver->on_body(piece("Hello there"));
  on.run();
  caf::anon_send(on.manager, cancel_call{with_id(number).id});
  on.run();
  return n;
}

} // namespace

BOOST_AUTO_TEST_SUITE(cancelled_stream_test)

BOOST_AUTO_TEST_CASE(it_is_answered_at_once_and_booked_by_what_the_provider_reports) {
  stage on(draining());
  const auto n = cancelled(on);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::cancelled));
  BOOST_TEST(on.network->cancelled == 0U);
  BOOST_TEST(on.ledger->records.empty());
  BOOST_TEST(on.ledger->intents.size() == 1U);
  on.network->send(piece(" and more") + finish);
  on.run();
  BOOST_TEST(on.streams[n]->text() == "Hello there"); // nothing more is shown
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  const usage_record& record = on.books().front();
  BOOST_TEST((record.state == record_state::settled));
  BOOST_TEST((record.usage.source == metering::reported));
  BOOST_TEST(record.usage.completion_tokens == 500U);
  BOOST_TEST(to_decimal(*record.cost) == "0.0303");
  BOOST_TEST(on.ledger->intents.empty());
  BOOST_TEST(on.ask<health_report>(health_query{})->providers[0].in_flight == 0U);
}

BOOST_AUTO_TEST_CASE(it_is_read_on_although_its_sink_held_it_up) {
  stage on(draining());
  const auto n = on.stream(with_id(1));
  on.streams[n]->stalls = true;
  on.network->begin_stream();
  for (int more = 0; more != 5; ++more) {
    on.network->send(piece(std::string(20'000, 'a')));
    on.run();
  }
  const auto granted = on.network->granted;
  caf::anon_send(on.manager, cancel_call{with_id(1).id});
  on.run();
  BOOST_TEST(on.network->granted > granted);
}

BOOST_AUTO_TEST_CASE(it_is_cut_off_in_time_and_booked_by_our_own_count) {
  stage on(draining());
  cancelled(on);
  on.advance(4900ms);
  BOOST_TEST(on.network->cancelled == 0U);
  on.advance(200ms);
  BOOST_TEST(on.network->cancelled == 1U);
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  const usage_record& record = on.books().front();
  BOOST_TEST((record.state == record_state::unknown));
  BOOST_TEST((record.usage.source == metering::estimated));
  BOOST_TEST(record.usage.prompt_tokens > 0U);
  BOOST_TEST(record.usage.completion_tokens > 0U);
  BOOST_TEST(record.cost_limit.has_value());
  BOOST_TEST(!record.cost.has_value());
}

BOOST_AUTO_TEST_CASE(only_so_many_are_read_on_at_a_time) {
  auto config = draining();
  config->ledger.max_draining = 2;
  stage on(config);
  for (std::uint64_t number = 1; number != 5; ++number)
    cancelled(on, number);
  BOOST_TEST(on.network->cancelled == 2U);
  BOOST_TEST(on.network->wire.size() == 2U);
  on.network->send(finish);
  on.run();
  cancelled(on, 9); // there is room again
  BOOST_TEST(on.network->cancelled == 2U);
}

BOOST_AUTO_TEST_CASE(a_sink_that_ends_is_a_caller_who_went_away) {
  stage on(draining());
  const auto n = on.stream(with_id(1));
  on.network->begin_stream();
  on.network->send(piece("Hello"));
  on.run();
  caf::anon_send_exit(on.streams[n]->handle, caf::exit_reason::kill);
  on.run();
  BOOST_TEST(on.network->cancelled == 0U);
  on.network->send(finish);
  on.run();
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  BOOST_TEST(on.books().front().usage.completion_tokens == 500U);
}

BOOST_AUTO_TEST_CASE(one_that_has_not_begun_is_cut_off_at_once) {
  stage on(draining());
  on.stream(with_id(1));
  caf::anon_send(on.manager, cancel_call{with_id(1).id});
  on.run();
  BOOST_TEST(on.network->cancelled == 1U);
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  BOOST_TEST(on.books().front().usage.prompt_tokens > 0U);
}

BOOST_AUTO_TEST_CASE(an_actor_that_ends_meanwhile_books_what_it_knows) {
  stage on(draining());
  cancelled(on);
  auto next = std::make_shared<snapshot>(*providers({"b"}));
  next->version = 2;
  caf::anon_send(on.manager, snapshot_ptr(next)); // "a" is gone
  on.run();
  on.advance(6s);
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  BOOST_TEST((on.books().front().state == record_state::unknown));
  BOOST_TEST(on.ledger->intents.empty());
}

BOOST_AUTO_TEST_SUITE_END()
