// The schemas of `[llm.ledger]` and `[llm.budgets.NAME]`: what is booked, how long it is kept, what may be
// spent. Knows of the rest of the file only the providers that a budget may name.
#pragma once

#include "config/table_reader.hpp"

#include <vector>

namespace weir::config {

/// Reads how attempts are booked and how long they are kept. What is wrong keeps its default.
void read_ledger(reading& shared, const toml::table* table, const std::string& path, ledger_config& ledger);

/// Reads the budgets, in the order of the file. The providers of `config` must have been read.
std::vector<budget_config> read_budgets(reading& shared, const toml::table* table, const std::string& path,
                                        const snapshot& config);

} // namespace weir::config
