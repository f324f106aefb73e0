// `weir usage verify`: reads everything in the ledger and says what is wrong.
#include "tools/usage_commands.hpp"

#include "tools/ending_signals.hpp"
#include "tools/guarded_child.hpp"
#include "tools/table.hpp"
#include "tools/terminal.hpp"
#include "tools/usage_question.hpp"

#include "protocols/report_members.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::tools {

namespace {

using protocols::json_writer;

// What the child sends home: a word, then its figures or a text.
constexpr std::string_view rows_word = "rows ";       // of how many
constexpr std::string_view report_word = "report ";   // records, open intents, rollups, problems
constexpr std::string_view problem_word = "problem "; // a sentence
constexpr std::string_view failed_word = "failed ";   // place, a tab, message

constexpr std::uint64_t rows_between_lines = 4096;

int check(const std::filesystem::path& dir, const send_line& send) {
  const auto fail = [&send](const failure& error) {
    send(std::string(failed_word) + error.place + "\t" + error.message);
    return exit_code::failed;
  };
  const auto ledger = storage::ledger::open({.dir = dir, .read_only = true});
  if (!ledger)
    return fail(ledger.error());
  const auto stats = (*ledger)->stats();
  if (!stats)
    return fail(stats.error());
  std::uint64_t told = 0;
  const auto found = (*ledger)->verify([&](std::uint64_t rows) {
    if (rows < told + rows_between_lines)
      return true;
    told = rows;
    return send(fmt::format("{}{} {}", rows_word, rows, stats->records));
  });
  if (!found)
    return fail(found.error());
  for (const std::string& each : found->problems)
    send(std::string(problem_word) + each);
  send(fmt::format("{}{} {} {} {}", report_word, found->records, found->open_intents, found->rollups,
                   found->problem_count));
  return exit_code::done;
}

std::vector<std::uint64_t> numbers_in(std::string_view text) {
  std::vector<std::uint64_t> numbers;
  while (!text.empty()) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc())
      break;
    numbers.push_back(number);
    text.remove_prefix(std::min(static_cast<std::size_t>(end - text.data()) + 1, text.size()));
  }
  return numbers;
}

/// What was heard of the child.
struct check_news {
  std::optional<storage::verify_report> report;
  std::vector<std::string> problems;
  std::optional<failure> failed;

  void hear(std::string_view line, progress_line& shown) {
    if (line.starts_with(rows_word)) {
      if (const auto rows = numbers_in(line.substr(rows_word.size())); rows.size() == 2)
        shown.show(rows[0], rows[1] == 0 ? std::nullopt : std::optional(rows[0] * 1000 / rows[1]));
    } else if (line.starts_with(problem_word)) {
      problems.emplace_back(line.substr(problem_word.size()));
    } else if (line.starts_with(report_word)) {
      if (const auto of = numbers_in(line.substr(report_word.size())); of.size() == 4)
        report = {.records = of[0],
                  .open_intents = of[1],
                  .rollups = of[2],
                  .problem_count = of[3],
                  .problems = {}};
    } else if (line.starts_with(failed_word)) {
      const std::string_view rest = line.substr(failed_word.size());
      const std::size_t tab = std::min(rest.find('\t'), rest.size());
      failed = make_failure(errc::storage, std::string(rest.substr(std::min(tab + 1, rest.size()))),
                            std::string(rest.substr(0, tab)));
      failed->retryable = false;
    }
  }
};

std::string verify_document(const storage::verify_report& report) {
  return protocols::written([&](json_writer& out) {
    out.StartObject();
    protocols::write_flag(out, "ok", report.problem_count == 0);
    protocols::write_count(out, "records", report.records);
    protocols::write_count(out, "open_intents", report.open_intents);
    protocols::write_count(out, "rollups", report.rollups);
    protocols::write_count(out, "problem_count", report.problem_count);
    protocols::write_array(out, "problems", report.problems,
                           [](json_writer& to, const std::string& each) { protocols::write_text(to, each); });
    out.EndObject();
  });
}

std::string verify_words(const std::filesystem::path& dir, const storage::verify_report& report) {
  std::string text;
  for (const std::string& each : report.problems)
    text += harmless(each) + "\n";
  if (report.problem_count > report.problems.size())
    text += fmt::format("and {} more\n", with_thousands(report.problem_count - report.problems.size()));
  return text +
         fmt::format("{}: {} records, {} open intents, {} rollups: {}\n", dir.string(),
                     with_thousands(report.records), with_thousands(report.open_intents),
                     with_thousands(report.rollups),
                     report.problem_count == 0 ? "all sound" : counted(report.problem_count, "problem"));
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name);
}

int run_verify(const usage_question& question) {
  int code = exit_code::done;
  const std::filesystem::path dir = folder_or_complain(question, code);
  if (dir.empty())
    return code;
  const ending_signals signals;
  check_news news;
  auto line = std::make_optional<progress_line>("checking");
  const auto end = run_in_child([&dir](const send_line& send) { return check(dir, send); },
                                [&](const std::string& text) { news.hear(text, *line); }, signals);
  line.reset();
  if (!end)
    return fail_usage(end.error(), question);
  if (end->ended)
    return fail_usage(make_failure(errc::cancelled, "the check was ended", dir.string()), question);
  if (end->signal != 0)
    return fail_usage(make_failure(errc::storage,
                                   "data.mdb is damaged: the check was killed by " + signal_name(end->signal),
                                   (dir / "data.mdb").string()),
                      question);
  if (news.failed)
    return fail_usage(*news.failed, question);
  if (!news.report)
    return fail_usage(make_failure(errc::storage, "the check ended without a report", dir.string()),
                      question);
  news.report->problems = std::move(news.problems);
  print(question.config.json ? verify_document(*news.report) + "\n" : verify_words(dir, *news.report));
  return news.report->problem_count == 0 ? exit_code::done : exit_code::failed;
}

} // namespace

void add_usage_verify(CLI::App& usage, int& code) {
  auto question = std::make_shared<usage_question>();
  CLI::App* command = usage.add_subcommand("verify", "Read everything in the ledger and say what is wrong");
  add_place_options(*command, *question);
  command->add_flag("--json", question->config.json, "Print one JSON document");
  command->footer(
      "Every row is compared with its checksum, its key and the index, and the rollups with the rows.\n"
      "It can be run beside a running weir, of which it sees one moment.\n\n"
      "Exit codes: 0 all sound; 1 there are problems, or the ledger cannot be read; 2 the command\n"
      "line or the configuration is wrong.");
  command->callback([question, &code] { code = run_verify(*question); });
}

} // namespace weir::tools
