// `weir usage`: the ledger's questions and its upkeep, asked of the files themselves, beside a running weir
// or without one.
#include "tools/usage_commands.hpp"

#include "tools/commands.hpp"

#include <CLI/CLI.hpp>

namespace weir::tools {

void add_usage_command(CLI::App& program, int& code) {
  CLI::App* usage = program.add_subcommand("usage", "Ask the ledger what was used and what it cost");
  usage->require_subcommand(1);
  usage->footer("The ledger can be asked, cleaned, checked and backed up while weir runs.\n"
                "Run 'weir usage SUBCOMMAND --help' for a subcommand's options.");
  add_usage_summary(*usage, code);
  add_usage_top(*usage, code);
  add_usage_records(*usage, code);
  add_usage_watch(*usage, code);
  add_usage_export(*usage, code);
  add_usage_cleanup(*usage, code);
  add_usage_verify(*usage, code);
  add_usage_backup(*usage, code);
  add_usage_restore(*usage, code);
  add_reprice(*usage, code);
}

} // namespace weir::tools
