// How weir is, as JSON: every member of the values, with names and units that stay.
#include "protocols/json.hpp"
#include "protocols/report_json.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace weir;
using namespace weir::protocols;
using namespace std::chrono_literals;

namespace {

const std::chrono::system_clock::time_point noon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} +
                                                 12h};

/// The names of an object's members, in order.
std::string names_of(const json_value& object) {
  std::string names;
  for (const auto& each : object.GetObject())
    names += (names.empty() ? "" : " ") + std::string(each.name.GetString());
  return names;
}

json_document parsed(const health_report& report) {
  auto document = json_document::parse(to_json(report));
  BOOST_REQUIRE(document.has_value());
  return std::move(*document);
}

health_report full_report() {
  health_report report;
  report.mode = run_mode::read_only;
  report.refusing = make_failure(errc::read_only, "the ledger cannot be written");
  report.alerts = {{noon + 1500us, errc::auth, provider_name("p"), "key 2 is refused", 3}};
  report.config_version = 4;
  report.calls_in_flight = 5;
  provider_health provider;
  provider.name = provider_name("p");
  provider.breaker = breaker_state::open;
  provider.breakers = {{model_name("m"),
                        breaker_state::open,
                        10,
                        6,
                        2,
                        1234ms,
                        {{noon, breaker_state::closed, breaker_state::open, "6 of 10 calls failed"}}}};
  provider.in_flight = 7;
  provider.queued = 8;
  provider.concurrency_limit = 9;
  provider.held_for = 2500ms;
  provider.keys = {{1, errc::none, 0ms}, {2, errc::rate_limit, 900ms}};
  provider.retry_tokens = 9.5;
  provider.average_latency = 321ms;
  provider.restarts = 1;
  report.providers = {provider};
  return report;
}

} // namespace

BOOST_AUTO_TEST_SUITE(health_report_test)

BOOST_AUTO_TEST_CASE(a_report_has_every_member_of_the_value) {
  const json_document document = parsed(full_report());
  const json_value& root = document.root();
  BOOST_TEST(names_of(root) == "mode refusing config_version calls_in_flight providers ledger alerts");
  BOOST_TEST(text_of(&root["mode"]) == "read_only");
  BOOST_TEST(text_of(find_member(root, "refusing", "type")) == "read_only");
  BOOST_TEST(root["calls_in_flight"].GetInt() == 5);
  BOOST_TEST(names_of(root["ledger"]) == "enabled booked committed pending refused recovered error budgets");
}

BOOST_AUTO_TEST_CASE(a_provider_has_its_breakers_keys_and_limits) {
  const json_document document = parsed(full_report());
  const json_value& provider = document.root()["providers"][0];
  BOOST_TEST(names_of(provider) ==
             "name circuit_breaker breakers in_flight concurrency_limit queued held_for_ms keys retry_tokens "
             "average_latency_ms restarts last_error reachable probe_error probe_latency_ms");
  BOOST_TEST(text_of(&provider["circuit_breaker"]) == "open");
  BOOST_TEST(provider["in_flight"].GetInt() == 7);
  BOOST_TEST(provider["queued"].GetInt() == 8);
  BOOST_TEST(provider["concurrency_limit"].GetInt() == 9);
  BOOST_TEST(provider["held_for_ms"].GetInt() == 2500);
  BOOST_TEST(provider["retry_tokens"].GetDouble() == 9.5);
  BOOST_TEST(provider["average_latency_ms"].GetInt() == 321);
  BOOST_TEST(provider["restarts"].GetInt() == 1);
  const json_value& keys = provider["keys"];
  BOOST_TEST(keys.Size() == 2U);
  BOOST_TEST(names_of(keys[0]) == "number resting until_ms");
  BOOST_TEST(keys[0]["resting"].IsNull());
  BOOST_TEST(keys[1]["number"].GetInt() == 2);
  BOOST_TEST(text_of(&keys[1]["resting"]) == "rate_limit");
  BOOST_TEST(keys[1]["until_ms"].GetInt() == 900);
}

BOOST_AUTO_TEST_CASE(a_breaker_tells_its_history_with_times_in_utc) {
  const json_document document = parsed(full_report());
  const json_value& breaker = document.root()["providers"][0]["breakers"][0];
  BOOST_TEST(names_of(breaker) == "model state calls failures slow reopens_in_ms history");
  BOOST_TEST(text_of(&breaker["model"]) == "m");
  BOOST_TEST(text_of(&breaker["state"]) == "open");
  BOOST_TEST(breaker["calls"].GetInt() == 10);
  BOOST_TEST(breaker["failures"].GetInt() == 6);
  BOOST_TEST(breaker["slow"].GetInt() == 2);
  BOOST_TEST(breaker["reopens_in_ms"].GetInt() == 1234);
  const json_value& change = breaker["history"][0];
  BOOST_TEST(names_of(change) == "time from to cause");
  BOOST_TEST(text_of(&change["time"]) == "2026-03-01T12:00:00.000000Z");
  BOOST_TEST(text_of(&change["from"]) == "closed");
  BOOST_TEST(text_of(&change["to"]) == "open");
  BOOST_TEST(text_of(&change["cause"]) == "6 of 10 calls failed");
}

BOOST_AUTO_TEST_CASE(an_alert_says_when_of_whom_what_and_how_often) {
  const json_document document = parsed(full_report());
  const json_value& seen = document.root()["alerts"][0];
  BOOST_TEST(names_of(seen) == "time type provider message count");
  BOOST_TEST(text_of(&seen["time"]) == "2026-03-01T12:00:00.001500Z");
  BOOST_TEST(text_of(&seen["type"]) == "auth");
  BOOST_TEST(text_of(&seen["provider"]) == "p");
  BOOST_TEST(text_of(&seen["message"]) == "key 2 is refused");
  BOOST_TEST(seen["count"].GetInt() == 3);
}

BOOST_AUTO_TEST_CASE(a_budget_has_exact_amounts_and_the_moments_of_its_period) {
  const currency dollars = currency::parse("USD").value();
  health_report report;
  budget_health budget;
  budget.name = "per-user";
  budget.value = "ann";
  budget.begin = std::chrono::time_point_cast<std::chrono::microseconds>(noon);
  budget.end = *budget.begin + 1h;
  budget.limit = {10 * picos_per_unit, dollars};
  budget.soft_limit = money{8 * picos_per_unit, dollars};
  budget.spent = money_sum(1, dollars);
  budget.reserved = money_sum(picos_per_unit / 2, dollars);
  report.ledger.recovered = 3;
  report.ledger.budgets = {budget, {}};
  const json_document document = parsed(report);
  const json_value& ledger = document.root()["ledger"];
  BOOST_TEST(ledger["recovered"].GetInt() == 3);
  const json_value& first = ledger["budgets"][0];
  BOOST_TEST(names_of(first) == "name value begin end currency limit soft_limit spent reserved known");
  BOOST_TEST(text_of(&first["name"]) == "per-user");
  BOOST_TEST(text_of(&first["value"]) == "ann");
  BOOST_TEST(text_of(&first["begin"]) == "2026-03-01T12:00:00.000000Z");
  BOOST_TEST(text_of(&first["end"]) == "2026-03-01T13:00:00.000000Z");
  BOOST_TEST(text_of(&first["currency"]) == "USD");
  BOOST_TEST(text_of(&first["limit"]) == "10");
  BOOST_TEST(text_of(&first["soft_limit"]) == "8");
  BOOST_TEST(text_of(&first["spent"]) == "0.000000000001");
  BOOST_TEST(text_of(&first["reserved"]) == "0.5");
  BOOST_TEST(first["known"].GetBool());
  BOOST_TEST(ledger["budgets"][1]["end"].IsNull());
  BOOST_TEST(ledger["budgets"][1]["soft_limit"].IsNull());
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_null_and_what_is_not_there_an_empty_array) {
  health_report report;
  report.providers.emplace_back();
  report.alerts.emplace_back();
  report.alerts.front().message = "bad \xff byte";
  const json_document document = parsed(report);
  const json_value& root = document.root();
  BOOST_TEST(text_of(&root["mode"]) == "normal");
  BOOST_TEST(root["refusing"].IsNull());
  BOOST_TEST(root["providers"][0]["breakers"].Empty());
  BOOST_TEST(root["providers"][0]["keys"].Empty());
  BOOST_TEST(root["providers"][0]["reachable"].IsNull());
  BOOST_TEST(text_of(&root["alerts"][0]["message"]) == "bad \xef\xbf\xbd byte");
}

BOOST_AUTO_TEST_SUITE_END()
