// What the subcommands share: exit codes, the configuration option, the log, everything that is printed.
// Knows no subcommand.
#pragma once

#include <weir/client.hpp>
#include <weir/config.hpp>
#include <weir/error.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace weir::tools {

/// Exit codes of the program.
enum exit_code : int {
  done = 0,
  failed = 1, ///< the call or check failed, or its result could not be printed; the error's type was printed
  usage = 2,  ///< the command line or the configuration is wrong
};

/// Options that every subcommand with a configuration has.
struct config_options {
  std::string file;
  bool json = false; ///< standard output gets one JSON document, be it of a result or of a failure
};

/// Standard output did not take what was printed: the program says so and ends with `exit_code::failed`.
struct output_lost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Opens what the caller left closed of the three standard streams, so that no file of ours takes its number
/// and is written into; reading and writing go on to fail there.
void occupy_standard_streams();

/// Adds `-c, --config FILE`: default `$WEIR_CONFIG`, else `weir.toml`.
void add_config_option(CLI::App& command, config_options& options);

/// Loads the configuration, or complains of every fault and gives null.
snapshot_ptr load_or_complain(const config_options& options);

/// Starts weir with the configuration, without watching its file. Nothing, with the exit code set and the
/// reason told, when it cannot be started.
std::optional<client> start_or_complain(const config_options& options, int& code);
/// The same with a configuration that is loaded.
std::optional<client> start_or_complain(const snapshot_ptr& config, const config_options& options, int& code);

/// Makes the logger `weir`, to standard error; `level` is spdlog's name, such as `info`.
void start_log(const std::string& level);

/// Tells a failure to people and, with `json`, prints `{"error":{…}}` as well.
void complain(const failure& error, bool json = false);

/// Tells every fault of a file to people, a line each, and, with `json`, prints
/// `{"error":{…},"faults":[…]}` as well.
void complain(const config_faults& faults, bool json = false);

/// Reads a file whole, or standard input for `-`, up to 64 MiB. Errors: `invalid_request`.
result<std::string> read_input(const std::string& file);

/// Prints to standard output and flushes; an empty text flushes what others have printed. Throws
/// `output_lost`.
void print(std::string_view text);

/// Writes to standard error, for people. Nobody is left to be told that it failed.
void tell(std::string_view text);

/// `1 attempt`, `2 attempts`: for words whose plural takes an s.
std::string counted(std::uint64_t count, std::string_view word);

} // namespace weir::tools
