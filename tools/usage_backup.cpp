// `weir usage backup` and `weir usage restore`: a copy of the ledger, and the ledger from a copy.
#include "tools/usage_commands.hpp"

#include "tools/table.hpp"
#include "tools/time_words.hpp"
#include "tools/usage_question.hpp"

#include "protocols/report_members.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <unistd.h>

namespace weir::tools {

namespace {

using protocols::json_writer;

struct copy_options {
  usage_question question;
  std::string folder;
  bool yes = false;
};

/// `{"from":…,"to":…,"records":…,"bytes":…}`
std::string copy_document(const std::string& from, const std::string& to, std::uint64_t records,
                          std::uint64_t bytes) {
  return protocols::written([&](json_writer& out) {
    out.StartObject();
    protocols::write_member(out, "from", from);
    protocols::write_member(out, "to", to);
    protocols::write_count(out, "records", records);
    protocols::write_count(out, "bytes", bytes);
    out.EndObject();
  });
}

int tell_copied(const usage_question& question, const std::string& from, const std::string& to,
                const std::string& what) {
  const auto copy = storage::ledger::open({.dir = to, .read_only = true});
  if (!copy)
    return fail_usage(copy.error(), question);
  const auto stats = (*copy)->stats();
  if (!stats)
    return fail_usage(stats.error(), question);
  std::error_code ignored;
  const std::uint64_t bytes = std::filesystem::file_size(std::filesystem::path(to) / "data.mdb", ignored);
  print(question.config.json ? copy_document(from, to, stats->records, bytes) + "\n"
                             : fmt::format("{}: {} {} with {} records, {}\n", to, what, from,
                                           with_thousands(stats->records), size_words(bytes)));
  return exit_code::done;
}

int run_backup(const copy_options& options) {
  int code = exit_code::done;
  const auto dir = folder_or_complain(options.question, code);
  if (dir.empty())
    return code;
  {
    usage_question there = options.question;
    there.dir = dir.string();
    const auto ledger = open_or_complain(there, ledger_use::questions, code);
    if (!ledger)
      return code;
    if (auto done = ledger->backup(options.folder); !done)
      return fail_usage(done.error(), options.question);
  }
  return tell_copied(options.question, dir.string(), options.folder, "a copy of");
}

/// Asks a person at a terminal; nobody else can say yes here.
bool confirmed(const copy_options& options, const std::string& dir) {
  tell(fmt::format("Put {} in place of the ledger {}?\nThe present one is kept as {}.before-restore. [y/N] ",
                   options.folder, dir, dir));
  const int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

int run_restore(const copy_options& options) {
  int code = exit_code::done;
  const auto dir = folder_or_complain(options.question, code);
  if (dir.empty())
    return code;
  if (!options.yes && ::isatty(STDIN_FILENO) != 1)
    return refuse_usage(
        make_failure(errc::invalid_request,
                     "nobody is there to be asked; --yes puts the backup in place of " + dir.string(),
                     "weir usage restore"),
        options.question);
  if (!options.yes && !confirmed(options, dir.string()))
    return fail_usage(make_failure(errc::cancelled, "nothing was changed", dir.string()), options.question);
  if (auto done = storage::restore(options.folder, dir); !done)
    return fail_usage(done.error(), options.question);
  return tell_copied(options.question, options.folder, dir.string(), "restored from");
}

} // namespace

void add_usage_backup(CLI::App& usage, int& code) {
  auto options = std::make_shared<copy_options>();
  CLI::App* command = usage.add_subcommand("backup", "Copy the ledger, beside a running weir");
  add_place_options(*command, options->question);
  command->add_option("folder", options->folder, "Folder to make")->required()->type_name("FOLDER");
  command->add_flag("--json", options->question.config.json, "Print {from, to, records, bytes}");
  command->footer("The copy is of one moment, and compact.\n\n"
                  "Example:\n"
                  "  weir usage backup /backup/ledger-$(date +%F)");
  command->callback([options, &code] { code = run_backup(*options); });
}

void add_usage_restore(CLI::App& usage, int& code) {
  auto options = std::make_shared<copy_options>();
  CLI::App* command = usage.add_subcommand("restore", "Put a backup in place of the ledger");
  add_place_options(*command, options->question);
  command->add_option("folder", options->folder, "The backup")->required()->type_name("FOLDER");
  command->add_flag("--yes", options->yes, "Do not ask");
  command->add_flag("--json", options->question.config.json, "Print {from, to, records, bytes}");
  command->footer("The backup is checked first. The present ledger is kept beside the new one, as\n"
                  "FOLDER.before-restore. No weir may be running.\n\n"
                  "Example:\n"
                  "  weir usage restore /backup/ledger-2026-11-26");
  command->callback([options, &code] { code = run_restore(*options); });
}

} // namespace weir::tools
