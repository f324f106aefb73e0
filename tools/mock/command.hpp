// `weir mock`: the mock provider as a program.
// Knows the server as a value that it starts and keeps.
#pragma once

namespace CLI {
class App;
}

namespace weir::mock {

/// Adds the subcommand; when it was chosen it runs until a signal and leaves the exit code.
void add_mock_command(CLI::App& program, int& exit_code);

} // namespace weir::mock
