// `weir usage summary`: totals of what was used, by group, and how the last days went.
#include "tools/usage_commands.hpp"

#include "tools/usage_question.hpp"
#include "tools/usage_tables.hpp"

#include "protocols/report_csv.hpp"
#include "protocols/report_json.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include <unistd.h>

namespace weir::tools {

namespace {

constexpr std::size_t most_points = 30;
constexpr std::chrono::hours two_days{48};
constexpr std::chrono::hours least_history{23}; // and the hour that is going on

struct summary_options {
  usage_question question;
  std::string group_by = "provider,model";
  bool by_rows = false;
};

/// What is asked, as the library understands it.
struct summary_question {
  usage_filter filter;
  usage_grouping grouping;
  time_zone zone;
  timestamp now;
};

result<summary_question> read(const summary_options& options) {
  summary_question read;
  read.now = wall_clock();
  const auto zone = zone_of(options.question);
  if (!zone)
    return zone.error();
  read.zone = *zone;
  auto grouping = parse_grouping(options.group_by, options.question.zone);
  if (!grouping) {
    failure named = grouping.error();
    named.place = "--group-by";
    return named;
  }
  read.grouping = std::move(*grouping);
  auto filter = make_filter(options.question, read.now);
  if (!filter)
    return filter.error();
  read.filter = std::move(*filter);
  return read;
}

/// The stretches of the last days, or of the last hours where two days or fewer are asked for.
std::vector<history_point> stretches(const summary_question& asked, timestamp first, time_step step) {
  const timestamp end = asked.filter.until.value_or(asked.now + std::chrono::microseconds{1});
  std::vector<history_point> points;
  std::vector<timestamp> begins;
  timestamp last = end - std::chrono::microseconds{1};
  for (timestamp at = asked.zone.begin_of(last, step); begins.size() != most_points;
       at = asked.zone.begin_of(at - std::chrono::microseconds{1}, step)) {
    begins.push_back(at);
    if (at <= first)
      break;
  }
  for (auto at = begins.rbegin(); at != begins.rend(); ++at) {
    history_point point;
    point.label = asked.zone.label(*at, step);
    point.figures.period = *at;
    points.push_back(std::move(point));
  }
  return points;
}

result<std::string> history(const summary_question& asked, const storage::ledger& ledger,
                            const usage_summary& totals, unsigned width) {
  const timestamp end = asked.filter.until.value_or(asked.now);
  // Young books have a day to look back on, too, though little is in it.
  const timestamp first = std::max(asked.filter.since.value_or(timestamp::min()),
                                   std::min(totals.first_request_time, end - least_history));
  const time_step step = end - first <= two_days ? time_step::hour : time_step::day;
  auto points = stretches(asked, first, step);
  usage_filter filter = asked.filter;
  filter.since = std::max(*points.front().figures.period, asked.filter.since.value_or(timestamp::min()));
  usage_grouping grouping = protocols::no_grouping();
  grouping.step = step;
  grouping.time_zone = asked.grouping.time_zone;
  const auto summaries = ledger.summary(filter, grouping);
  if (!summaries)
    return summaries.error();
  for (const usage_summary& each : *summaries)
    for (history_point& point : points)
      if (point.figures.period == each.period)
        point.figures = each;
  return history_text(points, to_string(step), width);
}

int show_table(const summary_options& options, const summary_question& asked, const storage::ledger& ledger,
               const std::vector<usage_summary>& summaries) {
  const display on = look_at(STDOUT_FILENO);
  usage_summary totals;
  for (const usage_summary& each : summaries)
    totals.add(each);
  const drawn_table table = summary_table(summaries, asked.grouping, asked.zone, on);
  std::string text = table.text;
  if (on.blocks && totals.total_requests != 0) {
    const auto days = history(asked, ledger, totals, on.width);
    if (!days)
      return fail_usage(days.error(), options.question);
    if (!days->empty())
      text += "\n" + *days;
  }
  if (const std::string notes = summary_notes(totals); !notes.empty())
    text += (on.blocks ? "\n" : "") + dim(on, notes.substr(0, notes.size() - 1)) + "\n";
  print(text);
  tell(left_out_words(table.left_out));
  return exit_code::done;
}

int run_summary(const summary_options& options) {
  const auto asked = read(options);
  if (!asked)
    return refuse_usage(asked.error(), options.question);
  int code = exit_code::done;
  const auto ledger = open_or_complain(options.question, ledger_use::questions, code);
  if (!ledger)
    return code;
  const auto summaries =
      ledger->summary(asked->filter, asked->grouping,
                      options.by_rows ? storage::summary_basis::rows : storage::summary_basis::rollups);
  if (!summaries)
    return fail_usage(summaries.error(), options.question);
  if (options.question.format == "table")
    return show_table(options, *asked, *ledger, *summaries);
  print(options.question.format == "json" ? protocols::to_json(*summaries, asked->grouping) + "\n"
                                          : protocols::to_csv(*summaries, asked->grouping));
  return exit_code::done;
}

} // namespace

void add_usage_summary(CLI::App& usage, int& code) {
  auto options = std::make_shared<summary_options>();
  CLI::App* command = usage.add_subcommand("summary", "Totals of attempts, tokens and money, by group");
  add_place_options(*command, options->question);
  add_filter_options(*command, options->question);
  command
      ->add_option("--group-by", options->group_by,
                   "provider, model, status, error, tag:KEY and one of hour, day, month, joined by commas;\n"
                   "or none")
      ->capture_default_str()
      ->type_name("GROUPS");
  command->add_flag("--by-rows", options->by_rows,
                    "Add up every row instead of the rollups: slower, and the same to the last digit");
  add_format_options(*command, options->question, {"table", "json", "csv"});
  command->footer(
      "TOKENS IN are the prompts', TOKENS OUT the completions'. MEAN, P50 and P99 are response times of\n"
      "successful attempts; FIRST P50 and P99 are times to the first token of those that were streamed.\n"
      "Costs are exact. A terminal also shows how the last days went.\n\n"
      "Examples:\n"
      "  weir usage summary --since this-month\n"
      "  weir usage summary --group-by day,provider --since 7d --time-zone Europe/Berlin\n"
      "  weir usage summary --group-by tag:agent --model gpt-4 --json");
  command->callback([options, &code] {
    settle_format(options->question);
    code = run_summary(*options);
  });
}

} // namespace weir::tools
