// Rankings and rates: who used most, how much goes on, without a ledger and without a clock.
// Knows no looks.
#include "tools/usage_ranking.hpp"
#include "tools/usage_rates.hpp"
#include "tools/usage_tables.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace weir;
using namespace weir::tools;
using namespace std::chrono_literals;

namespace {

const currency usd = *currency::parse("USD");
const currency eur = *currency::parse("EUR");

timestamp at(std::chrono::microseconds time) {
  return timestamp{2'000'000min + time};
}

usage_record record(timestamp time, std::uint64_t id = 1) {
  usage_record made;
  made.id = attempt_id{make_id128(1, 0, id)};
  made.time = time;
  made.success = true;
  made.model = model_name("m");
  made.provider = provider_name("p");
  made.usage.total_tokens = 10;
  made.cost = money{720'000'000, usd};
  return made;
}

usage_summary group(const std::string& name, std::int64_t picos, currency unit = usd) {
  usage_record one = record(at(0s));
  one.cost = money{picos, unit};
  usage_summary made;
  made.model = model_name(name);
  made.add(one);
  return made;
}

/// Gives the window what it wants of these records; says how many were given.
std::size_t give(rate_window& window, timestamp now, const std::vector<usage_record>& all) {
  window.begin(now);
  std::size_t given = 0;
  for (const auto& [since, until] : window.wanted())
    for (const usage_record& each : all)
      if (each.time >= since && each.time < until) {
        window.add(each);
        ++given;
      }
  return given;
}

std::string model_only_table(const std::vector<usage_summary>& groups, display on = {}) {
  usage_grouping grouping;
  grouping.provider = false;
  return summary_table(groups, grouping, {}, on).text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(usage_figures_test)

BOOST_AUTO_TEST_CASE(the_highest_comes_first_and_the_rest_is_counted) {
  const std::vector groups{group("a", 100), group("b", 300), group("c", 500), group("d", 100)};
  const auto rankings = rank(groups, rank_by::cost, 2);
  BOOST_REQUIRE(rankings.size() == 1U);
  const ranking& all = rankings.front();
  BOOST_TEST(all.unit.str() == "USD");
  BOOST_REQUIRE(all.places.size() == 2U);
  BOOST_TEST(all.places[0].group->model.str() == "c");
  BOOST_TEST(all.places[0].permille == 500U);
  BOOST_TEST(all.places[1].group->model.str() == "b");
  BOOST_TEST(all.others == 2U);
  BOOST_TEST((all.others_value == 200));
  BOOST_TEST((all.total == 1000));
}

BOOST_AUTO_TEST_CASE(currencies_are_ranked_apart) {
  const std::vector groups{group("a", 100), group("b", 300, eur), group("c", 0)};
  const auto rankings = rank(groups, rank_by::cost, 10);
  BOOST_REQUIRE(rankings.size() == 2U);
  BOOST_TEST(rankings[0].unit.str() == "EUR");
  BOOST_TEST(rankings[0].places.front().permille == 1000U);
  BOOST_TEST(rankings[1].unit.str() == "USD");
  BOOST_TEST(rankings[1].places.size() == 1U); // nothing is no place
  BOOST_TEST(rank(groups, rank_by::attempts, 10).front().places.size() == 3U);
  BOOST_TEST(rank(groups, rank_by::errors, 10).empty());
}

BOOST_AUTO_TEST_CASE(a_minute_and_an_hour_are_told_apart) {
  rate_window window;
  const timestamp now = at(59min + 30s);
  const std::vector records{record(at(-1min), 1), record(at(10min), 2), record(now - 61s, 3),
                            record(now - 59s, 4), record(now, 5)};
  BOOST_TEST(give(window, now, records) == 4U);
  const rate_report report = window.report();
  BOOST_TEST(report.last_minute.attempts == 2U);
  BOOST_TEST(report.last_hour.attempts == 4U);
  BOOST_TEST(report.last_hour.tokens == 40U);
  BOOST_TEST((report.hour == 59min + 30s));
  BOOST_TEST(to_decimal(report.last_hour.cost.at(usd)) == "0.00288");
  BOOST_REQUIRE(report.attempts_by_minute.size() == 60U);
  BOOST_TEST(report.attempts_by_minute[10] == 1U);
  BOOST_TEST(report.attempts_by_minute[59] == 1U);
  BOOST_TEST(report.last.size() == 4U);
  BOOST_TEST((report.last.back().time == now));
}

BOOST_AUTO_TEST_CASE(later_looks_read_little_and_forget_nothing) {
  rate_window window;
  std::vector<usage_record> records;
  for (std::uint64_t second = 0; second != 3600; ++second)
    records.push_back(record(at(std::chrono::seconds{second}), second));
  BOOST_TEST(give(window, at(59min + 59s), records) == 3600U);
  BOOST_TEST(give(window, at(59min + 59s), records) <= 4U * 60);
  BOOST_TEST(window.report().last_hour.attempts == 3600U);
  BOOST_TEST(window.report().last.size() == rate_window::last_records);
  // Half an hour later, the first half of them is over.
  give(window, at(89min + 59s), records);
  BOOST_TEST(window.report().last_hour.attempts == 1800U);
  BOOST_TEST(window.report().last_minute.attempts == 0U);
  BOOST_TEST((window.report().last.back().time == at(59min + 59s)));
}

BOOST_AUTO_TEST_CASE(an_attempt_that_ends_late_is_seen_when_its_minute_is_in_turn) {
  rate_window window;
  std::vector<usage_record> records{record(at(30min), 1)};
  give(window, at(59min), records);
  records.push_back(record(at(31min), 2));
  for (int look = 0; look != 60; ++look)
    give(window, at(59min), records);
  BOOST_TEST(window.report().last_hour.attempts == 2U);
  BOOST_TEST(window.report().last.size() == 2U); // and none twice
}

BOOST_AUTO_TEST_CASE(a_long_pause_between_looks_leaves_no_gap) {
  rate_window window;
  std::vector<usage_record> records{record(at(59min), 1)};
  give(window, at(59min), records);
  for (std::uint64_t minute = 60; minute != 90; ++minute)
    records.push_back(record(at(std::chrono::minutes{minute}), minute));
  give(window, at(89min + 59s), records);
  BOOST_TEST(window.report().last_hour.attempts == 31U);
}

BOOST_AUTO_TEST_CASE(rates_are_whole_thousandths) {
  BOOST_TEST(thousandths(permille_per_second(90, 60s)) == "1.5");
  BOOST_TEST(thousandths(permille_per_second(1, 3600s)) == "0");
  BOOST_TEST(thousandths(permille_per_second(1, 60s)) == "0.017");
  BOOST_TEST(thousandths(permille_per_second(UINT64_MAX, 3600s)) == "5124095576030431.004");
  BOOST_TEST(to_decimal(per_hour(money_sum(720'000'000, usd), 60s)) == "0.0432");
  BOOST_TEST(to_decimal(per_hour(money_sum(int128{1} << 120, usd), 3600s)) == to_decimal(int128{1} << 120));
}

BOOST_AUTO_TEST_CASE(a_group_with_two_currencies_has_two_lines) {
  usage_summary both = group("a", 1'500'000'000'000);
  usage_record paid = record(at(0s));
  paid.cost = money{20'000, eur};
  both.add(paid);
  const std::string text = model_only_table({both, group("bb", 1)});
  BOOST_TEST(text.find("a            2      0         0          0     20 0.00000002     EUR") !=
                 std::string::npos,
             text);
  BOOST_TEST(text.find("TOTAL") != std::string::npos, text);
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 1 + 2 + 1 + 2, text);
}

BOOST_AUTO_TEST_CASE(one_group_has_no_total_beside_it) {
  BOOST_TEST(model_only_table({group("a", 1)}).find("TOTAL") == std::string::npos);
  BOOST_TEST(model_only_table({}) == nothing_booked);
}

BOOST_AUTO_TEST_CASE(history_shows_each_currency_and_else_the_attempts) {
  const std::vector<history_point> paid{
      {"day 1", group("", 1'000'000'000'000)}, {"day 2", {}}, {"day 3", group("", 250'000'000'000)}};
  BOOST_TEST(history_text(paid, "day", 0) == "USD by day  █.▂  day 1 to day 3, most on day 1: 1.00 USD\n");
  BOOST_TEST(history_text(paid, "day", 40) == "USD by day  █.▂  most on day 1: 1.00 USD\n"); // no room
  usage_record unpriced = record(at(0s));
  unpriced.cost.reset();
  usage_summary free;
  free.add(unpriced);
  BOOST_TEST(history_text({{"a", {}}, {"b", free}}, "hour", 0) ==
             "attempts by hour  .█  a to b, most on b: 1\n");
  BOOST_TEST(history_text({{"a", {}}, {"b", {}}}, "hour", 0).empty());
  BOOST_TEST(history_text({{"a", free}}, "hour", 0).empty());
}

BOOST_AUTO_TEST_SUITE_END()
