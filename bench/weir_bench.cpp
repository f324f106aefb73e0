// The bench: one subcommand a scenario, a table for people, JSON for machines.
#include "bench/mock_process.hpp"
#include "bench/scenarios.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>

namespace {

using namespace weir::bench;
using scenario = weir::result<measurement> (*)(const call_options&);

struct bench_options {
  call_options call;
  ledger_options ledger;
  std::vector<std::uint32_t> concurrencies{1, 64, 256};
  std::uint32_t rounds = 5;
  double duration_s = 5;
  std::optional<double> ledger_duration_s;
  double warm_up_s = 1;
  std::int64_t gap_ms = 0;
  std::string reply;
  bool json = false;
};

constexpr std::uint64_t default_records = 200'000;

void tell(const std::string& text) {
  [[maybe_unused]] const auto written = std::fwrite(text.data(), 1, text.size(), stderr);
}

int complain(const weir::failure& error) {
  tell("weir-bench: " + to_string(error) + "\n");
  return error.type == weir::errc::config ? 2 : 1;
}

std::chrono::milliseconds to_time(double seconds) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
}

/// The upstream that the options name, or a mock of our own that `keep` holds.
weir::result<void> find_upstream(bench_options& options, std::unique_ptr<mock_process>& keep) {
  options.call.duration = to_time(options.duration_s);
  options.call.warm_up = to_time(options.warm_up_s);
  options.call.gap = std::chrono::milliseconds{options.gap_ms};
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

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// What chat took against what the floor took, round for round.
struct comparison {
  std::vector<double> throughput;
  std::vector<double> cpu;
  std::vector<double> added_p50;
  std::vector<measurement> runs;
  std::string objection; ///< why there is nothing to compare; empty: there is
};

/// Why a run cannot be compared with another; empty when it can. Where calls fail, something else is
/// measured.
std::string objection(const measurement& run) {
  std::string why;
  if (run.errors != 0)
    why = fmt::format("{} call{} failed", run.errors, run.errors == 1 ? "" : "s");
  else if (run.calls == 0)
    why = "no call ended in the measured time";
  else if (run.cpu.count() == 0)
    why = "the CPU time was too short to be measured";
  return why.empty() ? why
                     : fmt::format("{} with {} in flight: {}; there is nothing to compare", run.scenario,
                                   run.concurrency, why);
}

/// Runs the two interleaved, so that both see the same machine. Ends at the first run that is of no use.
weir::result<comparison> compare(call_options& call, std::uint32_t rounds) {
  comparison seen;
  for (std::uint32_t round = 1; round <= rounds; ++round) {
    call.title = fmt::format("round {} of {}: ", round, rounds);
    for (const scenario run : {run_floor, run_chat}) {
      auto measured = run(call);
      if (!measured)
        return measured.error();
      seen.objection = objection(*measured);
      if (!seen.objection.empty())
        return seen;
      seen.runs.push_back(std::move(*measured));
    }
    const measurement& floor = seen.runs[seen.runs.size() - 2];
    const measurement& chat = seen.runs.back();
    seen.throughput.push_back(chat.per_second() / floor.per_second());
    seen.cpu.push_back(chat.cpu_us_per_call() / floor.cpu_us_per_call());
    seen.added_p50.push_back(chat.latency.quantile(0.5) - floor.latency.quantile(0.5));
  }
  return seen;
}

std::string to_json(const comparison& seen, std::uint32_t concurrency) {
  std::string runs;
  for (const measurement& each : seen.runs)
    runs += (runs.empty() ? "" : ",\n") + to_json(each);
  return fmt::format(R"({{"scenario":"compare","concurrency":{},"rounds":{},"throughput_ratio":{:.3f},)"
                     R"("cpu_ratio":{:.3f},"added_p50_us":{:.1f},"runs":[{}]}})",
                     concurrency, seen.throughput.size(), median(seen.throughput), median(seen.cpu),
                     median(seen.added_p50), runs);
}

std::string to_words(const comparison& seen, std::uint32_t concurrency) {
  return fmt::format("{} in flight: throughput {:.2f} x the floor's, CPU a call {:.2f} x the floor's, p50 "
                     "{:+.0f} us (medians of {} round{})\n",
                     concurrency, median(seen.throughput), median(seen.cpu), median(seen.added_p50),
                     seen.throughput.size(), seen.throughput.size() == 1 ? "" : "s");
}

int run_compare(bench_options& options) {
  std::unique_ptr<mock_process> mock;
  if (const auto found = find_upstream(options, mock); !found)
    return complain(found.error());
  std::string lines;
  for (const std::uint32_t concurrency : options.concurrencies) {
    options.call.concurrency = concurrency;
    const auto seen = compare(options.call, options.rounds);
    if (!seen)
      return complain(seen.error());
    if (!seen->objection.empty()) {
      tell("weir-bench: " + seen->objection + "\n");
      return 1;
    }
    if (options.json) {
      lines += (lines.empty() ? "" : ",\n") + to_json(*seen, concurrency);
    } else {
      print_runs(seen->runs, false);
      lines += to_words(*seen, concurrency);
    }
  }
  fmt::print("{}", options.json ? "[" + lines + "]\n" : lines);
  return 0;
}

/// A number of seconds; "nan", which no comparison refuses, is none.
CLI::Validator seconds_from(double least) {
  return CLI::Validator(
      [least](std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool good = !text.empty() && *end == '\0' && value >= least && value <= 86'400;
        return good ? std::string() : fmt::format("'{}' is no time from {} to 86400 seconds", text, least);
      },
      "");
}

constexpr double least_duration_s = 0.001;
constexpr std::uint32_t most_in_flight = 10'000;

CLI::Validator count_up_to(std::uint32_t most) {
  return CLI::Range(1U, most).description("");
}

void add_call_options(CLI::App& command, bench_options& options) {
  command.add_option("--duration", options.duration_s, "Measured time in seconds")
      ->check(seconds_from(least_duration_s))
      ->type_name("SECONDS")
      ->capture_default_str();
  command.add_option("--warm-up", options.warm_up_s, "Time before it, in seconds")
      ->check(seconds_from(0))
      ->type_name("SECONDS")
      ->capture_default_str();
  command
      .add_option("--upstream", options.call.upstream, "Base URL of a provider [a mock in a child process]")
      ->type_name("URL");
  command.add_option("--reply", options.reply, "What the mock answers [about 350 bytes]")->type_name("TEXT");
  command.add_option("--model", options.call.model, "Model to ask for")
      ->type_name("MODEL")
      ->capture_default_str();
  command.add_flag("--json", options.json, "Print one JSON document");
}

void add_gap(CLI::App& command, bench_options& options) {
  command
      .add_option("--gap", options.gap_ms, "Pause of each agent between two calls, in milliseconds [none]")
      ->check(CLI::Range(0, 86'400'000).description(""))
      ->type_name("MS");
}

CLI::App* add_calls(CLI::App& program, const char* name, const char* help, bench_options& options, int& code,
                    scenario run) {
  CLI::App* command = program.add_subcommand(name, help);
  add_call_options(*command, options);
  add_gap(*command, options);
  command->add_option("--concurrency", options.call.concurrency, "Calls in flight, 1 to 10,000")
      ->check(count_up_to(most_in_flight))
      ->type_name("COUNT")
      ->capture_default_str();
  command
      ->add_option("--calls", options.call.calls,
                   "End after so many calls instead of by time, without warm-up")
      ->check(count_up_to(1'000'000'000))
      ->type_name("COUNT");
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
  compare
      ->add_option("--concurrency", options.concurrencies,
                   "Calls in flight, 1 to 10,000, several with commas [1,64,256]")
      ->check(count_up_to(most_in_flight))
      ->type_name("COUNT")
      ->delimiter(',');
  compare->add_option("--rounds", options.rounds, "Runs of each; the ratios are their medians")
      ->check(count_up_to(1000))
      ->type_name("COUNT")
      ->capture_default_str();
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
  ledger->add_flag("--json", options.json, "Print one JSON document; its calls are records");
  ledger->footer("Latencies are those of commits; CPU is that of a record.\n\n"
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
                 "  weir-bench chat --calls 1000 -c weir.toml\n\n"
                 "Exit codes: 0 done; 1 calls failed; 2 the command line or the configuration is wrong.");
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
