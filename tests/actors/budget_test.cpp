// Budgets, case by case: what is refused and how it is told, periods, values, late figures, the ledger's
// word.
#include "actors/policy/budget.hpp"
#include "tests/actors/spending.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace weir;
using namespace weir::policy;
using namespace weir::tests;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(budget_test)

BOOST_AUTO_TEST_CASE(a_thousand_callers_on_a_budget_worth_ten_calls_overspend_by_nothing) {
  budgets all = ready_budgets({budget_for("b", 10)});
  int admitted = 0;
  for (std::uint64_t n = 0; n != 1000; ++n)
    admitted += all.reserve(intent(n, 1), true) ? 0 : 1;
  BOOST_TEST(admitted == 10);
  for (std::uint64_t n = 0; n != 1000; ++n)
    all.settle(settled(n, n < 10 ? 1 : 0));
  BOOST_TEST(spent_of(all) == "10");
  BOOST_TEST(all.reservations() == 0U);
  BOOST_TEST(all.reserve(intent(2000, 1), true).has_value());
}

BOOST_AUTO_TEST_CASE(what_was_reserved_is_free_again_when_it_was_not_spent) {
  budgets all = ready_budgets({budget_for("b", 10)});
  BOOST_TEST(!all.reserve(intent(1, 10), true));
  BOOST_TEST(all.reserve(intent(2, 1), true).has_value());
  all.settle(settled(1, 3));
  BOOST_TEST(!all.reserve(intent(2, 7), true));
  BOOST_TEST(all.reserve(intent(3, 1), true).has_value());
  all.settle(ended(2, record_state::void_attempt));
  BOOST_TEST(!all.reserve(intent(3, 7), true));
  all.settle(ended(3, record_state::void_attempt));
  BOOST_TEST(spent_of(all) == "3");
  BOOST_TEST(reserved_of(all) == "0");
}

BOOST_AUTO_TEST_CASE(a_refusal_names_the_budget_and_its_figures_and_when_it_ends) {
  budgets all = ready_budgets({budget_for("b", 10)});
  all.settle(settled(1, 6));
  BOOST_TEST(!all.reserve(intent(2, 3), true));
  const auto refused = all.reserve(intent(3, 2), true);
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->type == errc::budget_exceeded));
  BOOST_TEST(
      refused->message ==
      "the budget 'b' has 1 USD left of 10 USD for this day (spent 6, reserved 3), and this attempt may "
      "cost 2 USD (max_tokens, of the call or of its model, bounds that); the next period begins at "
      "2026-03-02T00:00:00.000000Z");
  BOOST_TEST(refused->place == "llm.budgets.b");
  BOOST_TEST((refused->retry_after == 12h));
  BOOST_TEST(!refused->retryable);
}

BOOST_AUTO_TEST_CASE(a_total_never_ends) {
  budget_config config = budget_for("b", 10);
  config.period = budget_period::total;
  budgets all = ready_budgets({config});
  BOOST_TEST(!all.reserve(intent(1, 10), true));
  all.settle(settled(1, 10));
  const auto refused = all.reserve(intent(2, 1, noon + 24h * 4000), true);
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST(!refused->retry_after.has_value());
  BOOST_TEST(refused->message.find("in total") != std::string::npos);
  BOOST_TEST(!all.state(noon).at(0).end.has_value());
}

BOOST_AUTO_TEST_CASE(all_budgets_that_cover_an_attempt_reserve_or_none_does) {
  budget_config narrow = budget_for("narrow", 2);
  narrow.tag_key = "agent";
  narrow.tag_value = "planner";
  budgets all = ready_budgets({budget_for("wide", 10), narrow});
  BOOST_TEST(!all.reserve(tagged(intent(1, 2), "agent", "planner"), true));
  BOOST_TEST(!all.reserve(tagged(intent(2, 2), "agent", "writer"), true));
  const auto refused = all.reserve(tagged(intent(3, 1), "agent", "planner"), true);
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST(refused->place == "llm.budgets.narrow");
  BOOST_TEST(reserved_of(all) == "4 2");
  all.settle(tagged(settled(1, 1), "agent", "planner"));
  all.settle(tagged(settled(2, 2), "agent", "writer"));
  BOOST_TEST(spent_of(all) == "3 1");
  BOOST_TEST(reserved_of(all) == "0 0");
}

BOOST_AUTO_TEST_CASE(a_budget_covers_what_it_names) {
  budget_config config = budget_for("b", 1);
  config.provider = provider_name("p");
  config.model = model_name("m");
  budgets all = ready_budgets({config});
  usage_record other = intent(1, 5);
  other.provider = provider_name("q");
  BOOST_TEST(!all.reserve(other, true));
  other = intent(2, 5);
  other.model = model_name("n");
  BOOST_TEST(!all.reserve(other, true));
  BOOST_TEST(all.reserve(intent(3, 5), true).has_value());
  BOOST_TEST(all.reservations() == 0U);
}

BOOST_AUTO_TEST_CASE(each_value_of_a_tag_has_an_account_of_its_own) {
  budgets all = ready_budgets({per_user(5)});
  BOOST_TEST(!all.reserve(tagged(intent(1, 5), "user", "ann"), true));
  BOOST_TEST(!all.reserve(tagged(intent(2, 4), "user", "bob"), true));
  BOOST_TEST(!all.reserve(intent(3, 100), true)); // who has no such tag is not covered
  const auto refused = all.reserve(tagged(intent(4, 2), "user", "bob"), true);
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST(refused->message.find("the budget 'per-user' of user 'bob' has 1 USD left of 5 USD") == 0U);
  BOOST_TEST(all.accounts() == 2U);
  BOOST_TEST(all.state(noon, 1).size() == 1U);
  BOOST_TEST(all.state(noon, 1).at(0).value == "ann");
}

BOOST_AUTO_TEST_CASE(values_have_bounds_and_those_of_ended_periods_make_room) {
  budgets all = ready_budgets({per_user(5)}, 2);
  BOOST_TEST(!all.reserve(tagged(intent(1, 1), "user", "ann"), true));
  BOOST_TEST(!all.reserve(tagged(intent(2, 1), "user", "bob"), true));
  const auto refused = all.reserve(tagged(intent(3, 1), "user", "eve"), true);
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->type == errc::budget_exceeded));
  BOOST_TEST(refused->message.find("takes no new value of the tag 'user': 2 accounts") != std::string::npos);
  BOOST_TEST((refused->retry_after == 12h));
  BOOST_TEST(!all.reserve(tagged(intent(4, 1), "user", "ann"), true)); // who is known goes on
  all.settle(tagged(settled(1, 1), "user", "ann"));
  all.settle(tagged(settled(4, 1), "user", "ann"));
  const timestamp tomorrow = noon + 24h;
  BOOST_TEST(!all.reserve(tagged(intent(5, 1, tomorrow), "user", "eve"), true));
  // Bob's attempt of yesterday is still under way.
  BOOST_TEST(all.reserve(tagged(intent(6, 1, tomorrow), "user", "ann"), true).has_value());
  all.settle(ended(2, record_state::void_attempt));
  BOOST_TEST(!all.reserve(tagged(intent(6, 1, tomorrow), "user", "ann"), true));
}

BOOST_AUTO_TEST_CASE(an_attempt_counts_in_the_period_in_which_it_began) {
  budgets all = ready_budgets({budget_for("b", 10)});
  const timestamp late = noon + 12h - 1us;
  BOOST_TEST(!all.reserve(intent(1, 10, late), true));
  BOOST_TEST(!all.reserve(intent(2, 10, late + 1us), true));     // the next day
  BOOST_TEST(all.reserve(intent(3, 1, late), true).has_value()); // came later, began before
  all.settle(settled(1, 4, late));
  BOOST_TEST(spent_of(all, late + 1us) == "0");
  BOOST_TEST(spent_of(all, late) == "4");
  BOOST_TEST(!all.reserve(intent(3, 6, late), true));
  all.settle(settled(2, 9, late + 1us));
  BOOST_TEST(spent_of(all, late + 1us) == "9");
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_back_spends_no_period_twice) {
  budgets all = ready_budgets({budget_for("b", 10)});
  BOOST_TEST(!all.reserve(intent(1, 10), true));
  all.settle(settled(1, 10));
  BOOST_TEST(!all.reserve(intent(2, 10, noon + 24h), true));
  const auto refused = all.reserve(intent(3, 10), true);
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->retry_after == 36h)); // counted in the day that the clock had reached
}

BOOST_AUTO_TEST_CASE(months_and_days_are_those_of_the_budgets_time_zone) {
  budget_config month = budget_for("month", 10);
  month.period = budget_period::month;
  month.time_zone = "Europe/Berlin";
  budget_config day = budget_for("day", 5);
  day.time_zone = "Europe/Berlin";
  budgets all = ready_budgets({month, day});
  const timestamp last = moment("2026-03-31T21:59:59.999999Z"); // summer time: two hours ahead
  const auto refused = all.reserve(intent(1, 11, last), true);
  BOOST_REQUIRE(refused.has_value());
  BOOST_TEST((refused->retry_after == 1ms));
  BOOST_TEST(!all.reserve(intent(2, 5, last), true));
  BOOST_TEST(!all.reserve(intent(3, 5, last + 1us), true));
  BOOST_TEST(reserved_of(all, last) == "5 5");
  // The day on which the clock is set forward has 23 hours, the one on which it is set back 25.
  for (const auto& [from, length] :
       {std::pair("2026-04-01T12:00:00Z", 24h), std::pair("2027-03-28T12:00:00Z", 23h),
        std::pair("2027-10-31T12:00:00Z", 25h)}) {
    const auto states = all.state(moment(from));
    BOOST_TEST((states.at(1).end.value() - states.at(1).begin.value() == length), from);
  }
  const auto february = all.state(moment("2028-02-10T00:00:00Z")).at(0);
  BOOST_TEST(to_string(february.begin.value()) == "2028-01-31T23:00:00.000000Z");
  BOOST_TEST(to_string(february.end.value()) == "2028-02-29T23:00:00.000000Z");
}

BOOST_AUTO_TEST_CASE(an_hour_that_the_clock_shows_twice_is_two) {
  budget_config config = budget_for("b", 10);
  config.period = budget_period::hour;
  config.time_zone = "Europe/Berlin";
  budgets all = ready_budgets({config}, budgets::most_accounts, moment("2026-10-25T00:00:00Z"));
  for (std::uint64_t n = 0; n != 3; ++n) {
    const timestamp at = moment("2026-10-25T00:30:00Z") + n * 1h; // 2:30, 2:30, 3:30
    BOOST_TEST(!all.reserve(intent(n, 10, at), true));
    BOOST_TEST(all.reserve(intent(n + 10, 1, at + 29min), true).has_value());
  }
}

BOOST_AUTO_TEST_CASE(an_attempt_without_a_known_bound_is_refused_unless_it_is_allowed) {
  budget_config config = budget_for("b", 10);
  for (const bool refuse : {true, false}) {
    config.refuse_unbounded = refuse;
    budgets all = ready_budgets({config});
    usage_record unbounded = intent(1, 0);
    unbounded.cost_limit.reset();
    usage_record euros = intent(2, 0);
    euros.cost_limit = money{1, currency::parse("EUR").value()};
    const auto first = all.reserve(unbounded, true);
    BOOST_TEST(first.has_value() == refuse);
    BOOST_TEST(all.reserve(euros, true).has_value() == refuse);
    if (refuse) {
      BOOST_TEST(first->message.find("set max_tokens") != std::string::npos);
      BOOST_TEST(!first->retry_after.has_value());
      BOOST_TEST(all.reserve(unbounded, false)->message.find("'m' of 'p' has no price in USD") !=
                 std::string::npos);
      BOOST_TEST(all.reserve(euros, true)->message.find("has no price in USD") != std::string::npos);
      continue;
    }
    all.settle(settled(1, 11)); // unbounded, so it can overspend
    usage_record next = unbounded;
    next.id = intent(3, 0).id;
    BOOST_TEST(all.reserve(next, true)->message.find("has 0 USD left") != std::string::npos);
    BOOST_TEST(all.reserve(intent(4, 1), true).has_value());
    BOOST_TEST(!all.reserve(intent(5, 0), true)); // what costs nothing cannot pass a limit
  }
}

BOOST_AUTO_TEST_CASE(a_bill_above_the_bound_is_counted_and_nothing_more_is_let_through) {
  budgets all = ready_budgets({budget_for("b", 10)});
  BOOST_TEST(!all.reserve(intent(1, 9), true));
  all.settle(settled(1, 12));
  BOOST_TEST(spent_of(all) == "12");
  BOOST_TEST(all.reserve(intent(2, 1), true)->message.find("has 0 USD left") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_unknown_attempt_counts_with_its_limit_until_its_figures_come) {
  budgets all = ready_budgets({budget_for("b", 10)});
  BOOST_TEST(!all.reserve(intent(1, 8), true));
  usage_record unknown = ended(1, record_state::unknown);
  unknown.cost_limit = usd(8);
  all.settle(unknown);
  BOOST_TEST(spent_of(all) == "8");
  all.settle(settled(1, 2));
  BOOST_TEST(spent_of(all) == "2");
  // One of an earlier run, of which the caller knows what was booked.
  all.settle(settled(5, 3), usd(1));
  BOOST_TEST(spent_of(all) == "4");
}

BOOST_AUTO_TEST_CASE(a_soft_limit_is_told_once_in_each_period) {
  budget_config config = budget_for("b", 10);
  config.soft_limit = usd(8);
  budgets all = ready_budgets({config});
  BOOST_TEST(all.settle(settled(1, 7)).empty());
  const auto passed = all.settle(settled(2, 1));
  BOOST_REQUIRE_EQUAL(passed.size(), 1U);
  BOOST_TEST(
      soft_limit_text(passed[0]) ==
      "the budget 'b' has passed its soft limit of 8 USD: 8 of 10 USD are spent; the next period begins "
      "at 2026-03-02T00:00:00.000000Z");
  BOOST_TEST(all.settle(settled(3, 1)).empty());
  BOOST_TEST(!all.reserve(intent(4, 9, noon + 24h), true));
  BOOST_TEST(all.settle(settled(4, 9, noon + 24h)).size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
