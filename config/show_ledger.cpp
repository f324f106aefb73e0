// Writing the ledger's and the budgets' tables.
#include "config/show_ledger.hpp"

#include "config/toml_text.hpp"

#include <ostream>

namespace weir::config {

namespace {

void write_budget(std::ostream& out, const budget_config& budget) {
  out << "\n[llm.budgets." << key_text(budget.name) << "]\n";
  if (budget.provider)
    out << "provider = " << string_value(budget.provider->str()) << '\n';
  if (budget.model)
    out << "model = " << string_value(budget.model->str()) << '\n';
  if (!budget.tag_key.empty())
    out << "tag = "
        << string_value(budget.tag_value.empty() ? budget.tag_key : budget.tag_key + '=' + budget.tag_value)
        << '\n';
  out << "period = " << string_value(to_string(budget.period)) << '\n'
      << "time_zone = " << string_value(budget.time_zone) << '\n'
      << "limit = " << string_value(to_decimal(budget.limit)) << '\n'
      << "currency = " << string_value(budget.limit.unit.str()) << '\n';
  if (budget.soft_limit)
    out << "soft_limit = " << string_value(to_decimal(*budget.soft_limit)) << '\n';
  out << "unbounded = " << (budget.refuse_unbounded ? "\"refuse\"" : "\"allow\"") << '\n';
}

} // namespace

void write_ledger(std::ostream& out, const ledger_config& ledger) {
  out << "\n[llm.ledger]\n"
      << "durability = " << string_value(to_string(ledger.durability)) << '\n'
      << "batch_records = " << ledger.batch_records << '\n'
      << "batch_delay = " << ledger.batch_delay.count() << '\n'
      << "max_pending = " << ledger.max_pending << '\n'
      << "map_bytes = " << ledger.map_bytes << '\n'
      << "on_failure = " << (ledger.refuse_when_broken ? "\"refuse\"" : "\"spool\"") << '\n'
      << "rollup_tags = [";
  const char* comma = "";
  for (const std::string& each : ledger.rollup_tags) {
    out << comma << string_value(each);
    comma = ", ";
  }
  out << "]\n"
      << "cancel_drain_time = " << ledger.cancel_drain_time.count() << '\n'
      << "max_draining = " << ledger.max_draining << '\n'
      << "\n[llm.ledger.retention]\n"
      << "rows = " << ledger.retention.rows.count() << '\n'
      << "rollups = " << ledger.retention.rollups.count() << '\n'
      << "max_bytes = " << ledger.retention.max_bytes << '\n'
      << "every = " << ledger.retention.every.count() << '\n';
}

void write_budgets(std::ostream& out, const std::vector<budget_config>& budgets) {
  for (const budget_config& each : budgets)
    write_budget(out, each);
}

} // namespace weir::config
