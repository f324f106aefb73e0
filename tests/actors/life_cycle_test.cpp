// The life of an attempt in the books: intent, settlement, and who waits for which. Time is virtual, and the
// disk does what the test says.
#include "tests/actors/stage.hpp"

#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

/// Everything that is held becomes durable.
void go_on(stage& on) {
  while (on.ledger->go_on())
    on.run();
}

} // namespace

BOOST_AUTO_TEST_SUITE(life_cycle_test)

BOOST_AUTO_TEST_CASE(nothing_is_sent_before_its_intent_is_durable) {
  stage on(providers({"a"}));
  on.ledger->holds = true;
  on.call();
  on.advance(1s);
  BOOST_TEST(on.network->hosts.empty());
  BOOST_REQUIRE(on.ledger->go_on());
  on.run();
  BOOST_TEST(on.network->hosts.size() == 1U);
  BOOST_REQUIRE_EQUAL(on.ledger->intents.size(), 1U);
  const usage_record& intent = on.ledger->intents.begin()->second;
  BOOST_REQUIRE(intent.cost_limit.has_value());
  BOOST_TEST(intent.cost_limit->picos > 6'000'000'000); // all 100 tokens of output, and the input
  BOOST_TEST(!intent.cost.has_value());
}

BOOST_AUTO_TEST_CASE(an_answer_is_released_when_its_settlement_is_durable) {
  stage on(providers({"a"}));
  const auto n = on.call();
  on.ledger->holds = true;
  on.network->complete();
  on.advance(1s);
  BOOST_TEST(!on.replies[n].has_value());
  go_on(on);
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.ledger->intents.empty());
  BOOST_REQUIRE_EQUAL(on.ledger->records.size(), 1U);
  BOOST_TEST((on.ledger->records[0].state == record_state::settled));
}

BOOST_AUTO_TEST_CASE(an_answer_of_relaxed_books_is_released_at_once) {
  auto config = providers({"a"});
  config->ledger.durability = durability::relaxed;
  stage on(config);
  on.ledger->holds = true;
  const auto n = on.call();
  on.network->complete();
  on.run();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST(on.replies[n]->success);
  BOOST_TEST(on.ledger->records.empty());
}

BOOST_AUTO_TEST_CASE(all_calls_in_flight_share_one_flush_of_the_disk) {
  stage on(providers({"a"}));
  on.ledger->holds = true;
  for (int n = 0; n != 50; ++n)
    on.call();
  go_on(on);
  BOOST_TEST((on.ledger->batches == std::vector<std::size_t>{1, 49}));
  BOOST_TEST(on.network->hosts.size() == 50U);
}

BOOST_AUTO_TEST_CASE(an_intent_that_cannot_be_written_is_not_sent) {
  stage on(providers({"a", "b"}));
  on.ledger->broken = true;
  const auto n = on.call();
  BOOST_REQUIRE(on.replies[n].has_value());
  BOOST_TEST((on.replies[n]->error->type == errc::read_only));
  BOOST_TEST(on.replies[n]->error->vendor_message.find("the disk is full") != std::string::npos);
  BOOST_TEST(on.network->hosts.empty());
  on.ledger->broken = false;
  on.advance(1200ms);
  BOOST_REQUIRE_EQUAL(on.ledger->records.size(), 1U);
  BOOST_TEST((on.ledger->records[0].state == record_state::void_attempt));
  BOOST_TEST(on.ledger->intents.empty());
  const auto again = on.call();
  BOOST_TEST(on.network->hosts.size() == 1U);
  on.network->complete();
  on.run();
  BOOST_TEST(on.replies[again]->success);
}

BOOST_AUTO_TEST_CASE(an_answer_waits_for_a_broken_disk_until_the_deadline_of_its_call) {
  stage on(providers({"a"}));
  chat_request request = stage::question();
  request.timeout = 5s;
  const auto early = on.call(request);
  request.timeout = 60s;
  const auto late = on.call(request);
  on.ledger->broken = true;
  on.network->complete();
  on.network->complete();
  on.advance(10s);
  BOOST_REQUIRE(on.replies[early].has_value());
  BOOST_TEST((on.replies[early]->error->type == errc::timeout));
  BOOST_TEST(!on.replies[late].has_value());
  on.ledger->broken = false;
  on.advance(1200ms);
  BOOST_REQUIRE(on.replies[late].has_value());
  BOOST_TEST(on.replies[late]->success);
  BOOST_TEST(on.ledger->records.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_call_that_is_cancelled_before_its_intent_is_durable_is_never_sent) {
  stage on(providers({"a"}));
  on.ledger->holds = true;
  chat_request request = stage::question();
  request.id = call_id{make_id128(1, 2, 3)};
  const auto n = on.call(request);
  caf::anon_send(on.manager, cancel_call{request.id});
  on.run();
  BOOST_TEST((on.replies[n]->error->type == errc::cancelled));
  go_on(on);
  BOOST_TEST(on.network->hosts.empty());
  BOOST_REQUIRE_EQUAL(on.ledger->records.size(), 1U);
  BOOST_TEST((on.ledger->records[0].state == record_state::void_attempt));
  BOOST_TEST(on.ledger->intents.empty());
}

BOOST_AUTO_TEST_CASE(attempts_of_an_earlier_run_that_were_open_raise_an_alert) {
  stage on(providers({"a"}), 1, 3);
  const auto health = on.ask<health_report>(health_query{});
  BOOST_TEST(health->ledger.recovered == 3U);
  BOOST_REQUIRE_EQUAL(health->alerts.size(), 1U);
  BOOST_TEST(health->alerts[0].message.find("3 attempts") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_attempt_of_unknown_fate_is_never_booked_as_zero) {
  stage on(providers({"a"}));
  on.call();
  on.network->fail(errc::network, outcome::unknown);
  on.run();
  BOOST_REQUIRE(!on.books().empty());
  const usage_record& lost = on.books().front();
  BOOST_TEST((lost.state == record_state::unknown));
  BOOST_TEST(lost.usage.prompt_tokens > 0U);
  BOOST_TEST((lost.usage.source == metering::estimated));
  BOOST_TEST(lost.cost_limit.has_value());
}

BOOST_AUTO_TEST_CASE(figures_that_come_late_take_the_place_of_the_estimate) {
  auto config = providers({"a"});
  config->retry.rules.clear();
  stage on(config);
  on.call();
  on.network->fail(errc::network, outcome::unknown);
  on.run();
  usage_record late = on.books().front();
  late.state = record_state::settled;
  late.success = true;
  late.error_type = errc::none;
  late.usage = {};
  late.usage.prompt_tokens = 7;
  late.usage.completion_tokens = 3;
  late.usage.total_tokens = 10;
  late.cost = money{123, *currency::parse("USD")};
  late.cost_limit.reset();
  BOOST_TEST(on.ask<booked>(late).has_value());
  const auto report = on.ask<usage_report>(usage_query{{}, true, {}});
  BOOST_REQUIRE_EQUAL(report->summaries.size(), 1U);
  BOOST_TEST(report->summaries[0].total_requests == 1U);
  BOOST_TEST(report->summaries[0].unknown_requests == 0U);
  BOOST_TEST(report->summaries[0].total_tokens == 10U);
  BOOST_TEST(report->summaries[0].unknown_cost_limit.empty());
}

BOOST_AUTO_TEST_CASE(the_books_are_asked_for_a_model_and_for_what_was_spent) {
  stage on(providers({"a"}));
  on.network->on_post = [](tests::fake_network& network) { network.complete(); };
  on.call();
  on.call();
  const auto model = on.ask<usage_summary>(model_usage{model_name("m"), {}, {}});
  BOOST_REQUIRE(model.has_value());
  BOOST_TEST(model->total_requests == 2U);
  BOOST_TEST(model->model.str() == "m");
  const auto other = on.ask<usage_summary>(model_usage{model_name("n"), {}, {}});
  BOOST_TEST(other->total_requests == 0U);
  const auto cost = on.ask<cost_report>(total_cost{});
  BOOST_REQUIRE_EQUAL(cost->cost.size(), 1U);
  BOOST_TEST(to_decimal(cost->cost.begin()->second) == "0.0012");
}

BOOST_AUTO_TEST_CASE(what_is_old_is_deleted_on_schedule_in_steps) {
  auto config = providers({"a"});
  config->ledger.retention.rows = 1h;
  config->ledger.retention.every = 10min;
  stage on(config);
  on.network->on_post = [](tests::fake_network& network) { network.complete(); };
  for (int n = 0; n != 3; ++n)
    on.call();
  BOOST_TEST(on.ledger->cleanups.empty());
  for (int minute = 0; minute != 59; ++minute)
    on.advance(1min);
  BOOST_TEST(on.ledger->records.size() == 3U);
  for (int minute = 0; minute != 15; ++minute)
    on.advance(1min);
  BOOST_TEST(on.ledger->records.empty());
  BOOST_TEST(on.ledger->cleanups.size() >=
             9U); // six that found nothing, then one a row, and one to see the end
}

BOOST_AUTO_TEST_CASE(what_is_old_is_deleted_when_asked) {
  stage on(providers({"a"}));
  on.network->on_post = [](tests::fake_network& network) { network.complete(); };
  on.call();
  on.advance(2s);
  const auto done = on.ask<cleaned>(cleanup_usage{retention_config{1s, 0s, 0, 1h}});
  BOOST_REQUIRE(done.has_value());
  BOOST_TEST(done->rows == 1U);
  const auto nothing = on.ask<cleaned>(cleanup_usage{});
  BOOST_TEST(nothing->rows == 0U);
}

BOOST_AUTO_TEST_CASE(an_export_has_everything_that_was_booked_before_it) {
  auto config = providers({"a"});
  config->ledger.durability = durability::relaxed;
  config->ledger.batch_delay = 60s;
  stage on(config);
  on.network->on_post = [](tests::fake_network& network) { network.complete(); };
  on.call();
  const auto done = on.ask<exported>(export_usage{{}, export_format::csv, "usage.csv"});
  BOOST_REQUIRE(done.has_value());
  BOOST_TEST(done->records == 1U);
  BOOST_TEST(on.ledger->exports.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
