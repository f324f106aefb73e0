// The program: one subcommand a job.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/documents.hpp"
#include "tools/mock/command.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <string>
#include <string_view>

namespace {

using namespace weir::tools;

/// What is wrong with the command line, to people and, if they asked for it, as JSON. Help is no fault.
int tell_parsing(const CLI::App& program, const CLI::ParseError& error, int argc, char** argv) {
  if (program.exit(error) == 0)
    return exit_code::done;
  // Whoever wanted JSON said so on the very line that could not be read.
  if (std::find(argv, argv + argc, std::string_view("--json")) != argv + argc)
    print(error_document(weir::make_failure(weir::errc::invalid_request, error.what(), "command line")) +
          "\n");
  return exit_code::usage;
}

int run(int argc, char** argv) {
  CLI::App program{
      "weir regulates language-model calls and measures them.\n"
      "It routes a call to a provider, retries, fails over, and books every attempt's tokens and "
      "exact cost."};
  program.name("weir");
  program.set_version_flag("--version", "weir " WEIR_VERSION);
  program.require_subcommand(1);
  program.footer(
      "Try it without a provider:\n"
      "  weir mock --port 8080       plays one on this machine\n"
      "  weir config check           says what a configuration lacks; docs/configuration.md has every key\n"
      "  weir chat \"Hello\"           makes a call\n"
      "  weir usage summary          says what it cost\n\n"
      "With --json, standard output is one JSON document, of a failure too: its error.type says which.\n"
      "Exit codes: 0 done; 1 the call or check failed, or its result could not be printed; 2 the command\n"
      "line or the configuration is wrong.\n"
      "Run 'weir SUBCOMMAND --help' for a subcommand's options.");
  std::string level = "warn";
  program.add_option("--log-level", level, "What is logged to standard error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->type_name("LEVEL")
      ->envname("WEIR_LOG")
      ->capture_default_str();
  int code = exit_code::done;
  add_chat_command(program, code);
  add_usage_command(program, code);
  add_config_command(program, code);
  add_models_command(program, code);
  add_tokens_command(program, code);
  add_prices_command(program, code);
  add_health_command(program, code);
  weir::mock::add_mock_command(program, code);
  program.parse_complete_callback([&level] { start_log(level); });
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return tell_parsing(program, error, argc, argv);
  }
  return code;
}

} // namespace

int main(int argc, char** argv) {
  // A reader that went away is told by the write's result.
  std::signal(SIGPIPE, SIG_IGN);
  occupy_standard_streams();
  try {
    const int code = run(argc, argv);
    print({}); // the help, too, is not done before it is written
    return code;
  } catch (const output_lost& lost) {
    tell(std::string("weir: ") + lost.what() + "\n");
  } catch (const std::exception& error) {
    tell("weir: " + to_string(weir::make_failure(weir::errc::unknown, error.what())) + "\n");
  }
  return exit_code::failed;
}
