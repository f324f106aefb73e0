// The program: one subcommand a job.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/mock/command.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <exception>

int main(int argc, char** argv) {
  using namespace weir::tools;
  // A reader that went away is told by the write's result.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App program{
      "weir regulates language-model calls and measures them.\n"
      "It routes a call to a provider, retries, fails over, and books every attempt's tokens and "
      "exact cost."};
  program.name("weir");
  program.set_version_flag("--version", "weir " WEIR_VERSION);
  program.require_subcommand(1);
  program.footer(
      "Exit codes: 0 done; 1 the call or check failed; 2 the command line or the configuration is wrong.\n"
      "Run 'weir COMMAND --help' for a command's options.");
  std::string level = "warn";
  program.add_option("--log-level", level, "What is logged to standard error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->envname("WEIR_LOG")
      ->capture_default_str();
  int code = exit_code::done;
  add_chat_command(program, code);
  add_usage_command(program, code);
  add_config_command(program, code);
  add_health_command(program, code);
  weir::mock::add_mock_command(program, code);
  program.parse_complete_callback([&level] { start_log(level); });
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? exit_code::done : exit_code::usage;
  } catch (const std::exception& error) {
    complain(weir::make_failure(weir::errc::unknown, error.what()));
    return exit_code::failed;
  }
  return code;
}
