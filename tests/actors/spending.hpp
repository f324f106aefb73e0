// Attempts and budgets of tests, in whole dollars, and what stands in the accounts.
// Knows no actor.
#pragma once

#include "actors/policy/budget.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace weir::tests {

inline const timestamp noon{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + std::chrono::hours{12}};

inline timestamp moment(const std::string& text) {
  return parse_timestamp(text).value();
}

inline money usd(std::int64_t units) {
  return {units * picos_per_unit, currency::parse("USD").value()};
}

/// A budget of everything, by the day.
inline budget_config budget_for(const std::string& name, std::int64_t limit) {
  budget_config config;
  config.name = name;
  config.limit = usd(limit);
  config.period = budget_period::day;
  return config;
}

inline budget_config per_user(std::int64_t limit) {
  budget_config config = budget_for("per-user", limit);
  config.tag_key = "user";
  return config;
}

inline usage_record intent(std::uint64_t number, std::int64_t limit, timestamp time = noon) {
  usage_record record;
  record.id = {make_id128(1, 0, number)};
  record.time = time;
  record.provider = provider_name("p");
  record.model = model_name("m");
  record.state = record_state::intent;
  record.cost_limit = usd(limit);
  return record;
}

inline usage_record ended(std::uint64_t number, record_state state, timestamp time = noon) {
  usage_record record = intent(number, 0, time);
  record.state = state;
  record.cost_limit.reset();
  return record;
}

inline usage_record settled(std::uint64_t number, std::int64_t cost, timestamp time = noon) {
  usage_record record = ended(number, record_state::settled, time);
  record.success = true;
  record.cost = usd(cost);
  return record;
}

inline usage_record tagged(usage_record record, const std::string& key, const std::string& value) {
  record.tags.emplace_back(key, value);
  return record;
}

/// Budgets of which the ledger knows nothing.
inline policy::budgets ready_budgets(const std::vector<budget_config>& configs,
                                     std::size_t accounts = policy::budgets::most_accounts,
                                     timestamp now = noon) {
  policy::budgets all(accounts);
  BOOST_REQUIRE(all.adopt(configs).has_value());
  for (const auto& asked : all.questions(now))
    all.seed(asked, {});
  BOOST_REQUIRE(all.ready());
  return all;
}

/// What was spent of each budget, in their order.
inline std::string spent_of(const policy::budgets& all, timestamp now = noon) {
  std::string text;
  for (const budget_health& each : all.state(now))
    text += (text.empty() ? "" : " ") + to_decimal(each.spent);
  return text;
}

inline std::string reserved_of(const policy::budgets& all, timestamp now = noon) {
  std::string text;
  for (const budget_health& each : all.state(now))
    text += (text.empty() ? "" : " ") + to_decimal(each.reserved);
  return text;
}

} // namespace weir::tests
