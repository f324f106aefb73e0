// What may be spent: each key of a budget, and each of its faults.
#include "config/show.hpp"
#include "tests/config/loading.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir;
using namespace weir::tests;

namespace {

/// A file with a budget of these lines beside the ones that it must have; its first line is the eighth.
std::string with_budget(const std::string& lines) {
  return with("[llm.providers.p.models.m]", "[llm.budgets.b]\nlimit = 10\ncurrency = \"USD\"\n" + lines);
}

/// A file whose budget has these lines alone; its first line is the seventh.
std::string with_only(const std::string& lines) {
  return with("", "[llm.budgets.b]\n" + lines);
}

/// The one budget of a file, the same when it is shown and loaded again.
budget_config budget_of(const std::string& text) {
  const auto loaded = load(text);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), only_fault(text));
  BOOST_REQUIRE_EQUAL((*loaded)->budgets.size(), 1U);
  const std::string shown = config::to_toml(**loaded);
  const auto again = load(shown);
  BOOST_REQUIRE_MESSAGE(again.has_value(), only_fault(shown));
  BOOST_TEST(((*again)->budgets == (*loaded)->budgets), shown);
  return (*loaded)->budgets.front();
}

std::string limit_of(const std::string& line) {
  return to_decimal(budget_of(with_only("currency = \"USD\"\nlimit = " + line)).limit);
}

std::string soft_of(const std::string& value) {
  return to_decimal(budget_of(with_budget("soft_limit = " + value)).soft_limit.value());
}

} // namespace

BOOST_AUTO_TEST_SUITE(budget_schema_test)

BOOST_AUTO_TEST_CASE(a_budget_that_says_little_covers_all_of_a_month) {
  const budget_config budget = budget_of(with_budget(""));
  BOOST_TEST(budget.name == "b");
  BOOST_TEST(!budget.provider.has_value());
  BOOST_TEST(!budget.model.has_value());
  BOOST_TEST(budget.tag_key.empty());
  BOOST_TEST((budget.period == budget_period::month));
  BOOST_TEST(budget.time_zone == "UTC");
  BOOST_TEST((budget.limit == money{10 * picos_per_unit, currency::parse("USD").value()}));
  BOOST_TEST((budget.soft_limit == money{8 * picos_per_unit, currency::parse("USD").value()}));
  BOOST_TEST(budget.refuse_unbounded);
  BOOST_TEST(load(with("")).value()->budgets.empty());
}

BOOST_AUTO_TEST_CASE(a_budget_is_for_a_provider_a_model_or_a_tag) {
  const budget_config narrow = budget_of(
      with_budget("provider = \"p\"\nmodel = \"m\"\ntag = \"agent=planner\"\nunbounded = \"allow\""));
  BOOST_TEST(narrow.provider.value().str() == "p");
  BOOST_TEST(narrow.model.value().str() == "m");
  BOOST_TEST(narrow.tag_key == "agent");
  BOOST_TEST(narrow.tag_value == "planner");
  BOOST_TEST(!narrow.refuse_unbounded);
  const budget_config each = budget_of(with_budget("tag = \"user\"\nunbounded = \"refuse\""));
  BOOST_TEST(each.tag_key == "user");
  BOOST_TEST(each.tag_value.empty());
  BOOST_TEST(each.refuse_unbounded);
  BOOST_TEST(budget_of(with_budget("tag = \"a=b=c\"")).tag_value == "b=c");
  BOOST_TEST(budget_of(with_budget("model = \"m\"")).model.value().str() == "m");
}

BOOST_AUTO_TEST_CASE(budgets_keep_the_order_of_the_file) {
  const std::string lines = "]\nlimit = 1\ncurrency = \"EUR\"\n";
  const auto loaded =
      load(with("", "[llm.budgets.z" + lines + "[llm.budgets.\"a b\"" + lines + "[llm.budgets.k" + lines));
  BOOST_REQUIRE(loaded.has_value());
  std::string names;
  for (const budget_config& each : (*loaded)->budgets)
    names += each.name + "|";
  BOOST_TEST(names == "z|a b|k|");
}

BOOST_AUTO_TEST_CASE(periods_are_those_of_a_time_zone) {
  for (const budget_period each :
       {budget_period::hour, budget_period::day, budget_period::month, budget_period::total}) {
    const budget_config budget = budget_of(
        with_budget("time_zone = \"Europe/Berlin\"\nperiod = \"" + std::string(to_string(each)) + "\""));
    BOOST_TEST((budget.period == each));
    BOOST_TEST(budget.time_zone == "Europe/Berlin");
  }
}

BOOST_AUTO_TEST_CASE(a_limit_is_exact) {
  BOOST_TEST(limit_of("0.1") == "0.1");
  BOOST_TEST(limit_of("\"0.000000000001\"") == "0.000000000001");
  BOOST_TEST(limit_of("1_000.50") == "1000.5");
  BOOST_TEST(limit_of("1e-3") == "0.001");
  BOOST_TEST(limit_of("\"9223372.036854775807\"") == "9223372.036854775807");
}

BOOST_AUTO_TEST_CASE(a_soft_limit_is_an_amount_or_a_share) {
  BOOST_TEST(soft_of("7.5") == "7.5");
  BOOST_TEST(soft_of("\"7.5\"") == "7.5");
  BOOST_TEST(soft_of("10") == "10");
  BOOST_TEST(soft_of("\"50%\"") == "5");
  BOOST_TEST(soft_of("\"12.5%\"") == "1.25");
  BOOST_TEST(soft_of("\"100%\"") == "10");
  const std::string third = "currency = \"USD\"\nlimit = \"0.000000000003\"\nsoft_limit = \"50%\"";
  BOOST_TEST(to_decimal(budget_of(with_only(third)).soft_limit.value()) == "0.000000000001");
}

BOOST_AUTO_TEST_CASE(whom_a_budget_is_for_must_be_known) {
  is_fault(with_budget("provider = \"q\""), "9:12 llm.budgets.b.provider",
           "names \"q\", which is no provider of this file");
  is_fault(with_budget("model = \"n\""), "9:9 llm.budgets.b.model",
           "names \"n\", which no provider of this file lists");
  is_fault(with_budget("provider = \"p\"\nmodel = \"n\""), "10:9 llm.budgets.b.model",
           "names \"n\", which this provider does not list");
  is_fault(with_budget("model = \"\""), "9:9 llm.budgets.b.model", "names \"\"");
  is_fault(with_budget("tag = \"\""), "9:7 llm.budgets.b.tag", "expected \"KEY=VALUE\"");
  is_fault(with_budget("tag = \"=planner\""), "9:7 llm.budgets.b.tag", "expected \"KEY=VALUE\"");
  is_fault(with_budget("tag = \"agent=\""), "9:7 llm.budgets.b.tag", "expected \"KEY=VALUE\"");
  is_fault(with_budget("tag = \"" + std::string(1025, 'k') + "\""), "9:7 llm.budgets.b.tag", "1,024 bytes");
  is_fault(with_budget("tag = \"k=" + std::string(1025, 'v') + "\""), "9:7 llm.budgets.b.tag", "1,024 bytes");
}

BOOST_AUTO_TEST_CASE(a_wrong_period_is_a_fault) {
  is_fault(with_budget("period = \"week\""), "9:10 llm.budgets.b.period",
           "\"hour\", \"day\", \"month\" or \"total\"");
  is_fault(with_budget("time_zone = \"Mars/Olympus\""), "9:13 llm.budgets.b.time_zone", "is no time zone");
  is_fault(with_budget("unbounded = \"maybe\""), "9:13 llm.budgets.b.unbounded", "\"refuse\" or \"allow\"");
  is_fault(with_budget("limits = 1"), "9:1 llm.budgets.b.limits", "did you mean 'limit'?");
}

BOOST_AUTO_TEST_CASE(a_period_that_the_books_forget_is_a_fault) {
  const auto kept = [](const std::string& what) { return "\n[llm.ledger.retention]\n" + what; };
  is_fault(with_budget("period = \"month\"" + kept("rollups = 2592000000")), "9:10 llm.budgets.b.period",
           "'ledger.retention.rollups'");
  is_fault(with_budget("period = \"total\"" + kept("rollups = 3153600000000")), "9:10 llm.budgets.b.period",
           "could be spent again");
  is_fault(with_budget("period = \"day\"\ntag = \"session\"" + kept("rows = 3600000")),
           "9:10 llm.budgets.b.period", "not among 'rollup_tags'");
  is_fault(with_budget(kept("rollups = 86400000")), "6:1 llm.budgets.b.period",
           "longer than the books remember");
}

BOOST_AUTO_TEST_CASE(a_wrong_limit_is_a_fault) {
  const std::string usd = "currency = \"USD\"\n";
  is_fault(with_only(usd), "6:1 llm.budgets.b.limit", "is missing");
  is_fault(with_only("limit = 1"), "6:1 llm.budgets.b.currency", "is missing");
  is_fault(with_only("limit = 1\ncurrency = \"usd\""), "8:12 llm.budgets.b.currency",
           "three capital letters");
  is_fault(with_only("limit = 1\ncurrency = 1"), "8:12 llm.budgets.b.currency", "expected a string");
  is_fault(with_only(usd + "limit = 0"), "8:9 llm.budgets.b.limit", "expected an amount above it");
  is_fault(with_only(usd + "limit = -1"), "8:9 llm.budgets.b.limit", "is negative");
  is_fault(with_only(usd + "limit = \"ten\""), "8:9 llm.budgets.b.limit", "is not a decimal number");
  is_fault(with_only(usd + "limit = true"), "8:9 llm.budgets.b.limit", "expected a decimal number");
  is_fault(with_only(usd + "limit = \"0.0000000000001\""), "8:9 llm.budgets.b.limit",
           "more than 12 decimals");
  is_fault(with_only(usd + "limit = 9223372.036854775808"), "8:9 llm.budgets.b.limit", "is out of range");
  is_fault(with_only(usd + "limit = inf"), "8:9 llm.budgets.b.limit", "is not a decimal number");
}

BOOST_AUTO_TEST_CASE(a_wrong_soft_limit_is_a_fault) {
  is_fault(with_budget("soft_limit = 10.01"), "9:14 llm.budgets.b.soft_limit", "is more than the limit");
  is_fault(with_budget("soft_limit = \"101%\""), "9:14 llm.budgets.b.soft_limit", "at most \"100%\"");
  is_fault(with_budget("soft_limit = 0"), "9:14 llm.budgets.b.soft_limit", "more than nothing");
  is_fault(with_budget("soft_limit = \"%\""), "9:14 llm.budgets.b.soft_limit", "is not a decimal number");
  is_fault(with_budget("soft_limit = \"much\""), "9:14 llm.budgets.b.soft_limit", "such as \"80%\"");
  is_fault(with_budget("soft_limit = []"), "9:14 llm.budgets.b.soft_limit", "expected a decimal number");
}

BOOST_AUTO_TEST_CASE(a_budget_has_a_name_that_people_can_read) {
  const std::string lines = "\"]\nlimit = 1\ncurrency = \"EUR\"\n";
  is_fault(with("", "[llm.budgets.\"" + lines), "6:14 llm.budgets.", "from 1 to 64");
  is_fault(with("", "[llm.budgets.\"" + std::string(65, 'n') + lines), "6:14 llm.budgets.nnn", "65 bytes");
  is_fault(with("", "[llm.budgets]\nb = 1"), "7:5 llm.budgets.b", "expected a table");
  std::string many;
  for (int n = 0; n != 1001; ++n)
    many += "[llm.budgets.b" + std::to_string(n) + "]\nlimit = 1\ncurrency = \"EUR\"\n";
  is_fault(with("", many), "3006:14 llm.budgets.b1000", "at most 1,000");
}

BOOST_AUTO_TEST_SUITE_END()
