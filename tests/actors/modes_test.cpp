// What weir does when it may not do everything: offline, read-only, by order and by cause. Time is virtual.
#include "tests/actors/stage.hpp"

#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

void order(stage& on, run_mode mode) {
  caf::anon_send(on.manager, set_mode{mode});
  on.run();
}

run_mode mode_of(stage& on) {
  return on.ask<health_report>(health_query{})->mode;
}

} // namespace

BOOST_AUTO_TEST_SUITE(modes_test)

BOOST_AUTO_TEST_CASE(offline_opens_no_socket_and_answers_questions) {
  auto config = providers({"a", "b"});
  config->mode = run_mode::offline;
  stage on(config);
  const auto n = on.call();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::offline));
  const auto report = on.ask<health_report>(health_query{.probe = true});
  BOOST_REQUIRE(report.has_value());
  BOOST_TEST((report->mode == run_mode::offline));
  BOOST_REQUIRE(report->refusing.has_value());
  BOOST_TEST((report->providers[0].probe_error->type == errc::offline));
  BOOST_TEST(on.ask<usage_report>(usage_query{}).has_value());
  BOOST_TEST(on.network->hosts.empty());
  BOOST_TEST(on.books().empty());
}

BOOST_AUTO_TEST_CASE(going_offline_lets_what_is_on_the_wire_end_and_sends_nothing_more) {
  auto config = providers({"a", "b"});
  config->providers[0].max_concurrency = 1;
  stage on(config);
  const auto sent = on.call();
  const auto queued = on.call();
  order(on, run_mode::offline);
  BOOST_REQUIRE(on.replies[queued].has_value());
  BOOST_TEST((on.replies[queued]->error->type == errc::offline));
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[sent]->success);
  order(on, run_mode::normal);
  const auto again = on.call();
  on.network->answer(503);
  on.run();
  order(on, run_mode::offline); // in back-off
  on.advance(20s);
  BOOST_TEST((on.replies[again]->error->type == errc::offline));
  BOOST_TEST(on.replies[again]->metadata.attempts.size() == 1U); // no other was even begun
  BOOST_TEST(on.network->hosts.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_provider_that_dies_while_offline_is_offline_again) {
  stage on(providers({"a"}));
  on.network->throws = true;
  on.call();
  order(on, run_mode::offline);
  on.network->throws = false;
  on.advance(20s);
  const auto report = on.ask<health_report>(health_query{.probe = true});
  BOOST_TEST(report->providers[0].restarts > 0U);
  BOOST_TEST((report->providers[0].probe_error->type == errc::offline));
  BOOST_TEST(on.network->hosts.empty());
}

BOOST_AUTO_TEST_CASE(read_only_refuses_calls_and_books_what_was_begun) {
  stage on(providers({"a"}));
  const auto begun = on.call();
  order(on, run_mode::read_only);
  const auto refused = on.call();
  BOOST_TEST((on.replies[refused]->error->type == errc::read_only));
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[begun]->success);
  BOOST_TEST(on.books().size() == 1U);
  BOOST_TEST((mode_of(on) == run_mode::read_only));
}

BOOST_AUTO_TEST_CASE(a_ledger_that_cannot_be_written_makes_weir_read_only_until_it_can) {
  stage on(providers({"a"}));
  const auto paid = on.call();
  on.ledger->broken = true;
  on.network->complete();
  on.advance(100ms);
  BOOST_TEST(!on.replies[paid].has_value()); // its settlement is not durable
  const auto refused = on.call();
  BOOST_REQUIRE(on.replies[refused].has_value());
  BOOST_TEST((on.replies[refused]->error->type == errc::read_only));
  BOOST_TEST(on.replies[refused]->error->vendor_message.find("the disk is full") != std::string::npos);
  BOOST_TEST((mode_of(on) == run_mode::read_only));
  order(on, run_mode::normal); // an order does not mend a disk
  BOOST_TEST((mode_of(on) == run_mode::read_only));
  on.ledger->broken = false;
  on.advance(2s);
  BOOST_TEST((mode_of(on) == run_mode::normal));
  BOOST_TEST(on.replies[paid]->success);
  BOOST_TEST(on.books().size() == 1U);
  const auto welcome = on.call();
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[welcome]->success);
}

BOOST_AUTO_TEST_CASE(with_spooling_a_broken_ledger_refuses_nobody_until_the_spool_is_full) {
  auto config = providers({"a"});
  config->ledger.refuse_when_broken = false;
  config->ledger.max_pending = 6; // two records of each call
  stage on(config);
  on.ledger->broken = true;
  for (int n = 0; n != 3; ++n) {
    on.call();
    on.network->complete();
    on.run();
    on.advance(100ms);
  }
  BOOST_TEST(on.network->hosts.size() == 3U);
  const auto refused = on.call();
  BOOST_TEST((on.replies[refused]->error->type == errc::storage));
}

BOOST_AUTO_TEST_CASE(an_order_holds_until_a_reload_with_another_mode) {
  auto config = providers({"a"});
  stage on(config);
  order(on, run_mode::offline);
  caf::anon_send(on.manager, snapshot_ptr(std::make_shared<const snapshot>(*config)));
  on.run();
  BOOST_TEST((mode_of(on) == run_mode::offline));
  auto next = std::make_shared<snapshot>(*config);
  next->mode = run_mode::read_only;
  caf::anon_send(on.manager, snapshot_ptr(next));
  on.run();
  BOOST_TEST((mode_of(on) == run_mode::read_only));
  next = std::make_shared<snapshot>(*config);
  caf::anon_send(on.manager, snapshot_ptr(next));
  on.run();
  BOOST_TEST((mode_of(on) == run_mode::normal));
}

BOOST_AUTO_TEST_CASE(who_dies_again_and_again_is_started_after_longer_and_longer_rests) {
  stage on(providers({"a"}));
  on.network->throws = true;
  chat_request request = stage::question();
  request.timeout = 120s;
  for (int n = 0; n != 40; ++n) {
    on.call(request);
    on.advance(500ms);
  }
  const auto restarts = on.ask<health_report>(health_query{})->providers[0].restarts;
  BOOST_TEST(restarts > 4U);
  BOOST_TEST(restarts < 12U); // 0, 0, 100, 200, 400, 800, 1,600, 3,200, 6,400 ms
  on.network->throws = false;
  on.network->on_post = [](tests::fake_network& network) { network.complete(); };
  on.advance(20s);
  const auto n = on.call();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->success);
}

BOOST_AUTO_TEST_SUITE_END()
