// Reading the question, and opening the books.
#include "tools/usage_question.hpp"

#include "tools/time_words.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <tuple>
#include <utility>

namespace weir::tools {

namespace {

failure at_option(failure error, const char* option) {
  error.place = option;
  return error;
}

failure no(std::string_view text, std::string_view expected, const char* option) {
  return make_failure(errc::invalid_request,
                      "'" + std::string(text.substr(0, 64)) + "' is " + std::string(expected), option);
}

result<void> read_times(const usage_question& question, timestamp now, usage_filter& filter) {
  const auto zone = zone_of(question);
  if (!zone)
    return zone.error();
  for (const auto& [text, into, option] : {std::tuple{&question.since, &filter.since, "--since"},
                                           std::tuple{&question.until, &filter.until, "--until"}}) {
    if (text->empty())
      continue;
    const auto read = parse_moment(*text, now, *zone);
    if (!read)
      return at_option(read.error(), option);
    *into = *read;
  }
  if (filter.since && filter.until && *filter.since > *filter.until)
    return make_failure(errc::invalid_request,
                        "--since " + to_string(*filter.since) + " is after --until " +
                            to_string(*filter.until),
                        "--since, --until");
  return {};
}

result<void> read_tags(const usage_question& question, usage_filter& filter) {
  for (const std::string& tag : question.tags) {
    const std::size_t equals = tag.find('=');
    if (equals == 0 || equals == std::string::npos)
      return no(tag, "no tag; expected KEY=VALUE, such as agent=planner", "--tag");
    filter.tags.emplace_back(tag.substr(0, equals), tag.substr(equals + 1));
  }
  return {};
}

result<void> read_outcome(const usage_question& question, usage_filter& filter) {
  if (!question.status.empty()) {
    filter.status = to_usage_status(question.status);
    if (!filter.status)
      return no(question.status, "no status; expected succeeded, failed, unknown or void", "--status");
  }
  if (!question.error.empty()) {
    filter.error_type = to_errc(question.error);
    if (!filter.error_type || *filter.error_type == errc::none)
      return no(question.error,
                "no class of errors; expected one such as timeout, rate_limit or server_error", "--error");
  }
  return {};
}

/// One word of a grouping; false when it is none.
bool read_group(std::string_view word, usage_grouping& grouping) {
  constexpr std::string_view tag = "tag:";
  if (word == "provider")
    grouping.provider = true;
  else if (word == "model")
    grouping.model = true;
  else if (word == "status")
    grouping.status = true;
  else if (word == "error")
    grouping.error_type = true;
  else if (const auto step = to_time_step(word); step && (!grouping.step || grouping.step == step))
    grouping.step = step;
  else if (word.starts_with(tag) && word.size() > tag.size()) {
    if (const std::string key(word.substr(tag.size())); std::ranges::count(grouping.tags, key) == 0)
      grouping.tags.push_back(key);
  } else
    return false;
  return true;
}

} // namespace

void add_place_options(CLI::App& command, usage_question& question) {
  add_config_option(command, question.config);
  command.add_option("--dir", question.dir, "Ledger folder [usage_data_dir of the configuration]")
      ->type_name("FOLDER");
}

void add_filter_options(CLI::App& command, usage_question& question) {
  command
      .add_option("--since", question.since,
                  "From this time on: 7d or 24h ago, today, yesterday, this-month, last-month, 2026-11-24,\n"
                  "2026-11-24T12:00:00Z, or Unix seconds")
      ->type_name("TIME");
  command.add_option("--until", question.until, "Before this time")->type_name("TIME");
  command.add_option("--model", question.model, "This model only")->type_name("MODEL");
  command.add_option("--provider", question.provider, "This provider only")->type_name("PROVIDER");
  command.add_option("--status", question.status, "Only those that are succeeded, failed, unknown or void")
      ->type_name("STATUS");
  command.add_option("--error", question.error, "This class of errors only, such as rate_limit")
      ->type_name("TYPE");
  command.add_option("--tag", question.tags, "Only those with this tag; may be repeated, and all must fit")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command.add_option("--time-zone", question.zone, "Whose days and months these are, such as Europe/Berlin")
      ->capture_default_str()
      ->type_name("ZONE");
}

void add_format_options(CLI::App& command, usage_question& question, std::vector<std::string> formats) {
  question.format = formats.front();
  command.add_option("--format", question.format, "How it is written [" + formats.front() + "]")
      ->check(CLI::IsMember(std::move(formats)))
      ->type_name("FORMAT");
  command.add_flag("--json", question.config.json, "Same as --format json");
}

void settle_format(usage_question& question) {
  if (question.config.json)
    question.format = "json";
  question.config.json = question.format == "json";
}

timestamp wall_clock() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

result<time_zone> zone_of(const usage_question& question) {
  auto zone = time_zone::find(question.zone);
  if (!zone)
    return at_option(zone.error(), "--time-zone");
  return zone;
}

result<usage_filter> make_filter(const usage_question& question, timestamp now) {
  usage_filter filter;
  if (!question.model.empty())
    filter.model = model_name(question.model);
  if (!question.provider.empty())
    filter.provider = provider_name(question.provider);
  for (const auto read : {read_tags, read_outcome})
    if (auto done = read(question, filter); !done)
      return done.error();
  if (auto done = read_times(question, now, filter); !done)
    return done.error();
  return filter;
}

result<usage_grouping> parse_grouping(std::string_view words, const std::string& zone) {
  usage_grouping grouping;
  grouping.provider = grouping.model = false;
  grouping.time_zone = zone;
  if (words == "none")
    return grouping;
  for (std::string_view rest = words;;) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view word = rest.substr(0, end);
    if (!read_group(word, grouping))
      return make_failure(
          errc::invalid_request,
          "'" + std::string(word.substr(0, 64)) +
              "' is no group; expected provider, model, status, error, tag:KEY and at most one "
              "of hour, day, month, joined by commas, or none");
    if (end == rest.size())
      return grouping;
    rest.remove_prefix(end + 1);
  }
}

std::filesystem::path folder_or_complain(const usage_question& question, int& code) {
  if (!question.dir.empty())
    return question.dir;
  const snapshot_ptr config = load_or_complain(question.config);
  if (config)
    return config->usage_data_dir;
  code = exit_code::usage;
  return {};
}

std::unique_ptr<storage::ledger> open_or_complain(const usage_question& question, ledger_use use, int& code) {
  const std::filesystem::path dir = folder_or_complain(question, code);
  if (dir.empty())
    return nullptr;
  std::error_code ignored;
  if (std::filesystem::status(dir / "data.mdb", ignored).type() == std::filesystem::file_type::not_found) {
    code =
        fail_usage(make_failure(errc::storage, "there is no ledger in this folder; the first call makes one",
                                dir.string()),
                   question);
    return nullptr;
  }
  const bool reading = use == ledger_use::questions;
  auto ledger = storage::ledger::open({.dir = dir, .read_only = reading, .books = false});
  if (ledger)
    return std::move(*ledger);
  code = fail_usage(ledger.error(), question);
  return nullptr;
}

int refuse_usage(const failure& error, const usage_question& question) {
  complain(error, question.config.json);
  return exit_code::usage;
}

int fail_usage(const failure& error, const usage_question& question) {
  complain(error, question.config.json);
  return exit_code::failed;
}

} // namespace weir::tools
