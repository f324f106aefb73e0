// Options, the mock's plan, and what is printed.
#include "bench/stream_commands.hpp"

#include "bench/command_line.hpp"
#include "bench/comparison.hpp"
#include "bench/mock_process.hpp"
#include "bench/scenarios.hpp"
#include "bench/temporary_folder.hpp"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::bench {

namespace {

struct stream_command : run_options {
  std::vector<std::uint32_t> concurrencies{1, 64};
  std::uint32_t rounds = 5;
};

struct slow_command : run_options {
  std::uint32_t streams = 1000;
  std::int64_t pause_ms = 1000;
  bool gather = false;
};

using command_ptr = std::shared_ptr<stream_command>;

constexpr std::uint32_t most_chunks = 100'000;

/// A text of so many words, as TOML writes it; the mock's chunks have one each. As in any prose, their
/// lengths differ, and now and then one has a character that JSON escapes.
std::string text_of_chunks(std::uint32_t chunks) {
  constexpr std::array<std::string_view, 16> words{
      " The",    " nearest", " inhabited", " land", " is",  " Tristan", " da", " Cunha,",
      " called", " a",       " home",      " by",   " 250", " people",  " in", R"( \"all\".\n)"};
  std::string text;
  for (std::uint32_t n = 0; n != chunks; ++n)
    text += words[n % words.size()];
  return text;
}

/// A mock that plays a plan; the plan is read before this returns.
result<std::unique_ptr<mock_process>> play(const std::string& plan) {
  const temporary_folder folder;
  const std::string file = (folder.path() / "plan.toml").string();
  std::ofstream out(file);
  out << plan;
  out.close();
  if (!out)
    return make_failure(errc::config, "the mock's plan cannot be written", file);
  return mock_process::start({"--plan", file});
}

/// The upstream that the options name, or a mock of our own that `keep` holds.
result<void> find_upstream(run_options& options, const std::string& plan,
                           std::unique_ptr<mock_process>& keep) {
  settle_times(options);
  if (!options.call.upstream.empty())
    return {};
  auto mock = play(plan);
  if (!mock)
    return mock.error();
  keep = std::move(*mock);
  options.call.upstream = keep->base_url();
  return {};
}

/// Each word a chunk. The mock drips in pieces as large as this so that it writes seldom: it is not what is
/// measured.
std::string plan_of_chunks(std::uint32_t chunks) {
  return "models = []\nchunk_tokens = 1\nreply = \"" + text_of_chunks(chunks) +
         "\"\n[[faults]]\nkind = \"drip\"\npiece_bytes = 65536\n";
}

/// Chunks with little in them, as a model's are.
std::string endless_plan() {
  return "models = []\nchunk_tokens = 1\nreply = \"" + text_of_chunks(100) +
         "\"\n[[faults]]\nkind = \"endless\"\n";
}

int run_streams(stream_command& options, scenario_of<stream_measurement> run) {
  std::unique_ptr<mock_process> mock;
  if (const auto found = find_upstream(options, plan_of_chunks(options.call.chunks), mock); !found)
    return complain(found.error());
  const auto seen = run(options.call);
  if (!seen)
    return complain(seen.error());
  fmt::print("{}", options.json ? to_json(*seen) + "\n" : to_table(std::vector{*seen}));
  return seen->errors == 0 ? 0 : 1;
}

double added_first_token(const comparison<stream_measurement>& seen) {
  std::vector<double> added;
  for (std::size_t at = 0; at + 1 < seen.runs.size(); at += 2)
    added.push_back(seen.runs[at + 1].first_token.quantile(0.5) - seen.runs[at].first_token.quantile(0.5));
  return median(std::move(added));
}

/// All replies are alike, so that a ratio of calls is one of chunks.
std::string to_words(const comparison<stream_measurement>& seen) {
  return fmt::format(
      "chunks/s {:.2f} x the floor's, CPU a chunk {:.2f} x the floor's, p50 of the first token "
      "{:+.0f} us",
      median(seen.throughput), median(seen.cpu), added_first_token(seen));
}

std::string to_members(const comparison<stream_measurement>& seen) {
  return fmt::format(R"(,"added_first_token_us":{:.1f})", added_first_token(seen));
}

int run_compare_stream(stream_command& options) {
  std::unique_ptr<mock_process> mock;
  if (const auto found = find_upstream(options, plan_of_chunks(options.call.chunks), mock); !found)
    return complain(found.error());
  return run_contest<stream_measurement>(
      {"compare-stream", run_stream_floor, run_stream, to_words, to_members}, options.call,
      options.concurrencies, options.rounds, options.json);
}

int run_slow(slow_command& options) {
  options.call.concurrency = options.streams;
  if (const auto allowed = allow_connections(options.streams); !allowed)
    return complain(allowed.error());
  std::unique_ptr<mock_process> mock;
  if (const auto found = find_upstream(options, endless_plan(), mock); !found)
    return complain(found.error());
  const auto seen =
      run_slow_consumers({options.call, std::chrono::milliseconds{options.pause_ms}, options.gather});
  if (!seen)
    return complain(seen.error());
  fmt::print("{}", options.json ? to_json(*seen) + "\n" : to_text(*seen));
  return seen->good() ? 0 : 1;
}

void add_chunks(CLI::App& command, run_options& options) {
  command
      .add_option("--chunks", options.call.chunks,
                  "Pieces of text in a reply, 1 to 100,000; of an upstream, as many as it sends")
      ->check(count_up_to(most_chunks))
      ->type_name("COUNT")
      ->capture_default_str();
}

void add_run(CLI::App& program, const char* name, const char* help, int& code,
             scenario_of<stream_measurement> run) {
  const command_ptr options = std::make_shared<stream_command>();
  CLI::App* command = program.add_subcommand(name, help);
  add_duration(*command, *options);
  add_warm_up(*command, *options);
  add_upstream(*command, *options);
  add_gap(*command, *options);
  add_extent(*command, *options);
  add_chunks(*command, *options);
  command->callback([options, &code, run] { code = run_streams(*options, run); });
}

void add_compare_stream(CLI::App& program, int& code) {
  const command_ptr options = std::make_shared<stream_command>();
  CLI::App* command =
      program.add_subcommand("compare-stream", "stream against stream-floor, interleaved, as ratios");
  add_duration(*command, *options);
  add_warm_up(*command, *options);
  add_upstream(*command, *options);
  add_gap(*command, *options);
  add_rounds(*command, options->concurrencies, options->rounds);
  add_chunks(*command, *options);
  command->callback([options, &code] { code = run_compare_stream(*options); });
}

void add_slow_consumers(CLI::App& program, int& code) {
  const auto options = std::make_shared<slow_command>();
  CLI::App* command = program.add_subcommand(
      "slow-consumers", "Streams without an end to sinks that take their time, then all cancelled");
  add_duration(*command, *options);
  add_upstream(*command, *options);
  command->add_option("--streams,--concurrency", options->streams, "Streams, 1 to 10,000")
      ->check(count_up_to(most_in_flight))
      ->type_name("COUNT")
      ->capture_default_str();
  command->add_option("--pause", options->pause_ms, "Milliseconds from a batch to the sink's answer")
      ->check(CLI::Range(1, 86'400'000).description(""))
      ->type_name("MS")
      ->capture_default_str();
  command->add_flag("--gather", options->gather,
                    "Let each reply gather its whole text, as calls do by default");
  command->footer(
      "Memory that grows is a fault, but for the text with --gather. Exit code 1: a stream ended too "
      "soon, was not cancelled, or left its connection open.");
  command->callback([options, &code] { code = run_slow(*options); });
}

} // namespace

void add_stream_commands(CLI::App& program, int& code) {
  add_run(program, "stream", "Readers call the manager and get their replies piece by piece", code,
          run_stream);
  add_run(program, "stream-floor", "The same streams by a minimal Beast client without actors", code,
          run_stream_floor);
  add_compare_stream(program, code);
  add_slow_consumers(program, code);
}

} // namespace weir::bench
