// Shared pieces of the subcommands.
#include "tools/common.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

namespace weir::tools {

void add_config_option(CLI::App& command, config_options& options) {
  options.file = "weir.toml";
  command.add_option("-c,--config", options.file, "Configuration file (TOML)")
      ->envname("WEIR_CONFIG")
      ->capture_default_str()
      ->type_name("FILE");
}

snapshot_ptr load_or_complain(const config_options& options) {
  auto loaded = load_config(options.file);
  if (loaded)
    return std::move(*loaded);
  for (const config_fault& each : loaded.error())
    fmt::print(stderr, "{}\n", to_string(each));
  return nullptr;
}

std::optional<client> start_or_complain(const config_options& options, int& code) {
  const snapshot_ptr config = load_or_complain(options);
  if (!config) {
    code = exit_code::usage;
    return std::nullopt;
  }
  auto started = client::start(config, {.watch_config = false});
  if (started)
    return std::move(*started);
  complain(started.error());
  code = started.error().type == errc::config ? exit_code::usage : exit_code::failed;
  return std::nullopt;
}

void start_log(const std::string& level) {
  auto logger = spdlog::stderr_color_mt("weir");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  logger->set_level(spdlog::level::from_str(level));
}

void complain(const failure& error) {
  fmt::print(stderr, "weir: {}\n", to_string(error));
}

result<std::string> read_input(const std::string& file) {
  if (file == "-")
    return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad())
    return make_failure(errc::invalid_request, "cannot read the file", file);
  return text;
}

bool print(std::string_view text) {
  const bool all = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return std::fflush(stdout) == 0 && all;
}

} // namespace weir::tools
