// The subcommands whose replies are streamed.
// Knows no other subcommand.
#pragma once

#include <CLI/CLI.hpp>

namespace weir::bench {

/// Adds `stream`, `stream-floor`, `compare-stream` and `slow-consumers`; the one that is run leaves its exit
/// code in `code`.
void add_stream_commands(CLI::App& program, int& code);

} // namespace weir::bench
