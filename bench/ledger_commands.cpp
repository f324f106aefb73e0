// Options of the measurements of the books.
#include "bench/ledger_commands.hpp"

#include "bench/command_line.hpp"
#include "bench/durability_scenario.hpp"
#include "bench/ledger_comparison.hpp"
#include "bench/ledger_questions.hpp"
#include "bench/mock_process.hpp"

#include <fmt/format.h>

#include <memory>

namespace weir::bench {

namespace {

constexpr std::uint64_t most_rows = 1'000'000'000;

CLI::Validator rows_from(std::uint64_t least) {
  return CLI::Range(least, most_rows).description("");
}

struct compare_options {
  append_options append;
  bool json = false;
};

std::string to_json(const append_options& options, const append_comparison& seen) {
  std::string runs;
  for (const measurement& each : seen.runs)
    runs += (runs.empty() ? "" : ",\n") + to_json(each);
  return fmt::format(
      R"({{"scenario":"compare-ledger","batch":{},"rows":{},"rounds":{},"tags":{},"to_lmdb":{:.3f},)"
      R"("to_sqlite":{:.3f},"to_sqlite_rollups":{:.3f},"runs":[{}]}})",
      options.batch, options.rows, options.rounds, options.tags, seen.to_lmdb, seen.to_sqlite,
      seen.to_sqlite_rollups, runs);
}

int run_compare(const compare_options& options) {
  const auto seen = compare_appends(options.append);
  if (!seen)
    return complain(seen.error());
  if (options.json) {
    fmt::print("{}\n", to_json(options.append, *seen));
    return 0;
  }
  fmt::print("{}", to_table(seen->runs));
  fmt::print(
      "weir: {:.2f} x the minimal LMDB program, {:.2f} x SQLite without rollups, {:.2f} x SQLite with some "
      "(rows a second, medians of {} rounds)\n",
      seen->to_lmdb, seen->to_sqlite, seen->to_sqlite_rollups, options.append.rounds);
  return 0;
}

void add_compare(CLI::App& program, int& code) {
  auto options = std::make_shared<compare_options>();
  CLI::App* command = program.add_subcommand(
      "compare-ledger", "Appends against a minimal LMDB program and SQLite, by turns, as ratios");
  command->add_option("--rows", options->append.rows, "Rows of a run")
      ->check(rows_from(1))
      ->type_name("COUNT")
      ->capture_default_str();
  command->add_option("--batch", options->append.batch, "Rows a transaction, 1 to 100,000")
      ->check(count_up_to(100'000))
      ->type_name("COUNT")
      ->capture_default_str();
  command->add_option("--rounds", options->append.rounds, "Runs of each; the ratios are their medians")
      ->check(count_up_to(1000))
      ->type_name("COUNT")
      ->capture_default_str();
  add_tags(*command, options->append.tags);
  command->add_flag("--json", options->json, "Print one JSON document");
  command->footer(
      "LMDB: default sync, a table of rows of as many bytes, which it does not encode, and one for "
      "id -> time.\nSQLite: WAL, synchronous=FULL, the same columns, an index on time; sqlite+: also "
      "an upsert a group and batch.\nTMPDIR says where; it should be on a disk.");
  command->callback([options, &code] { code = run_compare(*options); });
}

struct ask_options {
  question_options question;
  bool json = false;
};

int run_ask(const ask_options& options) {
  const auto seen = ask_ledger(options.question);
  if (!seen)
    return complain(seen.error());
  fmt::print("{}", options.json ? to_json(*seen) + "\n" : to_table(*seen));
  return 0;
}

void add_ask(CLI::App& program, int& code) {
  auto options = std::make_shared<ask_options>();
  CLI::App* command = program.add_subcommand(
      "ask-ledger", "Fill a large ledger and ask it: summaries, pages, export, bytes a row, memory");
  command->add_option("--rows", options->question.rows, "Rows of the ledger")
      ->check(rows_from(1000))
      ->type_name("COUNT")
      ->capture_default_str();
  command->add_option("--sqlite-rows", options->question.sqlite_rows, "Rows of SQLite; 0: it is not asked")
      ->check(rows_from(0))
      ->type_name("COUNT")
      ->capture_default_str();
  command->add_option("--export", options->question.exported, "Rows to export by the program weir; 0: none")
      ->check(rows_from(0))
      ->type_name("COUNT")
      ->capture_default_str();
  add_tags(*command, options->question.tags);
  command->add_flag("--json", options->json, "Print one JSON document");
  command->callback([options, &code] { code = run_ask(*options); });
}

struct calls_options : run_options {
  std::vector<std::uint32_t> concurrencies{1, 64, 1000};
  std::uint32_t rounds = 3;
};

int run_calls(calls_options& options) {
  settle_times(options);
  std::unique_ptr<mock_process> mock;
  if (options.call.upstream.empty()) {
    auto started = mock_process::start({"--reply", "The South Atlantic Ocean. " + std::string(320, '.')});
    if (!started)
      return complain(started.error());
    mock = std::move(*started);
    options.call.upstream = mock->base_url();
  }
  std::string lines;
  for (const std::uint32_t concurrency : options.concurrencies) {
    options.call.concurrency = concurrency;
    const auto seen = compare_durability(options.call, options.rounds);
    if (!seen)
      return complain(seen.error());
    if (!seen->objection.empty()) {
      tell("weir-bench: " + seen->objection + "\n");
      return 1;
    }
    if (options.json)
      lines += (lines.empty() ? "" : ",\n") + to_json(*seen);
    else
      fmt::print("{}", to_table(*seen));
  }
  if (options.json)
    fmt::print("[{}]\n", lines);
  return 0;
}

void add_calls(CLI::App& program, int& code) {
  auto options = std::make_shared<calls_options>();
  CLI::App* command = program.add_subcommand(
      "compare-durability", "Calls without books, relaxed and strict, and floors that do as much, by turns");
  add_duration(*command, *options);
  add_warm_up(*command, *options);
  add_upstream(*command, *options);
  add_rounds(*command, options->concurrencies, options->rounds);
  command->footer(
      "floor+lmdb and floor+sqlite book an intent and a settlement of each call, by one writer that "
      "commits what\nhas gathered. What books add is told against the floor, and against weir without "
      "any.");
  command->callback([options, &code] { code = run_calls(*options); });
}

} // namespace

void add_ledger_commands(CLI::App& program, int& code) {
  add_compare(program, code);
  add_ask(program, code);
  add_calls(program, code);
}

} // namespace weir::bench
