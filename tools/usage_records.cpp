// `weir usage records`: every attempt, or the last of them, a row each.
#include "tools/usage_commands.hpp"

#include "tools/record_printer.hpp"
#include "tools/usage_question.hpp"
#include "tools/usage_tables.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>

#include <unistd.h>

namespace weir::tools {

namespace {

constexpr std::uint64_t table_limit = 50; // where nobody says how many
constexpr std::uint64_t most_kept = 100'000;
constexpr std::size_t piece_rows = 1000;

struct records_options {
  usage_question question;
  std::optional<std::uint64_t> limit;
};

/// The last records that fit, in order of time.
struct last_records {
  std::deque<usage_record> records;
  bool more = false; ///< there are earlier ones
};

/// Looks back an hour, then eight times as far each time, so that the last few of very many are found soon.
result<last_records> find_last(const storage::ledger& ledger, const usage_filter& filter, timestamp now,
                               std::uint64_t limit) {
  constexpr int steps = 20; // eight to the twentieth hours
  last_records found;
  std::chrono::microseconds back = std::chrono::hours{1};
  const timestamp end = filter.until.value_or(now);
  for (int step = 0; step != steps; ++step, back *= 8) {
    usage_filter window = filter;
    const bool whole =
        step + 1 == steps || end.time_since_epoch() <= back || (filter.since && *filter.since >= end - back);
    if (!whole)
      window.since = end - back;
    found = {};
    auto scanned = ledger.scan(window, [&](const usage_record& record) {
      found.records.push_back(record);
      if (found.records.size() > limit) {
        found.records.pop_front();
        found.more = true;
      }
      return true;
    });
    if (!scanned)
      return scanned.error();
    if (whole || found.more)
      return found;
  }
  return found;
}

/// What can be in a ledger is read twice, and what comes in between is left for the next time.
int show_all(const records_options& options, const storage::ledger& ledger, usage_filter filter,
             timestamp now) {
  if (!filter.until)
    filter.until = now;
  record_table table(look_at(STDOUT_FILENO));
  bool any = false;
  auto scanned = ledger.scan(filter, [&](const usage_record& record) {
    table.measure(record);
    return any = true;
  });
  std::vector<usage_record> piece;
  std::vector<std::string> left_out;
  const auto flush = [&] {
    drawn_table drawn = table.draw(piece);
    print(drawn.text);
    left_out = std::move(drawn.left_out);
    piece.clear();
  };
  if (scanned && any)
    scanned = ledger.scan(filter, [&](const usage_record& record) {
      piece.push_back(record);
      if (piece.size() == piece_rows)
        flush();
      return true;
    });
  if (!scanned)
    return fail_usage(scanned.error(), options.question);
  if (!any)
    print(nothing_booked);
  else if (!piece.empty())
    flush();
  tell(left_out_words(left_out));
  return exit_code::done;
}

int show_last(const last_records& found) {
  if (found.records.empty()) {
    print(nothing_booked);
    return exit_code::done;
  }
  record_table table(look_at(STDOUT_FILENO));
  for (const usage_record& each : found.records)
    table.measure(each);
  const drawn_table drawn = table.draw({found.records.begin(), found.records.end()});
  print(drawn.text);
  tell(left_out_words(drawn.left_out));
  if (found.more)
    tell("these are the last " + with_thousands(found.records.size()) + "; --limit 0 shows all that fit\n");
  return exit_code::done;
}

int run_records(const records_options& options) {
  const timestamp now = wall_clock();
  const auto filter = make_filter(options.question, now);
  if (!filter)
    return refuse_usage(filter.error(), options.question);
  int code = exit_code::done;
  const auto ledger = open_or_complain(options.question, ledger_use::questions, code);
  if (!ledger)
    return code;
  const bool table = options.question.format == "table";
  const std::uint64_t limit = options.limit.value_or(table ? table_limit : 0);
  if (limit == 0)
    return table ? show_all(options, *ledger, *filter, now)
                 : print_records(options.question, *ledger, *filter);
  const auto found = find_last(*ledger, *filter, now, limit);
  if (!found)
    return fail_usage(found.error(), options.question);
  if (table)
    return show_last(*found);
  record_printer out(protocols::to_export_format(options.question.format).value());
  for (const usage_record& each : found->records)
    out.add(each);
  out.end();
  return exit_code::done;
}

} // namespace

void add_usage_records(CLI::App& usage, int& code) {
  auto options = std::make_shared<records_options>();
  CLI::App* command = usage.add_subcommand("records", "Every attempt, or the last of them, oldest first");
  add_place_options(*command, options->question);
  add_filter_options(*command, options->question);
  command->add_option("--limit", options->limit, "The last so many; 0: all [50 in a table, else all]")
      ->check(CLI::Range(std::uint64_t{0}, most_kept).description(""))
      ->type_name("COUNT");
  add_format_options(*command, options->question, {"table", "json", "jsonl", "csv"});
  command->footer(
      "STATE: settled, answered and final; unknown, sent and perhaps billed; void, never reached the\n"
      "provider. ATTEMPT counts those of one call from 1.\n\n"
      "Examples:\n"
      "  weir usage records --provider openai --since today\n"
      "  weir usage records --status failed --since 24h --limit 0\n"
      "  weir usage records --format jsonl | jq 'select(.success | not)'");
  command->callback([options, &code] {
    settle_format(options->question);
    code = run_records(*options);
  });
}

} // namespace weir::tools
