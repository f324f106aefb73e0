// `weir usage`: the ledger's questions, asked of the files themselves, beside a running weir or without one.
#include "tools/commands.hpp"
#include "tools/common.hpp"
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
  bool json = false;
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

std::string cost_words(const std::map<currency, money_sum>& sums) {
  std::string words;
  for (const auto& [unit, sum] : sums)
    words += (words.empty() ? "" : " + ") + to_decimal(sum) + " " + unit.str();
  return words.empty() ? "unknown" : words;
}

std::vector<std::string> summary_row(const usage_summary& each, std::string provider, std::string model) {
  return {std::move(provider),
          std::move(model),
          with_thousands(each.total_requests),
          with_thousands(each.failed_requests),
          with_thousands(each.total_prompt_tokens),
          with_thousands(each.total_completion_tokens),
          with_thousands(each.total_tokens),
          cost_words(each.total_cost),
          protocols::to_milliseconds(each.average_response_time())};
}

std::string summary_table(const std::vector<usage_summary>& summaries) {
  if (summaries.empty())
    return "nothing is booked in this range\n";
  usage_summary totals;
  std::vector<std::vector<std::string>> rows;
  for (const usage_summary& each : summaries) {
    totals.add(each);
    rows.push_back(summary_row(each, each.provider.str(), each.model.str()));
  }
  rows.push_back(summary_row(totals, "TOTAL", ""));
  std::string text = draw_table({{"PROVIDER"},
                                 {"MODEL"},
                                 {"ATTEMPTS", true},
                                 {"FAILED", true},
                                 {"PROMPT", true},
                                 {"COMPLETION", true},
                                 {"TOKENS", true},
                                 {"COST", true},
                                 {"AVG MS", true}},
                                rows);
  if (totals.unknown_requests != 0)
    text += fmt::format("{} attempts were sent and their fate is unknown; they may have cost up to {}\n",
                        totals.unknown_requests, cost_words(totals.unknown_cost_limit));
  if (totals.unpriced_requests != 0)
    text += fmt::format("{} successful attempts have no known price\n", totals.unpriced_requests);
  return text;
}

int run_summary(const usage_options& options, const storage::ledger& ledger, const usage_filter& filter) {
  const auto summaries = ledger.summary(filter);
  if (!summaries) {
    complain(summaries.error());
    return exit_code::failed;
  }
  if (options.format == "json")
    print(protocols::to_json(*summaries) + "\n");
  else
    print(options.format == "csv" ? protocols::to_csv(*summaries) : summary_table(*summaries));
  return exit_code::done;
}

/// Writes matching records to a file handle as they are read, so that memory stays small.
result<void> write_records(const storage::ledger& ledger, const usage_filter& filter,
                           const std::string& format, std::FILE* out) {
  bool good = true;
  bool first = true;
  const auto put = [&](std::string_view text) {
    good = good && std::fwrite(text.data(), 1, text.size(), out) == text.size();
  };
  put(format == "csv" ? protocols::csv_header() : format == "json" ? "[" : "");
  auto scanned = ledger.scan(filter, [&](const usage_record& record) {
    if (format == "csv") {
      put(protocols::to_csv(record));
    } else {
      put(format == "json" && !first ? ",\n" : "");
      put(protocols::to_json(record));
      put(format == "jsonl" ? "\n" : "");
    }
    first = false;
    return good;
  });
  put(format == "json" ? "]\n" : "");
  if (!scanned)
    return scanned.error();
  if (std::fflush(out) != 0 || !good)
    return make_failure(errc::storage, std::string("cannot write: ") + std::strerror(errno));
  return {};
}

/// The newest records at the end, as people read a log.
int print_record_table(const storage::ledger& ledger, const usage_filter& filter) {
  std::vector<std::vector<std::string>> rows;
  const auto scanned = ledger.scan(filter, [&](const usage_record& record) {
    const std::optional<money>& cost = record.cost;
    rows.push_back({to_string(record.time), record.provider.str(), record.model.str(),
                    std::to_string(record.attempt), std::string(to_string(record.state)),
                    record.success ? "ok" : std::string(to_string(record.error_type)),
                    with_thousands(record.usage.prompt_tokens),
                    with_thousands(record.usage.completion_tokens),
                    cost ? to_decimal(*cost) + " " + cost->unit.str() : "unknown",
                    protocols::to_milliseconds(record.response_time)});
    return true;
  });
  if (!scanned) {
    complain(scanned.error());
    return exit_code::failed;
  }
  print(draw_table({{"TIME"},
                    {"PROVIDER"},
                    {"MODEL"},
                    {"TRY", true},
                    {"STATE"},
                    {"RESULT"},
                    {"PROMPT", true},
                    {"COMPLETION", true},
                    {"COST", true},
                    {"MS", true}},
                   rows));
  return exit_code::done;
}

/// To a file through a temporary name: a reader never sees half of it, and a failure leaves the old one.
result<void> write_file(const storage::ledger& ledger, const usage_filter& filter,
                        const usage_options& options) {
  const std::string temporary = options.output + ".tmp-" + std::to_string(::getpid());
  const auto complaint = [&] { return make_failure(errc::storage, std::strerror(errno), options.output); };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(temporary.c_str(), "wbx"),
                                                             std::fclose);
  if (!file)
    return complaint();
  auto written = write_records(ledger, filter, options.format, file.get());
  if (written &&
      (::fsync(::fileno(file.get())) != 0 || std::rename(temporary.c_str(), options.output.c_str()) != 0))
    written = complaint();
  if (!written)
    std::remove(temporary.c_str());
  return written;
}

int run_records(const usage_options& options, const storage::ledger& ledger, const usage_filter& filter) {
  if (options.format == "table")
    return print_record_table(ledger, filter);
  const auto written = options.output.empty() ? write_records(ledger, filter, options.format, stdout)
                                              : write_file(ledger, filter, options);
  if (!written) {
    complain(written.error());
    return exit_code::failed;
  }
  return exit_code::done;
}

using question = int (*)(const usage_options&, const storage::ledger&, const usage_filter&);

int with_ledger(usage_options& options, question ask) {
  const auto filter = make_filter(options);
  if (!filter) {
    complain(filter.error());
    return exit_code::usage;
  }
  if (options.json)
    options.format = "json";
  std::filesystem::path dir = options.dir;
  if (dir.empty()) {
    const snapshot_ptr config = load_or_complain(options.config);
    if (!config)
      return exit_code::usage;
    dir = config->usage_data_dir;
  }
  const auto ledger = storage::ledger::open({.dir = dir, .read_only = true});
  if (!ledger) {
    complain(ledger.error());
    return exit_code::failed;
  }
  return ask(options, **ledger, *filter);
}

CLI::App* add_question(CLI::App& usage, const std::string& name, const std::string& help,
                       const std::shared_ptr<usage_options>& options, std::vector<std::string> formats) {
  CLI::App* command = usage.add_subcommand(name, help);
  add_config_option(*command, options->config);
  command->add_option("--dir", options->dir, "Ledger folder [usage_data_dir of the configuration]");
  command->add_option("--since", options->since,
                      "From this time on: 2026-11-24T12:00:00Z, 2026-11-24, Unix seconds");
  command->add_option("--until", options->until, "Before this time");
  command->add_option("--model", options->model, "This model only");
  command->add_option("--provider", options->provider, "This provider only");
  command->add_option("--format", options->format, "How to print [" + formats.front() + "]")
      ->check(CLI::IsMember(std::move(formats)));
  return command;
}

} // namespace

void add_usage_command(CLI::App& program, int& code) {
  CLI::App* usage = program.add_subcommand("usage", "Ask the ledger what was used and what it cost");
  usage->require_subcommand(1);
  const auto wire = [&code](CLI::App* command, const std::shared_ptr<usage_options>& options, question ask) {
    command->callback([options, ask, &code] { code = with_ledger(*options, ask); });
  };
  auto summary = std::make_shared<usage_options>();
  CLI::App* summed =
      add_question(*usage, "summary", "Totals by provider and model", summary, {"table", "json", "csv"});
  summed->add_flag("--json", summary->json, "Same as --format json");
  wire(summed, summary, run_summary);

  auto records = std::make_shared<usage_options>();
  CLI::App* listed = add_question(*usage, "records", "Every attempt, oldest first", records,
                                  {"table", "json", "jsonl", "csv"});
  listed->add_flag("--json", records->json, "Same as --format json");
  wire(listed, records, run_records);

  auto exported = std::make_shared<usage_options>();
  exported->format = "csv";
  CLI::App* file =
      add_question(*usage, "export", "Write every attempt to a file", exported, {"csv", "json", "jsonl"});
  file->add_option("-o,--output", exported->output, "File to write, replaced as a whole [standard output]");
  wire(file, exported, run_records);
}

} // namespace weir::tools
