// The bench: one subcommand a scenario, a table for people, JSON for machines.
#include "bench/command_line.hpp"
#include "bench/comparison.hpp"
#include "bench/ledger_commands.hpp"
#include "bench/mock_process.hpp"
#include "bench/overload_scenario.hpp"
#include "bench/scenarios.hpp"
#include "bench/simulate_scenario.hpp"
#include "bench/stream_commands.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>

namespace {

using namespace weir::bench;
using scenario = weir::result<measurement> (*)(const call_options&);

struct bench_options : run_options {
  ledger_options ledger;
  std::vector<std::uint32_t> concurrencies{1, 64, 256};
  std::uint32_t rounds = 5;
  std::optional<double> ledger_duration_s;
  std::string reply;
};

constexpr std::uint64_t default_records = 200'000;

/// The upstream that the options name, or a mock of our own that `keep` holds.
weir::result<void> find_upstream(bench_options& options, std::unique_ptr<mock_process>& keep) {
  settle_times(options);
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
  fmt::print("{}", json ? to_json(runs.front()) + "\n" : to_table(runs));
}

int run_one(bench_options& options, scenario run) {
  std::unique_ptr<mock_process> mock;
  if (const auto found = find_upstream(options, mock); !found)
    return complain(found.error());
  const auto seen = run(options.call);
  if (!seen)
    return complain(seen.error());
  if (run == run_idle && !options.json)
    fmt::print("idle: {:.3f} % of a core over {:.1f} s, {:.1f} MiB resident\n",
               static_cast<double>(seen->cpu.count()) / seen->duration_s / 10'000, seen->duration_s,
               static_cast<double>(seen->rss) / (1 << 20));
  else
    print_runs({*seen}, options.json);
  return seen->errors == 0 ? 0 : 1;
}

int run_records(bench_options& options) {
  options.ledger.duration = to_time(options.ledger_duration_s.value_or(0));
  if (!options.ledger_duration_s && options.ledger.records == 0)
    options.ledger.records = default_records;
  const auto seen = run_ledger(options.ledger);
  if (!seen)
    return complain(seen.error());
  print_runs({*seen}, options.json);
  return 0;
}

std::string to_words(const comparison<measurement>& seen) {
  return fmt::format("throughput {:.2f} x the floor's, CPU a call {:.2f} x the floor's, p50 {:+.0f} us",
                     median(seen.throughput), median(seen.cpu), median(seen.added_p50));
}

int run_compare(bench_options& options) {
  std::unique_ptr<mock_process> mock;
  if (const auto found = find_upstream(options, mock); !found)
    return complain(found.error());
  const contest<measurement> between{"compare", run_floor, run_chat, to_words,
                                     [](const comparison<measurement>&) { return std::string(); }};
  return run_contest(between, options.call, options.concurrencies, options.rounds, options.json);
}

void add_call_options(CLI::App& command, bench_options& options) {
  add_duration(command, options);
  add_warm_up(command, options);
  add_upstream(command, options);
  command.add_option("--reply", options.reply, "What the mock answers [about 350 bytes]")->type_name("TEXT");
}

CLI::App* add_calls(CLI::App& program, const char* name, const char* help, bench_options& options, int& code,
                    scenario run) {
  CLI::App* command = program.add_subcommand(name, help);
  add_call_options(*command, options);
  add_gap(*command, options);
  add_extent(*command, options);
  command->callback([&options, &code, run] { code = run_one(options, run); });
  return command;
}

void add_idle(CLI::App& program, bench_options& options, int& code) {
  CLI::App* idle = program.add_subcommand("idle", "What an embedded runtime costs that has nothing to do");
  add_call_options(*idle, options);
  idle->add_option("--concurrency", options.call.concurrency, "Taken as elsewhere; nothing is in flight here")
      ->type_name("COUNT");
  idle->callback([&options, &code] { code = run_one(options, run_idle); });
}

void add_compare(CLI::App& program, bench_options& options, int& code) {
  CLI::App* compare = program.add_subcommand("compare", "chat against floor, interleaved, as ratios");
  add_call_options(*compare, options);
  add_gap(*compare, options);
  add_rounds(*compare, options.concurrencies, options.rounds);
  compare->callback([&options, &code] { code = run_compare(options); });
}

void add_ledger(CLI::App& program, bench_options& options, int& code) {
  CLI::App* ledger = program.add_subcommand("ledger", "Append records, each batch durable before the next");
  ledger
      ->add_option("--records", options.ledger.records,
                   "End after so many [200,000, or without bound with --duration]")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}).description(""))
      ->type_name("COUNT");
  ledger->add_option("--duration", options.ledger_duration_s, "End after so many seconds [no bound]")
      ->check(seconds_from(least_duration_s))
      ->type_name("SECONDS");
  ledger
      ->add_option("--batch,--concurrency", options.ledger.batch,
                   "Records a commit, 1 to 10,000. A ledger has one writer: calls that end at the same time "
                   "come to a larger batch")
      ->check(count_up_to(10'000))
      ->type_name("COUNT")
      ->capture_default_str();
  add_tags(*ledger, options.ledger.tags);
  ledger->add_flag("--json", options.json, "Print one JSON document; its calls are records");
  ledger->footer("Latencies are those of commits; CPU is that of a record, the making of it included.\n\n"
                 "Examples:\n"
                 "  weir-bench ledger --batch 1000\n"
                 "  weir-bench ledger --concurrency 64 --duration 10 --json");
  ledger->callback([&options, &code] { code = run_records(options); });
}

int run(int argc, char** argv) {
  CLI::App program{
      "Concurrency tests of weir. Quote ratios against the floor of the same run only: machines drift."};
  program.name("weir-bench");
  program.require_subcommand(1);
  program.footer("US are microseconds. Progress goes to standard error.\n\n"
                 "Examples:\n"
                 "  weir-bench compare --rounds 3 --concurrency 64\n"
                 "  weir-bench chat --concurrency 256 --duration 10 --json\n"
                 "  weir-bench chat --calls 1000 -c weir.toml\n"
                 "  weir-bench compare-stream --concurrency 64 --chunks 500\n\n"
                 "Exit codes: 0 done; 1 calls failed, or a simulated history broke an invariant; 2 the "
                 "command line or the configuration is wrong.");
  bench_options options;
  int code = 0;
  add_calls(program, "chat", "Agent actors call the manager: the whole way, ledger included", options, code,
            run_chat)
      ->add_option("-c,--config", options.call.config_file,
                   "Use this configuration instead of one for the mock")
      ->type_name("FILE");
  add_calls(program, "floor", "The same calls by a minimal Beast client without actors", options, code,
            run_floor);
  add_idle(program, options, code);
  add_compare(program, options, code);
  add_ledger(program, options, code);
  add_ledger_commands(program, code);
  add_stream_commands(program, code);
  add_overload_command(program, code);
  add_simulate(program, code);
  spdlog::stderr_color_mt("weir")->set_level(spdlog::level::warn);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  }
  return code;
}

} // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)
      return code;
    tell(std::string("weir-bench: cannot write to standard output: ") + std::strerror(errno) + "\n");
  } catch (const std::exception& error) {
    tell(std::string("weir-bench: ") + error.what() + "\n");
  }
  return 1;
}
