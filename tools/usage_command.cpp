// `weir usage`: the ledger's questions, asked of the files themselves, beside a running weir or without one.
#include "tools/commands.hpp"
#include "tools/common.hpp"
#include "tools/documents.hpp"
#include "tools/table.hpp"

#include "protocols/report_csv.hpp"
#include "protocols/report_json.hpp"
#include "storage/ledger.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <unistd.h>

namespace weir::tools {

namespace {

struct usage_options {
  config_options config;
  std::string dir;
  std::string since;
  std::string until;
  std::string model;
  std::string provider;
  std::string format = "table";
  std::string output;
};

result<usage_filter> make_filter(const usage_options& options) {
  usage_filter filter;
  for (const auto& [text, into, name] : {std::tuple{&options.since, &filter.since, "--since"},
                                         std::tuple{&options.until, &filter.until, "--until"}}) {
    if (text->empty())
      continue;
    auto read = parse_timestamp(*text);
    if (!read) {
      failure named = read.error();
      named.place = name;
      return named;
    }
    *into = *read;
  }
  if (!options.model.empty())
    filter.model = model_name(options.model);
  if (!options.provider.empty())
    filter.provider = provider_name(options.provider);
  return filter;
}

std::string money_words(const money& amount) {
  return to_decimal(amount) + " " + amount.unit.str();
}

/// Sums joined by a plus; empty when there is none.
std::string cost_words(const std::map<currency, money_sum>& sums) {
  std::string words;
  for (const auto& [unit, sum] : sums)
    words += (words.empty() ? "" : " + ") + to_decimal(sum) + " " + unit.str();
  return words;
}

std::string cost_cell(const usage_summary& each) {
  if (!each.total_cost.empty())
    return cost_words(each.total_cost);
  return each.unpriced_requests + each.unknown_requests == 0 ? "none" : "unknown";
}

/// What never reached a provider costs nothing, and what may have been billed has an upper bound.
std::string cost_cell(const usage_record& record) {
  if (record.cost)
    return money_words(*record.cost);
  if (record.cost_limit)
    return "up to " + money_words(*record.cost_limit);
  return record.state == record_state::void_attempt ? "none" : "unknown";
}

std::vector<std::string> summary_row(const usage_summary& each, std::string provider, std::string model) {
  return {std::move(provider),
          std::move(model),
          with_thousands(each.total_requests),
          with_thousands(each.failed_requests),
          with_thousands(each.total_prompt_tokens),
          with_thousands(each.total_completion_tokens),
          with_thousands(each.total_tokens),
          cost_cell(each),
          each.successful_requests == 0 ? "-" : milliseconds_cell(each.average_response_time())};
}

/// What the table cannot say: what is missing from its sums.
std::string summary_notes(const usage_summary& totals) {
  std::string notes;
  if (const auto count = totals.unknown_requests; count != 0) {
    const std::string limit = cost_words(totals.unknown_cost_limit);
    notes += fmt::format("{} {} sent, and what became of {} is unknown; {} {}\n", counted(count, "attempt"),
                         count == 1 ? "was" : "were", count == 1 ? "it" : "them",
                         count == 1 ? "it may have cost" : "they may have cost",
                         limit.empty() ? "something, too" : "up to " + limit);
  }
  if (const auto count = totals.unpriced_requests; count != 0)
    notes += fmt::format("{} {} no known price\n", counted(count, "successful attempt"),
                         count == 1 ? "has" : "have");
  return notes;
}

constexpr const char* nothing_booked = "no booked attempt fits\n";

std::string summary_table(const std::vector<usage_summary>& summaries) {
  if (summaries.empty())
    return nothing_booked;
  usage_summary totals;
  std::vector<std::vector<std::string>> rows;
  for (const usage_summary& each : summaries) {
    totals.add(each);
    rows.push_back(summary_row(each, each.provider.str(), each.model.str()));
  }
  rows.push_back(summary_row(totals, "TOTAL", ""));
  return draw_table({{"PROVIDER"},
                     {"MODEL"},
                     {"ATTEMPTS", true},
                     {"FAILED", true},
                     {"TOKENS IN", true},
                     {"TOKENS OUT", true},
                     {"TOKENS", true},
                     {"COST", true},
                     {"MEAN MS", true}},
                    rows) +
         summary_notes(totals);
}

int run_summary(const usage_options& options, const storage::ledger& ledger, const usage_filter& filter) {
  const auto summaries = ledger.summary(filter);
  if (!summaries) {
    complain(summaries.error(), options.config.json);
    return exit_code::failed;
  }
  if (options.format == "json")
    print(protocols::to_json(*summaries) + "\n");
  else
    print(options.format == "csv" ? protocols::to_csv(*summaries) : summary_table(*summaries));
  return exit_code::done;
}

/// Where records go. After the first write that fails nothing more is written.
struct record_sink {
  std::FILE* file;
  int error = 0;      ///< `errno` of that write; 0: all is well
  bool begun = false; ///< whether there was anything to write

  bool put(std::string_view text) {
    begun = true;
    if (error == 0 && std::fwrite(text.data(), 1, text.size(), file) != text.size())
      error = errno;
    return error == 0;
  }
  void flush() {
    if (error == 0 && std::fflush(file) != 0)
      error = errno;
  }
};

/// Writes matching records as they are read, so that memory stays small, and says how many. Errors: those of
/// the scan; what it had written by then is no whole document, so that nobody takes it for one.
result<std::uint64_t> write_records(const storage::ledger& ledger, const usage_filter& filter,
                                    const std::string& format, record_sink& out) {
  std::uint64_t count = 0;
  const bool array = format == "json";
  if (format == "csv")
    out.put(protocols::csv_header());
  auto scanned = ledger.scan(filter, [&](const usage_record& record) {
    if (array)
      out.put(count == 0 ? "[" : ",\n");
    ++count;
    return format == "csv" ? out.put(protocols::to_csv(record))
                           : out.put(protocols::to_json(record) + (array ? "" : "\n"));
  });
  if (scanned && array)
    out.put(count == 0 ? "[]\n" : "]\n");
  out.flush();
  if (!scanned)
    return scanned.error();
  return count;
}

/// The newest records at the end, as people read a log.
int print_record_table(const storage::ledger& ledger, const usage_filter& filter) {
  std::vector<std::vector<std::string>> rows;
  const auto scanned = ledger.scan(filter, [&](const usage_record& record) {
    rows.push_back({to_string(record.time), record.provider.str(), record.model.str(),
                    std::to_string(record.attempt), std::string(to_string(record.state)),
                    record.success ? "ok" : std::string(to_string(record.error_type)),
                    with_thousands(record.usage.prompt_tokens),
                    with_thousands(record.usage.completion_tokens), cost_cell(record),
                    milliseconds_cell(record.response_time)});
    return true;
  });
  if (!scanned) {
    complain(scanned.error());
    return exit_code::failed;
  }
  print(rows.empty() ? nothing_booked
                     : draw_table({{"TIME"},
                                   {"PROVIDER"},
                                   {"MODEL"},
                                   {"ATTEMPT", true},
                                   {"STATE"},
                                   {"RESULT"},
                                   {"TOKENS IN", true},
                                   {"TOKENS OUT", true},
                                   {"COST", true},
                                   {"MS", true}},
                                  rows));
  return exit_code::done;
}

/// To a file through a temporary name: a reader never sees half of it, and a failure leaves the old one.
result<std::uint64_t> write_file(const storage::ledger& ledger, const usage_filter& filter,
                                 const usage_options& options) {
  const auto complaint = [&](int error) {
    return make_failure(errc::storage, std::strerror(error), options.output);
  };
  std::error_code ignored;
  const auto there = std::filesystem::status(options.output, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    return make_failure(errc::storage, "is no file that could be replaced", options.output);
  const std::string temporary = options.output + ".tmp-" + std::to_string(::getpid());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(temporary.c_str(), "wbx"),
                                                             std::fclose);
  if (!file)
    return complaint(errno);
  record_sink out{.file = file.get()};
  auto written = write_records(ledger, filter, options.format, out);
  if (written && out.error == 0 &&
      (::fsync(::fileno(file.get())) != 0 || std::rename(temporary.c_str(), options.output.c_str()) != 0))
    out.error = errno;
  if (written && out.error != 0)
    written = complaint(out.error);
  if (!written)
    std::remove(temporary.c_str());
  return written;
}

int run_records(const usage_options& options, const storage::ledger& ledger, const usage_filter& filter) {
  if (options.format == "table")
    return print_record_table(ledger, filter);
  record_sink out{.file = stdout};
  const auto written = write_records(ledger, filter, options.format, out);
  if (out.error != 0)
    throw output_lost(std::string("cannot write to standard output: ") + std::strerror(out.error));
  if (!written) {
    // Half of an array stands there already, and a second document behind it would make it no better.
    complain(written.error(), options.config.json && !out.begun);
    return exit_code::failed;
  }
  return exit_code::done;
}

int run_export(const usage_options& options, const storage::ledger& ledger, const usage_filter& filter) {
  if (options.output.empty())
    return run_records(options, ledger, filter);
  const auto written = write_file(ledger, filter, options);
  if (!written) {
    complain(written.error(), options.config.json);
    return exit_code::failed;
  }
  print(options.config.json ? export_document(options.output, *written, options.format) + "\n"
                            : fmt::format("{}: {} written as {}\n", options.output,
                                          counted(*written, "record"), options.format));
  return exit_code::done;
}

using question = int (*)(const usage_options&, const storage::ledger&, const usage_filter&);

int with_ledger(const usage_options& options, question ask) {
  const bool json = options.config.json;
  const auto filter = make_filter(options);
  if (!filter) {
    complain(filter.error(), json);
    return exit_code::usage;
  }
  std::filesystem::path dir = options.dir;
  if (dir.empty()) {
    const snapshot_ptr config = load_or_complain(options.config);
    if (!config)
      return exit_code::usage;
    dir = config->usage_data_dir;
  }
  std::error_code ignored;
  if (std::filesystem::status(dir, ignored).type() == std::filesystem::file_type::not_found) {
    complain(make_failure(errc::storage, "there is no ledger in this folder; the first call makes one",
                          dir.string()),
             json);
    return exit_code::failed;
  }
  const auto ledger = storage::ledger::open({.dir = dir, .read_only = true});
  if (!ledger) {
    complain(ledger.error(), json);
    return exit_code::failed;
  }
  return ask(options, **ledger, *filter);
}

CLI::App* add_question(CLI::App& usage, const std::string& name, const std::string& help,
                       const std::shared_ptr<usage_options>& options, std::vector<std::string> formats) {
  CLI::App* command = usage.add_subcommand(name, help);
  add_config_option(*command, options->config);
  command->add_option("--dir", options->dir, "Ledger folder [usage_data_dir of the configuration]")
      ->type_name("FOLDER");
  command
      ->add_option("--since", options->since,
                   "From this time on: 2026-11-24T12:00:00Z, 2026-11-24 (midnight UTC), or Unix seconds")
      ->type_name("TIME");
  command->add_option("--until", options->until, "Before this time")->type_name("TIME");
  command->add_option("--model", options->model, "This model only")->type_name("MODEL");
  command->add_option("--provider", options->provider, "This provider only")->type_name("PROVIDER");
  command->add_option("--format", options->format, "How it is written [" + formats.front() + "]")
      ->check(CLI::IsMember(std::move(formats)))
      ->type_name("FORMAT");
  return command;
}

/// A question whose answer itself can be JSON: `--json` and `--format json` are the same.
CLI::App* add_json_question(CLI::App& usage, const std::string& name, const std::string& help,
                            const std::vector<std::string>& formats, question ask, int& code) {
  auto options = std::make_shared<usage_options>();
  CLI::App* command = add_question(usage, name, help, options, formats);
  command->add_flag("--json", options->config.json, "Same as --format json");
  command->callback([options, ask, &code] {
    if (options->config.json)
      options->format = "json";
    options->config.json = options->format == "json";
    code = with_ledger(*options, ask);
  });
  return command;
}

void add_export(CLI::App& usage, int& code) {
  auto options = std::make_shared<usage_options>();
  options->format = "csv";
  CLI::App* command =
      add_question(usage, "export", "Write every attempt to a file", options, {"csv", "json", "jsonl"});
  CLI::Option* output = command
                            ->add_option("-o,--output", options->output,
                                         "File to write, replaced as a whole or not at all "
                                         "[standard output]")
                            ->type_name("FILE");
  command->add_flag("--json", options->config.json, "Print {file, records, format} when the file is written")
      ->needs(output);
  command->footer("Examples:\n"
                  "  weir usage export -o november.csv --since 2026-11-01 --until 2026-12-01\n"
                  "  weir usage export --format jsonl | jq .total_tokens");
  command->callback([options, &code] { code = with_ledger(*options, run_export); });
}

} // namespace

void add_usage_command(CLI::App& program, int& code) {
  CLI::App* usage = program.add_subcommand("usage", "Ask the ledger what was used and what it cost");
  usage->require_subcommand(1);
  usage->footer("The ledger can be asked while weir runs.\n"
                "Run 'weir usage SUBCOMMAND --help' for a subcommand's options.");
  add_json_question(*usage, "summary", "Totals by provider and model", {"table", "json", "csv"}, run_summary,
                    code)
      ->footer(
          "TOKENS IN are the prompts', TOKENS OUT the completions'. MEAN MS is over successful attempts.\n\n"
          "Examples:\n"
          "  weir usage summary --since 2026-11-01\n"
          "  weir usage summary --model gpt-4 --json");
  add_json_question(*usage, "records", "Every attempt, oldest first", {"table", "json", "jsonl", "csv"},
                    run_records, code)
      ->footer(
          "STATE: settled, answered and final; unknown, sent and perhaps billed; void, never reached the\n"
          "provider; intent, about to be sent. ATTEMPT counts those of one call from 1.\n\n"
          "Examples:\n"
          "  weir usage records --provider openai --since 2026-11-24\n"
          "  weir usage records --format jsonl | jq 'select(.success | not)'");
  add_export(*usage, code);
}

} // namespace weir::tools
