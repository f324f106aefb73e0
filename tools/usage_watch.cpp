// `weir usage watch`: what is going on, looked at again and again in the ledger of a running weir.
#include "tools/usage_commands.hpp"

#include "tools/ending_signals.hpp"
#include "tools/graphs.hpp"
#include "tools/time_words.hpp"
#include "tools/usage_question.hpp"
#include "tools/usage_rates.hpp"
#include "tools/usage_tables.hpp"

#include "protocols/report_members.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>

#include <unistd.h>

namespace weir::tools {

namespace {

using protocols::json_writer;
using std::chrono::milliseconds;

constexpr milliseconds shortest_interval{100};
constexpr std::uint64_t rows_between_looks = 1024;

struct watch_options {
  usage_question question;
  std::string interval = "2s";
  std::string length;
};

/// A span whose unit may be missing: then it is seconds.
result<milliseconds> read_seconds(const std::string& text, const char* option) {
  const bool bare = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  auto span = parse_span(bare ? text + "s" : text);
  if (span)
    return span;
  failure named = span.error();
  named.place = option;
  return named;
}

void write_rates(json_writer& out, const char* name, const rate_figures& of, std::chrono::seconds time) {
  const auto decimal = [&out](const char* member, std::uint64_t permille) {
    const std::string text = thousandths(permille);
    out.Key(member);
    out.RawValue(text.data(), text.size(), rapidjson::kNumberType);
  };
  out.Key(name);
  out.StartObject();
  protocols::write_count(out, "seconds", static_cast<std::uint64_t>(time.count()));
  protocols::write_count(out, "attempts", of.attempts);
  protocols::write_count(out, "failed", of.failed);
  protocols::write_count(out, "tokens", of.tokens);
  decimal("attempts_per_second", permille_per_second(of.attempts, time));
  decimal("tokens_per_second", permille_per_second(of.tokens, time));
  for (const bool hourly : {false, true}) {
    out.Key(hourly ? "cost_per_hour" : "cost");
    out.StartObject();
    for (const auto& [unit, sum] : of.cost)
      protocols::write_member(out, unit.str(), to_decimal(hourly ? per_hour(sum, time) : sum));
    out.EndObject();
  }
  out.Key("errors");
  out.StartObject();
  for (const auto& [type, count] : of.errors)
    protocols::write_count(out, std::string(to_string(type)).c_str(), count);
  out.EndObject();
  out.EndObject();
}

std::string watch_document(const rate_report& report) {
  return protocols::written([&](json_writer& out) {
    out.StartObject();
    protocols::write_member(out, "time", to_string(report.time));
    write_rates(out, "last_minute", report.last_minute, report.minute);
    write_rates(out, "last_hour", report.last_hour, report.hour);
    out.EndObject();
  });
}

/// To a tenth: nobody reads thousandths that change every second.
std::string rate_cell(std::uint64_t permille) {
  const std::uint64_t tenths = (permille + 50) / 100;
  return with_thousands(tenths / 10) + "." + std::to_string(tenths % 10);
}

/// Rounded to a millionth: a rate is no bill.
money_sum rounded(const money_sum& sum) {
  constexpr int128 millionth = picos_per_unit / 1'000'000;
  return {(sum.picos() + millionth / 2) / millionth * millionth, sum.unit()};
}

std::string rates_table(const rate_report& report) {
  table_rows rows;
  for (const auto& [name, of, time] : {std::tuple{"last minute", &report.last_minute, report.minute},
                                       std::tuple{"last hour", &report.last_hour, report.hour}}) {
    std::string cost;
    for (const auto& [unit, sum] : of->cost)
      cost += (cost.empty() ? "" : " + ") + money_words(rounded(per_hour(sum, time)));
    rows.push_back({name, with_thousands(of->attempts), rate_cell(permille_per_second(of->attempts, time)),
                    with_thousands(of->failed), percent(permille_of(of->failed, of->attempts)),
                    rate_cell(permille_per_second(of->tokens, time)), cost.empty() ? "-" : cost});
  }
  return draw_table({{.title = ""},
                     {.title = "ATTEMPTS", .number = true},
                     {.title = "PER SECOND", .number = true},
                     {.title = "FAILED", .number = true},
                     {.title = "SHARE", .number = true},
                     {.title = "TOKENS/S", .number = true},
                     {.title = "COST PER HOUR", .number = true}},
                    rows);
}

std::string watch_text(const rate_report& report, const display& on) {
  std::string text = bold(on, to_string(report.time).substr(0, 19) + "Z") + "\n" + rates_table(report);
  if (on.blocks) {
    std::vector<int128> by_minute(report.attempts_by_minute.begin(), report.attempts_by_minute.end());
    text += "\n" + sparkline(by_minute) + "  attempts by minute\n";
  }
  std::string errors;
  for (const auto& [type, count] : report.last_hour.errors)
    errors += fmt::format("{}{} {}", errors.empty() ? "" : ", ", with_thousands(count), to_string(type));
  if (!errors.empty())
    text += "\nerrors of the last hour: " + errors + "\n";
  if (report.last.empty())
    return text + "\nno attempt in the last hour\n";
  record_table table(on);
  for (const usage_record& each : report.last)
    table.measure(each);
  return text + "\n" + table.draw({report.last.begin(), report.last.end()}).text;
}

/// Writes over what stands there, and clears what is left of it.
std::string redrawn(const std::string& text) {
  std::string drawn = "\x1b[H";
  for (const char letter : text)
    drawn += letter == '\n' ? std::string("\x1b[K\n") : std::string(1, letter);
  return drawn + "\x1b[J";
}

/// Reads what the window wants; false when a signal came first.
result<bool> look(const storage::ledger& ledger, const usage_filter& filter, rate_window& window,
                  const ending_signals& signals) {
  window.begin(wall_clock());
  bool ended = false;
  std::uint64_t rows = 0;
  for (const auto& [since, until] : window.wanted()) {
    usage_filter span = filter;
    span.since = since;
    span.until = until;
    auto scanned = ledger.scan(span, [&](const usage_record& record) {
      window.add(record);
      ended = ++rows % rows_between_looks == 0 && signals.came();
      return !ended;
    });
    if (!scanned)
      return scanned.error();
    if (ended)
      return false;
  }
  return true;
}

int watch(const watch_options& options, const storage::ledger& ledger, const usage_filter& filter,
          milliseconds interval, std::optional<milliseconds> length, const ending_signals& signals) {
  using clock = std::chrono::steady_clock;
  const clock::time_point begin = clock::now();
  const bool json = options.question.config.json;
  display on = look_at(STDOUT_FILENO);
  if (on.terminal && !json)
    print("\x1b[2J");
  rate_window window;
  for (clock::time_point next = begin;;) {
    const auto whole = look(ledger, filter, window, signals);
    if (!whole)
      return fail_usage(whole.error(), options.question);
    if (!*whole)
      return exit_code::done;
    const rate_report report = window.report();
    on = look_at(STDOUT_FILENO); // who makes the terminal wider sees more
    const std::string text = json ? watch_document(report) + "\n" : watch_text(report, on);
    print(!json && on.terminal ? redrawn(text) : json ? text : text + "\n");
    next = std::max(next + interval, clock::now());
    if (length && next - begin > *length)
      return exit_code::done;
    const auto pause = std::chrono::duration_cast<milliseconds>(next - clock::now());
    if (signals.came_within(std::max(pause, milliseconds{0})))
      return exit_code::done;
  }
}

int run_watch(const watch_options& options) {
  const usage_question& question = options.question;
  const auto filter = make_filter(question, wall_clock());
  if (!filter)
    return refuse_usage(filter.error(), question);
  const auto interval = read_seconds(options.interval, "--interval");
  if (!interval)
    return refuse_usage(interval.error(), question);
  if (*interval < shortest_interval)
    return refuse_usage(make_failure(errc::invalid_request,
                                     "'" + options.interval + "' is too short; expected 100ms or more",
                                     "--interval"),
                        question);
  std::optional<milliseconds> length;
  if (!options.length.empty()) {
    const auto read = read_seconds(options.length, "--for");
    if (!read)
      return refuse_usage(read.error(), question);
    length = *read;
  }
  const ending_signals signals;
  int code = exit_code::done;
  const auto ledger = open_or_complain(question, ledger_use::questions, code);
  return ledger ? watch(options, *ledger, *filter, *interval, length, signals) : code;
}

} // namespace

void add_usage_watch(CLI::App& usage, int& code) {
  auto options = std::make_shared<watch_options>();
  CLI::App* command = usage.add_subcommand("watch", "What is going on: rates, errors, the last attempts");
  add_place_options(*command, options->question);
  command->add_option("--model", options->question.model, "This model only")->type_name("MODEL");
  command->add_option("--provider", options->question.provider, "This provider only")->type_name("PROVIDER");
  command->add_option("--tag", options->question.tags, "Only those with this tag; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command
      ->add_option("--interval", options->interval,
                   "Time between two looks, such as 2s or 500ms; a number is seconds")
      ->capture_default_str()
      ->type_name("SPAN");
  command->add_option("--for", options->length, "End after so long [until Ctrl-C]")->type_name("SPAN");
  command->add_flag("--json", options->question.config.json,
                    "Print one JSON document a look, each on a line");
  command->footer(
      "An attempt is seen when it has ended, at the minute in which it began. A terminal is redrawn in\n"
      "place. Ctrl-C ends it, with exit code 0.\n\n"
      "Examples:\n"
      "  weir usage watch\n"
      "  weir usage watch --interval 10 --json | jq -c .last_minute.cost_per_hour");
  command->callback([options, &code] { code = run_watch(*options); });
}

} // namespace weir::tools
