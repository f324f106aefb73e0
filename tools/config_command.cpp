// `weir config`: is the file right, and what does it come to.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/documents.hpp"

#include "config/show.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace weir::tools {

namespace {

int check(const config_options& options) {
  const auto loaded = load_config(options.file);
  const config_faults faults = loaded ? config_faults{} : loaded.error();
  for (const config_fault& each : faults)
    tell(to_string(each) + "\n");
  if (options.json) {
    print(check_document(options.file, faults) + "\n");
  } else if (loaded) {
    const snapshot& config = **loaded;
    const auto enabled = std::ranges::count_if(config.providers, &provider_config::enabled);
    print(fmt::format("{}: good; {} of {} enabled, default '{}'\n", options.file, enabled,
                      counted(config.providers.size(), "provider"), config.default_provider.str()));
  }
  return faults.empty() ? exit_code::done : exit_code::usage;
}

int show(const config_options& options) {
  const snapshot_ptr config = load_or_complain(options);
  if (!config)
    return exit_code::usage;
  if (!options.json) {
    print(config::to_toml(*config));
    return exit_code::done;
  }
  const auto document = config_document(*config);
  if (!document) {
    complain(document.error(), options.json);
    return exit_code::failed;
  }
  print(*document + "\n");
  return exit_code::done;
}

} // namespace

void add_config_command(CLI::App& program, int& code) {
  auto options = std::make_shared<config_options>();
  CLI::App* config = program.add_subcommand("config", "Check or show the configuration");
  config->require_subcommand(1);
  config->footer("Run 'weir config SUBCOMMAND --help' for a subcommand's options.");
  CLI::App* checked = config->add_subcommand("check", "Validate the file; every fault with line and column");
  checked->footer("Opens no socket. Each fault is a line: FILE:LINE:COLUMN: KEY: what is wrong.\n\n"
                  "Examples:\n"
                  "  weir config check\n"
                  "  weir config check -c staging.toml --json\n\n"
                  "Exit codes: 0 the file is good; 2 it is not.");
  add_config_option(*checked, *options);
  checked->add_flag("--json", options->json, "Print one JSON document: ok, file, error and faults");
  checked->callback([options, &code] { code = check(*options); });
  CLI::App* shown =
      config->add_subcommand("show", "Print what is in effect: every default, variables replaced");
  shown->footer("Keys and headers are masked but for their last four characters. Times are in milliseconds,\n"
                "sizes in bytes, prices per million tokens.\n\n"
                "Examples:\n"
                "  weir config show -c staging.toml\n"
                "  weir config show --json | jq .llm.providers");
  add_config_option(*shown, *options);
  shown->add_flag("--json", options->json, "Print one JSON document with the members of the TOML");
  shown->callback([options, &code] { code = show(*options); });
}

} // namespace weir::tools
