// The accumulator: batches, failing disks, questions.
#include "tests/actors/stage.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

/// A network that answers every request at once.
void answer_all(stage& on) {
  on.network->on_post = [](tests::fake_network& network) { network.complete(); };
}

/// Records are committed by count and delay.
std::shared_ptr<snapshot> relaxed() {
  auto config = providers({"a"});
  config->ledger.durability = durability::relaxed;
  return config;
}

/// Calls are welcome although the ledger cannot be written.
std::shared_ptr<snapshot> spooling() {
  auto config = providers({"a"});
  config->ledger.refuse_when_broken = false;
  return config;
}

} // namespace

BOOST_AUTO_TEST_SUITE(books_test)

BOOST_AUTO_TEST_CASE(a_batch_is_committed_when_it_is_full) {
  auto config = relaxed();
  config->ledger.batch_records = 6; // two of each call
  config->ledger.batch_delay = 60s;
  stage on(config);
  answer_all(on);
  on.call();
  on.call();
  BOOST_TEST(on.ledger->batches.empty());
  on.call();
  BOOST_TEST((on.ledger->batches == std::vector<std::size_t>{6}));
}

BOOST_AUTO_TEST_CASE(a_batch_is_committed_when_its_time_has_come) {
  auto config = relaxed();
  config->ledger.batch_delay = 50ms;
  stage on(config);
  answer_all(on);
  on.call();
  on.call();
  on.advance(40ms);
  BOOST_TEST(on.ledger->batches.empty());
  on.advance(20ms);
  BOOST_TEST((on.ledger->batches == std::vector<std::size_t>{4}));
}

BOOST_AUTO_TEST_CASE(a_question_sees_everything_that_was_booked_before_it) {
  auto config = relaxed();
  config->ledger.batch_delay = 60s;
  stage on(config);
  answer_all(on);
  for (int n = 0; n != 5; ++n)
    on.call();
  const auto report = on.ask<usage_report>(usage_query{});
  BOOST_REQUIRE(report.has_value());
  BOOST_TEST(report->summaries[0].total_requests == 5U);
  BOOST_TEST(report->summaries[0].total_tokens == 75U);
}

BOOST_AUTO_TEST_CASE(memory_knows_the_totals_since_the_start_without_the_disk) {
  stage on(spooling());
  on.ledger->broken = true;
  answer_all(on);
  on.call();
  const auto report = on.ask<usage_report>(usage_query{{}, true});
  BOOST_REQUIRE(report.has_value());
  BOOST_TEST(report->summaries[0].successful_requests == 1U);
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_loses_nothing_and_recovers_by_itself) {
  stage on(spooling());
  answer_all(on);
  on.ledger->broken = true;
  for (int n = 0; n != 7; ++n) {
    on.call();
    on.advance(500ms);
  }
  BOOST_TEST(on.ledger->records.empty());
  auto health = on.ask<health_report>(health_query{});
  BOOST_REQUIRE(health.has_value());
  BOOST_TEST(health->ledger.pending == 14U); // an intent and an end of each
  BOOST_TEST((health->ledger.error->type == errc::storage));
  on.ledger->broken = false;
  on.advance(1200ms);
  BOOST_TEST(on.ledger->records.size() == 7U);
  health = on.ask<health_report>(health_query{});
  BOOST_TEST(health->ledger.pending == 0U);
  BOOST_TEST(!health->ledger.error.has_value());
}

BOOST_AUTO_TEST_CASE(a_flush_tries_once_more_before_it_gives_up) {
  stage on(spooling());
  answer_all(on);
  on.ledger->broken = true;
  on.call();
  on.advance(100ms); // failed once, and would be tried again in a second
  on.call();
  const auto gave_up = on.ask<flushed>(flush{});
  BOOST_REQUIRE(gave_up.has_value());
  BOOST_TEST(gave_up->pending == 4U);
  on.ledger->broken = false;
  const auto done = on.ask<flushed>(flush{});
  BOOST_REQUIRE(done.has_value());
  BOOST_TEST(done->pending == 0U);
  BOOST_TEST(on.ledger->records.size() == 2U);
}

BOOST_AUTO_TEST_CASE(one_record_that_the_ledger_never_takes_does_not_keep_the_others_out) {
  auto config = relaxed();
  config->ledger.batch_delay = 60s;
  stage on(config);
  answer_all(on);
  for (int n = 0; n != 20; ++n) {
    on.network->reply_fields = n == 7 || n == 13 ? http_fields{{"x-request-id", "poison"}} : http_fields{};
    on.call();
  }
  const auto done = on.ask<flushed>(flush{});
  BOOST_REQUIRE(done.has_value());
  BOOST_TEST(done->pending == 0U);
  BOOST_TEST(on.ledger->records.size() == 18U);
  BOOST_TEST(on.ask<health_report>(health_query{})->ledger.refused == 2U);
  on.network->reply_fields = {};
  on.call();
  BOOST_TEST(on.ask<flushed>(flush{})->pending == 0U);
  BOOST_TEST(on.ledger->records.size() == 19U);
}

BOOST_AUTO_TEST_CASE(books_that_cannot_follow_refuse_new_calls_until_they_can) {
  auto config = spooling();
  config->ledger.max_pending = 8;
  stage on(config);
  answer_all(on);
  on.ledger->broken = true;
  for (int n = 0; n != 4; ++n)
    BOOST_TEST(on.replies[on.call()]->success);
  const auto refused = on.call();
  BOOST_TEST((on.replies[refused]->error->type == errc::storage));
  BOOST_TEST(on.network->hosts.size() == 4U); // nothing was sent that could not be booked
  on.ledger->broken = false;
  on.advance(1200ms);
  BOOST_TEST(on.replies[on.call()]->success);
}

BOOST_AUTO_TEST_SUITE_END()
