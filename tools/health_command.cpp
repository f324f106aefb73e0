// `weir health`: can the providers be reached, can the books be written.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/table.hpp"

#include "protocols/report_json.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace weir::tools {

namespace {

struct health_options {
  config_options config;
  bool no_probe = false;
};

std::string state_word(const provider_health& provider) {
  if (!provider.reachable)
    return "not asked";
  if (*provider.reachable)
    return "reachable";
  // Who answers with an error, such as one about the key, can be reached.
  return provider.probe_error && provider.probe_error->status_code != 0 ? "refuses" : "unreachable";
}

std::string text_for_people(const health_report& report) {
  std::vector<std::vector<std::string>> rows;
  for (const provider_health& each : report.providers) {
    const auto& why = each.probe_error ? each.probe_error : each.last_error;
    rows.push_back({each.name.str(), state_word(each), std::string(to_string(each.breaker)),
                    each.reachable.value_or(false) ? milliseconds_cell(each.probe_latency) : "-",
                    why ? to_string(*why) : "-"});
  }
  const std::string table =
      draw_table({{"PROVIDER"}, {"STATE"}, {"CIRCUIT BREAKER"}, {"PROBE MS", true}, {"WHY"}}, rows);
  if (!report.ledger.enabled)
    return table + "ledger: off (enable_usage_tracking)\n";
  return table + "ledger: " + (report.ledger.error ? to_string(*report.ledger.error) : "writable") + "\n";
}

bool healthy(const health_report& report) {
  const bool someone = std::ranges::any_of(
      report.providers, [](const provider_health& each) { return each.reachable.value_or(true); });
  return someone && !report.ledger.error;
}

int run_health(const health_options& options) {
  int code = exit_code::done;
  auto started = start_or_complain(options.config, code);
  if (!started)
    return code;
  const auto report = started->health(!options.no_probe);
  started->stop();
  if (!report) {
    complain(report.error(), options.config.json);
    return exit_code::failed;
  }
  print(options.config.json ? protocols::to_json(*report) + "\n" : text_for_people(*report));
  return healthy(*report) ? exit_code::done : exit_code::failed;
}

} // namespace

void add_health_command(CLI::App& program, int& code) {
  auto options = std::make_shared<health_options>();
  CLI::App* health =
      program.add_subcommand("health", "Ask every provider for its models, and look at the ledger");
  health->footer(
      "The probe costs nothing: it asks for the list of models. STATE is 'refuses' where a provider\n"
      "answers, but with an error, such as one about the key.\n\n"
      "Examples:\n"
      "  weir health\n"
      "  weir health --no-probe --json\n\n"
      "Exit codes: 0 healthy; 1 no provider can be used, or the ledger cannot be written;\n"
      "2 the command line or the configuration is wrong.");
  add_config_option(*health, options->config);
  health->add_flag("--no-probe", options->no_probe, "Do not ask the providers");
  health->add_flag("--json", options->config.json, "Print one JSON document: the report, or the failure");
  health->callback([options, &code] { code = run_health(*options); });
}

} // namespace weir::tools
