// `simulate`: random histories of the whole runtime in virtual time, and the storm. See docs/simulation.md.
// Knows no invariant: what must not be stands in tests/simulation/.
#pragma once

#include <CLI/CLI.hpp>

namespace weir::bench {

/// Adds the subcommand. `code` is set to 1 when a history breaks an invariant.
void add_simulate(CLI::App& program, int& code);

} // namespace weir::bench
