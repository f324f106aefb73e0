// `weir models`: what the providers offer, asked of themselves, beside what the configuration says of it.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/documents.hpp"
#include "tools/table.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

namespace weir::tools {

namespace {

struct models_options {
  config_options config;
  std::string provider;
};

std::string text_for_people(const std::vector<offered_model>& models) {
  std::vector<std::vector<std::string>> rows;
  for (const offered_model& each : models)
    rows.push_back({each.provider.str(), each.name.str(), each.configured ? "yes" : "no",
                    each.configured && each.configured->prices ? each.configured->prices->unit.str() : "-"});
  return draw_table({{"PROVIDER"}, {"MODEL"}, {"CONFIGURED"}, {"PRICED IN"}}, rows);
}

/// What each provider that answered offers.
std::vector<offered_model> offers_of(const snapshot& config, const health_report& report) {
  std::vector<offered_model> found;
  for (const provider_health& each : report.providers)
    if (const provider_config* const known = config.find(each.name))
      for (const model_name& model : each.models)
        found.push_back({each.name, model, find_model(*known, model)});
  return found;
}

int run_models(const models_options& options) {
  const snapshot_ptr config = load_or_complain(options.config);
  if (!config)
    return exit_code::usage;
  const provider_name wanted(options.provider);
  if (!wanted.empty() && (config->find(wanted) == nullptr || !config->find(wanted)->enabled)) {
    complain(make_failure(errc::invalid_request, "there is no enabled provider '" + wanted.str() + "'",
                          "--provider"),
             options.config.json);
    return exit_code::usage;
  }
  int code = exit_code::done;
  auto started = start_or_complain(options.config, code);
  if (!started)
    return code;
  const auto report = started->health(true, wanted);
  started->stop();
  if (!report) {
    complain(report.error(), options.config.json);
    return exit_code::failed;
  }
  for (const provider_health& each : report->providers)
    if (each.probe_error)
      tell("weir: " + each.name.str() + ": " + to_string(*each.probe_error) + "\n");
  const auto found = offers_of(*config, *report);
  print(options.config.json ? models_document(found, *report) + "\n" : text_for_people(found));
  const bool answered = std::ranges::any_of(
      report->providers, [](const provider_health& each) { return each.reachable.value_or(false); });
  return answered ? exit_code::done : exit_code::failed;
}

} // namespace

void add_models_command(CLI::App& program, int& code) {
  auto options = std::make_shared<models_options>();
  CLI::App* models = program.add_subcommand("models", "List the models that the providers offer");
  models->footer(
      "The providers are asked for their lists, free of charge. A provider that does not answer is told on\n"
      "standard error.\n\n"
      "Examples:\n"
      "  weir models\n"
      "  weir models -p openai --json\n\n"
      "Exit codes: 0 a provider answered; 1 none did; 2 the command line or the configuration is wrong.");
  add_config_option(*models, options->config);
  models->add_option("-p,--provider", options->provider, "Ask this provider only")->type_name("PROVIDER");
  models->add_flag("--json", options->config.json, "Print one JSON document: the models, or the failure");
  models->callback([options, &code] { code = run_models(*options); });
}

} // namespace weir::tools
