// The subcommands that measure the books: appends, questions, and what durability costs a call.
// Knows no scenario's inside.
#pragma once

#include <CLI/CLI.hpp>

namespace weir::bench {

/// Adds `compare-ledger`, `ask-ledger` and `compare-durability`; each sets the exit code.
void add_ledger_commands(CLI::App& program, int& code);

} // namespace weir::bench
