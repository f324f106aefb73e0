// What the subcommands of `weir usage` share: where the ledger is, which attempts are meant, how they are
// grouped. Knows no answer.
#pragma once

#include "tools/common.hpp"

#include "storage/ledger.hpp"

#include <weir/usage.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tools {

/// A question as it was typed.
struct usage_question {
  config_options config{};
  std::string dir{};
  std::string since{};
  std::string until{};
  std::string model{};
  std::string provider{};
  std::string status{};
  std::string error{};
  std::vector<std::string> tags{}; ///< `KEY=VALUE`
  std::string zone = "UTC";
  std::string format = "table";
};

/// Adds `-c, --config` and `--dir`.
void add_place_options(CLI::App& command, usage_question& question);

/// Adds what narrows: `--since`, `--until`, `--model`, `--provider`, `--status`, `--error`, `--tag`,
/// `--time-zone`.
void add_filter_options(CLI::App& command, usage_question& question);

/// Adds `--format`, of which the first is the default, and `--json` for the same as `--format json`.
void add_format_options(CLI::App& command, usage_question& question, std::vector<std::string> formats);

/// After the command line was read: makes one thing of `--json` and `--format json`.
void settle_format(usage_question& question);

/// The moment that relative times count from.
timestamp wall_clock();

/// The zone by its name. Errors: `invalid_request`, at `--time-zone`.
result<time_zone> zone_of(const usage_question& question);

/// Which attempts are meant. Errors (`invalid_request`) are placed at the option that is wrong.
result<usage_filter> make_filter(const usage_question& question, timestamp now);

/// Reads `provider,model,status,error,tag:KEY,hour|day|month`, or `none`. Errors: `invalid_request`.
result<usage_grouping> parse_grouping(std::string_view words, const std::string& zone);

/// What a ledger is opened for.
enum class ledger_use : std::uint8_t {
  questions, ///< for reading only
  upkeep,    ///< to delete or correct rows, beside a process that books
};

/// The ledger's folder: of `--dir`, else of the configuration. Empty, with the reason told, when there is
/// neither.
std::filesystem::path folder_or_complain(const usage_question& question, int& code);

/// Opens the ledger. Null, with the exit code set and the reason told, when it cannot be opened.
std::unique_ptr<storage::ledger> open_or_complain(const usage_question& question, ledger_use use, int& code);

/// Tells what is wrong, and gives the exit code.
int refuse_usage(const failure& error, const usage_question& question);
int fail_usage(const failure& error, const usage_question& question);

} // namespace weir::tools
