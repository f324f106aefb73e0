// What the subcommands share: exit codes, the configuration option, the log, printing of failures.
// Knows no subcommand.
#pragma once

#include <weir/client.hpp>
#include <weir/config.hpp>
#include <weir/error.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace weir::tools {

/// Exit codes of the program.
enum exit_code : int {
  done = 0,
  failed = 1, ///< the call or check failed; the error's type was printed
  usage = 2,  ///< the command line or the configuration is wrong
};

/// Options that every subcommand with a configuration has.
struct config_options {
  std::string file;
};

/// Adds `-c, --config FILE`: default `$WEIR_CONFIG`, else `weir.toml`.
void add_config_option(CLI::App& command, config_options& options);

/// Loads the configuration, or prints every fault to standard error and gives null.
snapshot_ptr load_or_complain(const config_options& options);

/// Starts weir with the configuration, without watching its file. Nothing, with the exit code set and the
/// reason printed, when it cannot be started.
std::optional<client> start_or_complain(const config_options& options, int& code);

/// Makes the logger `weir`, to standard error; `level` is spdlog's name, such as `info`.
void start_log(const std::string& level);

/// Prints a failure to standard error, for people.
void complain(const failure& error);

/// Reads a file whole, or standard input for `-`. Errors: `invalid_request`.
result<std::string> read_input(const std::string& file);

/// Prints to standard output and flushes. False: nobody reads any more.
bool print(std::string_view text);

} // namespace weir::tools
