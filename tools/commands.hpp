// The subcommands: each adds itself to the program and, when it was chosen, leaves its exit code.
// Knows no options: those belong to each command.
#pragma once

namespace CLI {
class App;
}

namespace weir::tools {

void add_chat_command(CLI::App& program, int& exit_code);
void add_usage_command(CLI::App& program, int& exit_code);
/// Belongs to `weir usage`.
void add_reprice(CLI::App& usage, int& exit_code);
void add_config_command(CLI::App& program, int& exit_code);
void add_models_command(CLI::App& program, int& exit_code);
void add_tokens_command(CLI::App& program, int& exit_code);
void add_prices_command(CLI::App& program, int& exit_code);
void add_health_command(CLI::App& program, int& exit_code);

} // namespace weir::tools
