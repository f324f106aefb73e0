// `weir usage export`: every attempt into a file that appears whole or not at all.
#include "tools/usage_commands.hpp"

#include "tools/documents.hpp"
#include "tools/ending_signals.hpp"
#include "tools/record_printer.hpp"
#include "tools/terminal.hpp"
#include "tools/usage_question.hpp"

#include "protocols/record_writer.hpp"
#include "storage/export_records.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace weir::tools {

namespace {

constexpr std::uint64_t rows_between_looks = 1024;

struct export_options {
  usage_question question;
  std::string output;
};

/// How far a scan has come, in thousandths: by rows when all are wanted, else by the time that lies behind
/// it.
class scan_progress {
public:
  scan_progress(const usage_filter& filter, std::uint64_t all_rows, timestamp now)
      : all_rows_(all_rows), begin_(filter.since), end_(filter.until.value_or(now)),
        by_rows_(filter.since == std::nullopt && filter.until == std::nullopt && !filter.model &&
                 !filter.provider && !filter.status && !filter.error_type && filter.tags.empty()) {}

  std::uint64_t permille(std::uint64_t rows, timestamp at) {
    if (by_rows_)
      return all_rows_ == 0 ? 1000 : std::min<std::uint64_t>(rows * 1000 / all_rows_, 1000);
    if (!begin_)
      begin_ = at; // the first of them
    const auto whole = (end_ - *begin_).count();
    const auto part = (at - *begin_).count();
    return whole <= 0 || part >= whole ? 1000 : static_cast<std::uint64_t>(part / (whole / 1000 + 1));
  }

private:
  std::uint64_t all_rows_;
  std::optional<timestamp> begin_;
  timestamp end_;
  bool by_rows_;
};

int write_export(const export_options& options, const storage::ledger& ledger, const usage_filter& filter,
                 const ending_signals& signals) {
  const auto stats = ledger.stats();
  if (!stats)
    return fail_usage(stats.error(), options.question);
  scan_progress scanned(filter, stats->records, wall_clock());
  auto line = std::make_optional<progress_line>("exporting");
  std::uint64_t rows = 0;
  const auto go_on = [&](const usage_record& record) {
    if (rows++ % rows_between_looks != 0)
      return true;
    line->show(rows, scanned.permille(rows, record.time));
    return !signals.came();
  };
  const protocols::record_writer writer(protocols::to_export_format(options.question.format).value());
  const auto written = storage::export_records(ledger, filter, writer, options.output, go_on);
  line.reset();
  if (!written)
    return fail_usage(written.error(), options.question);
  print(options.question.config.json
            ? export_document(options.output, written->records, options.question.format) + "\n"
            : fmt::format("{}: {} written as {}\n", options.output, counted(written->records, "record"),
                          options.question.format));
  return exit_code::done;
}

int run_export(const export_options& options) {
  const auto filter = make_filter(options.question, wall_clock());
  if (!filter)
    return refuse_usage(filter.error(), options.question);
  std::optional<ending_signals> signals;
  const bool to_file = !options.output.empty() && options.output != "-";
  if (to_file)
    signals.emplace();
  int code = exit_code::done;
  const auto ledger = open_or_complain(options.question, ledger_use::questions, code);
  if (!ledger)
    return code;
  return to_file ? write_export(options, *ledger, *filter, *signals)
                 : print_records(options.question, *ledger, *filter);
}

} // namespace

void add_usage_export(CLI::App& usage, int& code) {
  auto options = std::make_shared<export_options>();
  options->question.format = "csv";
  CLI::App* command = usage.add_subcommand("export", "Write every attempt to a file");
  add_place_options(*command, options->question);
  add_filter_options(*command, options->question);
  CLI::Option* output =
      command
          ->add_option("-o,--output", options->output,
                       "File to write, replaced as a whole or not at all; - for standard output\n"
                       "[standard output]")
          ->type_name("FILE");
  command->add_option("--format", options->question.format, "How it is written [csv]")
      ->check(CLI::IsMember({"csv", "json", "jsonl"}))
      ->type_name("FORMAT");
  command
      ->add_flag("--json", options->question.config.json,
                 "Print {file, records, format} when the file is written")
      ->needs(output);
  command->footer("Ctrl-C leaves no half of a file. A terminal is shown how far it has come.\n\n"
                  "Examples:\n"
                  "  weir usage export -o november.csv --since 2026-11-01 --until 2026-12-01\n"
                  "  weir usage export --format jsonl | jq .total_tokens");
  command->callback([options, &code] { code = run_export(*options); });
}

} // namespace weir::tools
