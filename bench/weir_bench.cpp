// The bench: one subcommand a scenario, a table for people, JSON for machines.
#include "bench/mock_process.hpp"
#include "bench/scenarios.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include <unistd.h>

namespace {

using namespace weir::bench;
using scenario = weir::result<measurement> (*)(const call_options&);

struct bench_options {
  call_options call;
  ledger_options ledger;
  std::vector<std::uint32_t> concurrencies{1, 64, 256};
  std::uint32_t rounds = 5;
  double duration_s = 5;
  double warm_up_s = 1;
  std::int64_t gap_ms = 0;
  std::string reply;
  bool json = false;
};

int complain(const weir::failure& error) {
  fmt::print(stderr, "weir-bench: {}\n", to_string(error));
  return error.type == weir::errc::config ? 2 : 1;
}

/// A line that is written over and over on a terminal, and not at all into a file.
progress progress_line(const bench_options& options) {
  if (options.json || ::isatty(STDERR_FILENO) == 0)
    return {};
  return [](std::uint64_t calls) { fmt::print(stderr, "\r{} calls ", calls); };
}

/// The upstream that the options name, or a mock of our own that `keep` holds.
weir::result<void> find_upstream(bench_options& options, std::unique_ptr<mock_process>& keep) {
  options.call.duration = std::chrono::milliseconds{static_cast<std::int64_t>(options.duration_s * 1000)};
  options.call.warm_up = std::chrono::milliseconds{static_cast<std::int64_t>(options.warm_up_s * 1000)};
  options.call.gap = std::chrono::milliseconds{options.gap_ms};
  options.call.tell = progress_line(options);
  if (!options.call.upstream.empty() || !options.call.config_file.empty())
    return {};
  // About seven hundred bytes on the wire, as chat replies have.
  const std::string reply =
      options.reply.empty() ? "The South Atlantic Ocean. " + std::string(320, '.') : options.reply;
  auto mock = mock_process::start({"--reply", reply});
  if (!mock)
    return mock.error();
  keep = std::move(*mock);
  options.call.upstream = keep->base_url();
  return {};
}

void print_runs(const std::vector<measurement>& runs, bool json) {
  if (!json) {
    fmt::print("{}", to_table(runs));
    return;
  }
  if (runs.size() == 1)
    return fmt::print("{}\n", to_json(runs.front()));
  std::string all;
  for (const measurement& each : runs)
    all += (all.empty() ? "" : ",\n") + to_json(each);
  fmt::print("[{}]\n", all);
}

int run_one(bench_options& options, scenario run) {
  std::unique_ptr<mock_process> mock;
  if (const auto found = find_upstream(options, mock); !found)
    return complain(found.error());
  const auto seen = run(options.call);
  if (!seen)
    return complain(seen.error());
  if (options.call.tell)
    fmt::print(stderr, "\r");
  print_runs({*seen}, options.json);
  if (run == run_idle && !options.json)
    fmt::print("{:.3f} % of a core\n", static_cast<double>(seen->cpu.count()) / seen->duration_s / 10'000);
  return seen->errors == 0 ? 0 : 1;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// The two interleaved, so that both see the same machine; only the ratios are worth quoting.
int run_compare(bench_options& options) {
  std::unique_ptr<mock_process> mock;
  if (const auto found = find_upstream(options, mock); !found)
    return complain(found.error());
  std::string lines;
  for (const std::uint32_t concurrency : options.concurrencies) {
    options.call.concurrency = concurrency;
    std::vector<double> throughput;
    std::vector<double> cpu;
    std::vector<double> added;
    std::vector<measurement> runs;
    for (std::uint32_t round = 0; round != options.rounds; ++round) {
      const auto floor = run_floor(options.call);
      const auto chat = run_chat(options.call);
      if (!floor || !chat)
        return complain(floor ? chat.error() : floor.error());
      throughput.push_back(chat->per_second() / floor->per_second());
      cpu.push_back(chat->cpu_us_per_call() / floor->cpu_us_per_call());
      added.push_back(chat->latency.quantile(0.5) - floor->latency.quantile(0.5));
      runs.push_back(*floor);
      runs.push_back(*chat);
    }
    if (!options.json)
      print_runs(runs, false);
    const auto form = options.json
                          ? "{}{{\"concurrency\":{},\"throughput_ratio\":{:.3f},\"cpu_ratio\":{:.3f},"
                            "\"added_p50_us\":{:.1f}}}"
                          : "{}concurrency {}: throughput {:.2f} x the floor, CPU {:.2f} x the floor, p50 "
                            "{:+.0f} us (medians)\n";
    lines += fmt::format(fmt::runtime(form), options.json && !lines.empty() ? ",\n" : "", concurrency,
                         median(throughput), median(cpu), median(added));
  }
  fmt::print("{}", options.json ? "[" + lines + "]\n" : lines);
  return 0;
}

void add_call_options(CLI::App& command, bench_options& options) {
  command.add_option("--duration", options.duration_s, "Measured time in seconds")->capture_default_str();
  command.add_option("--warm-up", options.warm_up_s, "Seconds before it")->capture_default_str();
  command.add_option("--upstream", options.call.upstream,
                     "Base URL of a provider [a mock in a child process]");
  command.add_option("--reply", options.reply, "What the mock answers");
  command.add_option("--gap", options.gap_ms, "Pause of each agent between two calls, in milliseconds");
  command.add_option("--model", options.call.model, "Model to ask for")->capture_default_str();
  command.add_flag("--json", options.json, "Print JSON");
}

} // namespace

int main(int argc, char** argv) {
  CLI::App program{
      "Concurrency tests of weir. Quote ratios against the floor of the same run only: machines drift."};
  program.name("weir-bench");
  program.require_subcommand(1);
  bench_options options;
  int code = 0;
  const auto add = [&](const char* name, const char* help, scenario run) {
    CLI::App* command = program.add_subcommand(name, help);
    add_call_options(*command, options);
    command->add_option("--concurrency", options.call.concurrency, "Calls in flight")->capture_default_str();
    command->add_option("--calls", options.call.calls, "End after so many calls instead of by time");
    command->callback([&, run] { code = run_one(options, run); });
    return command;
  };
  add("chat", "Agent actors call the manager: the whole way, ledger included", run_chat)
      ->add_option("-c,--config", options.call.config_file,
                   "Use this configuration instead of one for the mock");
  add("floor", "The same calls by a minimal Beast client without actors", run_floor);
  add("idle", "What an embedded runtime costs that has nothing to do", run_idle);
  CLI::App* compare = program.add_subcommand("compare", "chat against floor, interleaved, as ratios");
  add_call_options(*compare, options);
  compare->add_option("--concurrency", options.concurrencies, "Calls in flight, several with commas")
      ->delimiter(',');
  compare->add_option("--rounds", options.rounds, "Runs of each")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  compare->callback([&] { code = run_compare(options); });
  CLI::App* ledger = program.add_subcommand("ledger", "Append records, each batch durable before the next");
  ledger->add_option("--records", options.ledger.records, "How many")->capture_default_str();
  ledger->add_option("--batch", options.ledger.batch, "Records a commit")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  ledger->add_flag("--json", options.json, "Print JSON");
  ledger->callback([&] {
    const auto seen = run_ledger(options.ledger);
    if (seen)
      print_runs({*seen}, options.json);
    code = seen ? 0 : complain(seen.error());
  });
  spdlog::stderr_color_mt("weir")->set_level(spdlog::level::warn);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }
  return code;
}
