// The books' part of the effective configuration: the ledger, its retention, budgets.
// Knows nothing of the rest of the snapshot.
#pragma once

#include <weir/config.hpp>

#include <iosfwd>
#include <vector>

namespace weir::config {

void write_ledger(std::ostream& out, const ledger_config& ledger);
void write_budgets(std::ostream& out, const std::vector<budget_config>& budgets);

} // namespace weir::config
