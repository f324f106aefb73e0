// The subcommands of `weir usage`: each adds itself and, when it was chosen, leaves its exit code.
// Knows no options: those belong to each.
#pragma once

namespace CLI {
class App;
}

namespace weir::tools {

void add_usage_summary(CLI::App& usage, int& code);
void add_usage_top(CLI::App& usage, int& code);
void add_usage_records(CLI::App& usage, int& code);
void add_usage_watch(CLI::App& usage, int& code);
void add_usage_export(CLI::App& usage, int& code);
void add_usage_cleanup(CLI::App& usage, int& code);
void add_usage_verify(CLI::App& usage, int& code);
void add_usage_backup(CLI::App& usage, int& code);
void add_usage_restore(CLI::App& usage, int& code);

} // namespace weir::tools
