// Budgets in the books: reserved with the intent, settled with the end, known again after a change. Time is
// virtual.
#include "tests/actors/stage.hpp"

#include "actors/policy/booking.hpp"

#include <caf/send.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace weir;
using weir::tests::providers;
using weir::tests::stage;
using namespace std::chrono_literals;

namespace {

/// The most that the stage's usual question can cost.
money bound_of_question() {
  const auto config = providers({"a"});
  const model_config& model = config->providers[0].models[0];
  return *policy::cost_bound(stage::question(), &model, *model.prices);
}

budget_config budget_of(std::int64_t questions) {
  budget_config budget;
  budget.name = "team";
  budget.limit = {bound_of_question().picos * questions, bound_of_question().unit};
  return budget;
}

std::size_t refused_by_budget(const stage& on) {
  return static_cast<std::size_t>(std::ranges::count_if(on.replies, [](const auto& reply) {
    return reply && reply->error && reply->error->type == errc::budget_exceeded;
  }));
}

void adopt(stage& on, std::shared_ptr<snapshot> config) {
  caf::anon_send(on.manager, snapshot_ptr(std::move(config)));
  on.run();
}

} // namespace

BOOST_AUTO_TEST_SUITE(budget_books_test)

BOOST_AUTO_TEST_CASE(a_thousand_callers_on_a_budget_worth_ten_calls_overspend_by_nothing) {
  auto config = providers({"a"});
  config->budgets.push_back(budget_of(10));
  config->providers[0].max_concurrency = 2000;
  stage on(config);
  on.ledger->holds = true;
  for (int n = 0; n != 1000; ++n)
    on.call();
  while (on.ledger->go_on())
    on.run();
  BOOST_TEST(on.network->hosts.size() == 10U);
  BOOST_TEST(refused_by_budget(on) == 990U);
  on.ledger->holds = false;
  while (on.network->complete(1, 1))
    on.run();
  const auto health = on.ask<health_report>(health_query{});
  BOOST_REQUIRE_EQUAL(health->ledger.budgets.size(), 1U);
  BOOST_TEST((health->ledger.budgets[0].reserved.picos() == 0));
  BOOST_TEST((health->ledger.budgets[0].spent.picos() == 900'000'000));
  BOOST_TEST(on.ledger->intents.empty());
}

BOOST_AUTO_TEST_CASE(what_is_refused_says_which_budget_and_sends_nothing) {
  auto config = providers({"a"});
  config->budgets.push_back(budget_of(1));
  stage on(config);
  on.call();
  const auto n = on.call();
  BOOST_TEST((on.replies[n]->error->type == errc::budget_exceeded));
  BOOST_TEST(on.replies[n]->error->message.find("team") != std::string::npos);
  BOOST_TEST(on.network->hosts.size() == 1U);
  BOOST_TEST((on.ask<health_report>(health_query{})->providers[0].breaker == breaker_state::closed));
}

BOOST_AUTO_TEST_CASE(a_budget_of_one_provider_sends_its_calls_to_another) {
  auto config = providers({"a", "b"});
  config->budgets.push_back(budget_of(1));
  config->budgets[0].provider = provider_name("a");
  stage on(config);
  on.call();
  on.call();
  BOOST_TEST((on.network->hosts == std::vector<std::string>{"a", "b"}));
}

BOOST_AUTO_TEST_CASE(a_new_budget_knows_what_was_spent_before) {
  auto config = providers({"a"});
  stage on(config);
  on.network->on_post = [](tests::fake_network& network) { network.complete(10, 100); };
  for (int n = 0; n != 3; ++n)
    on.call();
  auto next = std::make_shared<snapshot>(*config);
  next->version = 2;
  next->budgets.push_back(budget_of(1));
  next->budgets[0].limit.picos = 3 * 6'300'000'000; // as much as was spent
  adopt(on, next);
  const auto n = on.call();
  BOOST_TEST((on.replies[n]->error->type == errc::budget_exceeded));
  BOOST_TEST(on.network->hosts.size() == 3U);
  const auto health = on.ask<health_report>(health_query{});
  BOOST_TEST((health->ledger.budgets[0].spent.picos() == 3 * 6'300'000'000));
}

BOOST_AUTO_TEST_CASE(what_is_pending_when_a_budget_comes_counts_once) {
  auto config = providers({"a"});
  stage on(config);
  on.call();
  on.call();
  on.ledger->holds = true;
  on.network->complete(10, 100); // its settlement is on its way to the disk
  on.run();
  auto next = std::make_shared<snapshot>(*config);
  next->version = 2;
  next->budgets.push_back(budget_of(100));
  adopt(on, next);
  on.network->complete(10, 100); // while the budget waits for the disk
  on.run();
  const auto early = on.call();
  BOOST_TEST(on.network->hosts.size() == 2U);
  while (on.ledger->go_on())
    on.run();
  BOOST_TEST(on.network->hosts.size() == 3U);
  BOOST_TEST(!on.replies[early].has_value());
  const auto health = on.ask<health_report>(health_query{});
  BOOST_TEST(health->ledger.budgets[0].known);
  BOOST_TEST((health->ledger.budgets[0].spent.picos() == 2 * 6'300'000'000));
}

BOOST_AUTO_TEST_CASE(an_attempt_of_unknown_fate_is_spent_at_its_limit) {
  auto config = providers({"a"});
  config->retry.rules.clear();
  config->budgets.push_back(budget_of(2));
  stage on(config);
  on.call();
  on.network->fail(errc::network, outcome::unknown);
  on.run();
  const auto health = on.ask<health_report>(health_query{});
  BOOST_TEST((health->ledger.budgets[0].spent.picos() == bound_of_question().picos));
}

BOOST_AUTO_TEST_CASE(a_soft_limit_raises_one_alert) {
  auto config = providers({"a"});
  config->budgets.push_back(budget_of(10));
  config->budgets[0].soft_limit = money{1, config->budgets[0].limit.unit};
  stage on(config);
  on.network->on_post = [](tests::fake_network& network) { network.complete(1, 1); };
  for (int n = 0; n != 3; ++n)
    on.call();
  const auto health = on.ask<health_report>(health_query{});
  BOOST_REQUIRE_EQUAL(health->alerts.size(), 1U);
  BOOST_TEST(health->alerts[0].count == 1U);
  BOOST_TEST((health->alerts[0].type == errc::budget_exceeded));
}

BOOST_AUTO_TEST_CASE(a_model_without_a_price_is_not_asked_on_a_budget) {
  auto config = providers({"a"});
  config->providers[0].models[0].prices.reset();
  config->budgets.push_back(budget_of(10));
  stage on(config);
  const auto n = on.call();
  BOOST_TEST((on.replies[n]->error->type == errc::budget_exceeded));
  BOOST_TEST(on.network->hosts.empty());
  auto next = std::make_shared<snapshot>(*config);
  next->version = 2;
  next->budgets[0].refuse_unbounded = false;
  adopt(on, next);
  on.call();
  BOOST_TEST(on.network->hosts.size() == 1U);
}

BOOST_AUTO_TEST_CASE(who_gave_up_before_he_was_let_in_reserves_nothing) {
  auto config = providers({"a"});
  config->budgets.push_back(budget_of(1));
  stage on(config);
  on.ledger->holds = true;
  on.call();
  auto next = std::make_shared<snapshot>(*config);
  next->version = 2;
  next->budgets[0].limit.picos *= 2;
  adopt(on, next); // waits for the first call's intent
  chat_request hurried = stage::question();
  hurried.timeout = 50ms;
  const auto n = on.call(hurried);
  on.advance(100ms);
  BOOST_REQUIRE(on.replies[n].has_value());
  on.ledger->holds = false;
  while (on.ledger->go_on())
    on.run();
  while (on.network->complete(1, 1))
    on.run();
  const auto health = on.ask<health_report>(health_query{});
  BOOST_TEST((health->ledger.budgets[0].reserved.picos() == 0));
  BOOST_TEST(on.ledger->intents.empty());
}

BOOST_AUTO_TEST_CASE(a_sick_disk_holds_a_change_of_budgets_up_and_no_call) {
  for (const bool refuse : {true, false}) {
    auto config = providers({"a"});
    config->ledger.refuse_when_broken = refuse;
    stage on(config);
    on.call();
    on.ledger->broken = true;
    on.network->complete();
    on.run();
    auto next = std::make_shared<snapshot>(*config);
    next->version = 2;
    next->budgets.push_back(budget_of(100));
    adopt(on, next);
    const auto n = on.call();
    on.advance(1ms);
    BOOST_TEST(on.network->hosts.size() == (refuse ? 1U : 2U));
    if (refuse) {
      BOOST_REQUIRE(on.replies[n].has_value());
      BOOST_TEST((on.replies[n]->error->type == errc::read_only));
    }
    on.ledger->broken = false;
    on.advance(5s);
    BOOST_TEST(on.ask<health_report>(health_query{})->ledger.budgets.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(budgets_that_are_taken_back_before_they_came_do_not_come) {
  auto config = providers({"a"});
  stage on(config);
  on.ledger->holds = true;
  on.call();
  auto next = std::make_shared<snapshot>(*config);
  next->version = 2;
  next->budgets.push_back(budget_of(1));
  adopt(on, next);
  auto back = std::make_shared<snapshot>(*config);
  back->version = 3;
  adopt(on, back);
  on.ledger->holds = false;
  while (on.ledger->go_on())
    on.run();
  BOOST_TEST(on.ask<health_report>(health_query{})->ledger.budgets.empty());
}

BOOST_AUTO_TEST_CASE(a_success_whose_figures_contradict_themselves_spends_its_bound) {
  auto config = providers({"a"});
  config->providers[0].models[0].prices->cached_input =
      parse_price("1.0", price_unit::million_tokens).value();
  config->budgets.push_back(budget_of(2));
  stage on(config);
  on.call();
  on.network->answer(200, R"({"choices":[{"message":{"content":"Yes"},"finish_reason":"stop"}],"usage":)"
                          R"({"prompt_tokens":10,"completion_tokens":1,"total_tokens":11,)"
                          R"("prompt_tokens_details":{"cached_tokens":99}}})");
  on.run();
  BOOST_REQUIRE_EQUAL(on.books().size(), 1U);
  BOOST_TEST(on.books().front().success);
  BOOST_TEST(!on.books().front().cost.has_value());
  const auto health = on.ask<health_report>(health_query{});
  BOOST_TEST((health->ledger.budgets[0].spent.picos() > 0));
}

BOOST_AUTO_TEST_SUITE_END()
