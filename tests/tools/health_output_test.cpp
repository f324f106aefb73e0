// Health in words: what an operator is shown, and what he is told has changed.
#include "tools/health_output.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace weir;
using namespace weir::tools;
using namespace std::chrono_literals;

namespace {

const std::chrono::system_clock::time_point noon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} +
                                                 12h};

provider_health provider_called(const std::string& name) {
  provider_health provider;
  provider.name = provider_name(name);
  provider.reachable = true;
  provider.probe_latency = 1500us;
  return provider;
}

health_report report_of(provider_health provider) {
  health_report report;
  report.providers = {std::move(provider)};
  return report;
}

/// The line that has these words; empty where none has.
std::string line_with(const std::string& text, const std::string& words) {
  const auto at = text.find(words);
  if (at == std::string::npos)
    return {};
  const auto begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

/// A line with one space between any two words.
std::string squeezed(const std::string& line) {
  std::string text;
  for (const char letter : line)
    if (letter != ' ' || (!text.empty() && text.back() != ' '))
      text += letter;
  while (text.ends_with(' '))
    text.pop_back();
  return text;
}

std::string changes(const health_report& before, const health_report& after) {
  std::string all;
  for (const std::string& each : changes_of(before, after))
    all += (all.empty() ? "" : " | ") + each;
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(health_output_test)

BOOST_AUTO_TEST_CASE(the_mode_comes_first_and_says_why_calls_are_refused) {
  health_report report;
  report.calls_in_flight = 2;
  BOOST_TEST(health_text(report, false).starts_with("mode: normal; 2 calls in flight\n"));
  report.mode = run_mode::read_only;
  report.refusing = make_failure(errc::read_only, "the ledger cannot be written");
  BOOST_TEST(
      health_text(report, false)
          .starts_with("mode: read_only; calls are refused: read_only: the ledger cannot be written\n"));
}

BOOST_AUTO_TEST_CASE(a_provider_is_a_row_of_all_that_is_known_of_it) {
  provider_health provider = provider_called("p");
  BOOST_TEST(squeezed(line_with(health_text(report_of(provider), false), "reachable")) ==
             "p reachable closed 0 0 - - 0.0 - 0 1.5 -");
  provider.breaker = breaker_state::half_open;
  provider.in_flight = 3;
  provider.concurrency_limit = 256;
  provider.queued = 4;
  provider.held_for = 12'500ms;
  provider.keys = {{1, errc::none, 0ms}, {2, errc::auth, 0ms}, {3, errc::rate_limit, 5ms}};
  provider.retry_tokens = 9.5;
  provider.average_latency = 321ms;
  provider.restarts = 1;
  provider.last_error = make_failure(errc::server_error, "bad");
  BOOST_TEST(squeezed(line_with(health_text(report_of(provider), false), "reachable")) ==
             "p reachable half_open 3/256 4 12,500.0 2 of 3: #2 auth, #3 rate_limit 9.5 321.0 1 1.5 "
             "server_error: bad");
}

BOOST_AUTO_TEST_CASE(a_provider_that_answers_with_an_error_refuses_and_one_that_does_not_is_unreachable) {
  provider_health provider = provider_called("p");
  provider.reachable = false;
  provider.probe_error = make_failure(errc::network, "no");
  BOOST_TEST(health_text(report_of(provider), false).find("unreachable") != std::string::npos);
  provider.probe_error->status_code = 401;
  BOOST_TEST(health_text(report_of(provider), false).find("refuses") != std::string::npos);
  provider.reachable.reset();
  BOOST_TEST(health_text(report_of(provider), false).find("not asked") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(breakers_are_listed_on_demand_with_their_history_by_time) {
  provider_health provider = provider_called("p");
  BOOST_TEST(health_text(report_of(provider), false).find("no circuit breaker yet") == std::string::npos);
  BOOST_TEST(health_text(report_of(provider), true).find("no circuit breaker yet") != std::string::npos);
  provider.breakers = {
      {model_name("m"),
       breaker_state::open,
       10,
       6,
       1,
       2500ms,
       {{noon + 2s, breaker_state::closed, breaker_state::open, "6 of 10 calls failed"}}},
      {model_name(),
       breaker_state::closed,
       4,
       0,
       0,
       0ms,
       {{noon + 1s, breaker_state::half_open, breaker_state::closed, "2 probes succeeded"}}}};
  BOOST_TEST(health_text(report_of(provider), false).find("6 of 10") == std::string::npos);
  const std::string text = health_text(report_of(provider), true);
  BOOST_TEST(squeezed(line_with(text, "2,500.0")) == "p m open 10 6 1 2,500.0", text);
  BOOST_TEST(squeezed(line_with(text, "(all others)")) == "p (all others) closed 4 0 0 -", text);
  BOOST_TEST(squeezed(line_with(text, "6 of 10")) ==
             "2026-03-01T12:00:02Z p m closed open 6 of 10 calls failed");
  BOOST_TEST(text.find("2 probes succeeded") < text.find("6 of 10"));
}

BOOST_AUTO_TEST_CASE(the_books_say_what_is_not_as_it_should_be) {
  health_report report = report_of(provider_called("p"));
  BOOST_TEST(line_with(health_text(report, false), "ledger:") == "ledger: writable");
  report.ledger.pending = 1234;
  report.ledger.refused = 1;
  report.ledger.recovered = 2;
  BOOST_TEST(line_with(health_text(report, false), "ledger:") ==
             "ledger: writable; 1234 records not yet durable; 1 record refused for good (see the log); 2 "
             "attempts of an earlier run of unknown fate");
  report.ledger = {};
  report.ledger.enabled = false;
  BOOST_TEST(line_with(health_text(report, false), "ledger:") == "ledger: off (enable_usage_tracking)");
}

BOOST_AUTO_TEST_CASE(a_budget_is_a_row_of_what_is_gone_and_when_it_is_full_again) {
  const currency dollars = currency::parse("USD").value();
  health_report report = report_of(provider_called("p"));
  BOOST_TEST(health_text(report, false).find("BUDGET") == std::string::npos);
  budget_health budget;
  budget.name = "planner";
  budget.limit = {12 * picos_per_unit + picos_per_unit / 2, dollars};
  budget.spent = money_sum(10 * picos_per_unit, dollars);
  budget.reserved = money_sum(picos_per_unit / 4, dollars);
  budget.end = std::chrono::time_point_cast<std::chrono::microseconds>(noon);
  report.ledger.budgets = {budget};
  BOOST_TEST(squeezed(line_with(health_text(report, false), "planner")) ==
             "planner - 10 0.25 12.5 USD 80% 2026-03-01T12:00:00Z");
  budget.value = "ann\x1b[2J";
  budget.end.reset();
  budget.known = false;
  report.ledger.budgets = {budget};
  const std::string text = health_text(report, false);
  BOOST_TEST(text.find('\x1b') == std::string::npos);
  BOOST_TEST(squeezed(line_with(text, "planner")).ends_with("not known yet 0.25 12.5 USD - never"), text);
  budget.known = true;
  budget.spent = money_sum(150 * picos_per_unit, dollars);
  report.ledger.budgets = {budget};
  BOOST_TEST(line_with(health_text(report, false), "planner").find("1,200%") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(alerts_stand_below_and_no_text_of_theirs_reaches_the_terminal_raw) {
  health_report report = report_of(provider_called("p"));
  BOOST_TEST(health_text(report, false).find("ALERT") == std::string::npos);
  report.alerts = {{noon, errc::auth, provider_name("p"), "key 2\x1b[2J is refused\nmode: normal", 1234},
                   {noon, errc::storage, provider_name(), "disk full", 1}};
  const std::string text = health_text(report, false);
  BOOST_TEST(text.find('\x1b') == std::string::npos);
  BOOST_TEST(text.find("\nmode: normal") == std::string::npos);
  BOOST_TEST(squeezed(line_with(text, "key 2")).starts_with("2026-03-01T12:00:00Z auth p 1,234 key 2"), text);
  BOOST_TEST(squeezed(line_with(text, "disk full")) == "2026-03-01T12:00:00Z storage - 1 disk full");
}

BOOST_AUTO_TEST_CASE(what_changed_is_told_in_sentences_and_nothing_else_is) {
  const health_report before = report_of(provider_called("p"));
  health_report after = before;
  after.providers[0].in_flight = 5; // comes and goes
  after.providers[0].probe_latency = 9ms;
  BOOST_TEST(changes(before, after) == "");
  after.mode = run_mode::read_only;
  after.refusing = make_failure(errc::read_only, "why");
  after.ledger.error = make_failure(errc::storage, "disk full");
  after.providers[0].reachable = false;
  after.providers[0].breaker = breaker_state::open;
  after.providers[0].restarts = 1;
  after.providers.push_back(provider_called("q"));
  BOOST_TEST(
      changes(before, after) ==
      "mode: normal -> read_only | calls: welcome -> refused (read_only) | ledger: writable -> storage | "
      "p: reachable -> unreachable | p circuit breaker: closed -> open | p restarts: 0 -> 1 | q: new");
  BOOST_TEST(
      changes(after, before) ==
      "mode: read_only -> normal | calls: refused (read_only) -> welcome | ledger: storage -> writable | "
      "p: unreachable -> reachable | p circuit breaker: open -> closed | p restarts: 1 -> 0 | q: gone");
}

BOOST_AUTO_TEST_CASE(weir_is_healthy_when_calls_are_welcome_somebody_may_answer_and_the_books_are_open) {
  health_report report = report_of(provider_called("p"));
  BOOST_TEST(healthy(report));
  report.providers[0].reachable.reset();
  BOOST_TEST(healthy(report)); // not asked
  report.providers[0].reachable = false;
  BOOST_TEST(!healthy(report));
  report.providers.push_back(provider_called("q"));
  BOOST_TEST(healthy(report));
  report.refusing = make_failure(errc::offline, "mode");
  BOOST_TEST(!healthy(report));
  report.refusing.reset();
  report.ledger.error = make_failure(errc::storage, "disk full");
  BOOST_TEST(!healthy(report));
  BOOST_TEST(!healthy(health_report{}));
}

BOOST_AUTO_TEST_SUITE_END()
