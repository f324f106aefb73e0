// `weir health`: can the providers be reached, can the books be written; once, or again and again.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/ending_signals.hpp"
#include "tools/health_output.hpp"

#include "protocols/report_json.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <optional>

#include <unistd.h>

namespace weir::tools {

namespace {

struct health_options {
  config_options config;
  bool no_probe = false;
  bool breakers = false;
  bool watch = false;
  std::int64_t interval_ms = 1000;
  std::uint64_t count = 0; ///< looks until the end; 0: until a signal
};

int run_once(client& weir, const health_options& options) {
  const auto report = weir.health(!options.no_probe);
  weir.stop();
  if (!report) {
    complain(report.error(), options.config.json);
    return exit_code::failed;
  }
  print(options.config.json ? protocols::to_json(*report) + "\n" : health_text(*report, options.breakers));
  return healthy(*report) ? exit_code::done : exit_code::failed;
}

/// A report; nothing when a signal came first.
std::optional<result<health_report>> look(client& weir, bool probe, const ending_signals& signals) {
  constexpr milliseconds slice{50};
  auto report = std::async(std::launch::async, [&weir, probe] { return weir.health(probe); });
  while (report.wait_for(slice) != std::future_status::ready)
    if (signals.came_within(milliseconds{0})) {
      weir.stop(); // which answers the question
      return std::nullopt;
    }
  return report.get();
}

/// What is printed of each look: a line of JSON, a block, or the same screen again.
class watch_screen {
public:
  explicit watch_screen(const health_options& options)
      : options_(options), in_place_(!options.config.json && ::isatty(STDOUT_FILENO) == 1) {}

  void show(const health_report& report) {
    if (options_.config.json)
      return print(protocols::to_json(report) + "\n");
    const std::string now = time_cell(std::chrono::system_clock::now());
    if (!in_place_)
      changes_.clear(); // of the blocks, each tells its own
    if (last_)
      for (const std::string& each : changes_of(*last_, report))
        changes_.push_back(now + " " + each);
    while (changes_.size() > most_changes)
      changes_.pop_front();
    last_ = report;
    std::string text = now + "\n" + health_text(report, options_.breakers);
    if (!changes_.empty())
      text += "\nchanged:\n";
    for (const std::string& each : changes_)
      text += each + "\n";
    print(in_place_ ? redrawn(text) : text + "\n");
  }

private:
  static constexpr std::size_t most_changes = 10;

  /// Writes over what stands there, and clears what is left of it.
  static std::string redrawn(const std::string& text) {
    std::string drawn = "\x1b[H";
    for (const char letter : text)
      drawn += letter == '\n' ? std::string("\x1b[K\n") : std::string(1, letter);
    return drawn + "\x1b[J";
  }

  const health_options& options_;
  bool in_place_;
  std::optional<health_report> last_;
  std::deque<std::string> changes_;
};

int watch(client& weir, const health_options& options, const ending_signals& signals) {
  watch_screen screen(options);
  for (std::uint64_t looks = 1;; ++looks) {
    const auto report = look(weir, !options.no_probe, signals);
    if (!report)
      return exit_code::done;
    if (!*report) {
      complain(report->error(), options.config.json);
      return exit_code::failed;
    }
    screen.show(**report);
    if (looks == options.count)
      return healthy(**report) ? exit_code::done : exit_code::failed;
    if (signals.came_within(milliseconds{options.interval_ms}))
      return exit_code::done;
  }
}

int run_health(const health_options& options) {
  std::optional<ending_signals> signals;
  if (options.watch)
    signals.emplace();
  int code = exit_code::done;
  auto started = start_or_complain(options.config, code);
  if (!started)
    return code;
  if (!signals)
    return run_once(*started, options);
  code = watch(*started, options, *signals);
  started->stop();
  return code;
}

} // namespace

void add_health_command(CLI::App& program, int& code) {
  auto options = std::make_shared<health_options>();
  CLI::App* health =
      program.add_subcommand("health", "Ask every provider for its models, and look at the ledger");
  health->footer(
      "The probe costs nothing: it asks for the list of models. STATE is 'refuses' where a provider\n"
      "answers, but with an error, such as one about the key. What is told of calls, circuit breakers and\n"
      "keys is told of this program's own: those of another running program are not seen from here.\n\n"
      "Examples:\n"
      "  weir health\n"
      "  weir health --no-probe --json\n"
      "  weir health --breakers\n"
      "  weir health --watch --interval 5000\n"
      "  weir health --watch --count 10 --json | jq -c '[.providers[].reachable]'\n\n"
      "Exit codes: 0 healthy, or a watch was ended by Ctrl-C; 1 no provider can be used, calls are refused,\n"
      "or the ledger cannot be written (with --count, at the last look); 2 the command line or the\n"
      "configuration is wrong.");
  add_config_option(*health, options->config);
  health->add_flag("--no-probe", options->no_probe, "Do not ask the providers");
  health->add_flag("--breakers", options->breakers, "List each model's circuit breaker and its history");
  auto* watched =
      health->add_flag("--watch", options->watch,
                       "Look again and again until Ctrl-C, and tell what changed; a terminal is redrawn");
  health->add_option("--interval", options->interval_ms, "Time between two looks, in milliseconds")
      ->needs(watched)
      ->check(CLI::Range(100, 86'400'000).description(""))
      ->capture_default_str()
      ->type_name("MS");
  health->add_option("--count", options->count, "End after so many looks")
      ->needs(watched)
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}).description(""))
      ->type_name("COUNT");
  health->add_flag("--json", options->config.json,
                   "Print one JSON document: the report, or the failure; with --watch, one a line");
  health->callback([options, &code] { code = run_health(*options); });
}

} // namespace weir::tools
