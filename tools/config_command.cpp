// `weir config`: is the file right, and what does it come to.
#include "tools/commands.hpp"
#include "tools/common.hpp"

#include "config/show.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace weir::tools {

namespace {

int check(const config_options& options) {
  const snapshot_ptr config = load_or_complain(options);
  if (!config)
    return exit_code::usage;
  const auto enabled = std::ranges::count_if(config->providers, &provider_config::enabled);
  print(fmt::format("{}: good; {} of {} providers enabled, default '{}'\n", options.file, enabled,
                    config->providers.size(), config->default_provider.str()));
  return exit_code::done;
}

int show(const config_options& options) {
  const snapshot_ptr config = load_or_complain(options);
  if (!config)
    return exit_code::usage;
  print(config::to_toml(*config));
  return exit_code::done;
}

} // namespace

void add_config_command(CLI::App& program, int& code) {
  auto options = std::make_shared<config_options>();
  CLI::App* config = program.add_subcommand("config", "Check or show the configuration");
  config->require_subcommand(1);
  CLI::App* checked = config->add_subcommand("check", "Validate the file; every fault with line and column");
  add_config_option(*checked, *options);
  checked->callback([options, &code] { code = check(*options); });
  CLI::App* shown = config->add_subcommand("show", "Print the effective configuration, secrets masked");
  add_config_option(*shown, *options);
  shown->callback([options, &code] { code = show(*options); });
}

} // namespace weir::tools
