// `weir usage cleanup`: deletes what is too old or too much, in small steps beside live traffic.
#include "tools/usage_commands.hpp"

#include "tools/ending_signals.hpp"
#include "tools/table.hpp"
#include "tools/terminal.hpp"
#include "tools/time_words.hpp"
#include "tools/usage_question.hpp"

#include "protocols/report_members.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

namespace weir::tools {

namespace {

using protocols::json_writer;

struct cleanup_options {
  usage_question question;
  std::string rows;
  std::string rollups;
  std::string max_size;
  bool dry_run = false;
};

/// What was or would be deleted.
struct cleanup_result {
  std::optional<std::uint64_t> rows;
  std::optional<std::uint64_t> rollups; ///< nothing: not known before it is done
  storage::ledger_stats before;
  storage::ledger_stats after;
  bool ended = false; ///< by a signal, before all was done
};

/// What may be kept, from the options or, where there is none of them, from the configuration.
result<retention_config> read_retention(const cleanup_options& options) {
  retention_config kept;
  for (const auto& [text, into, option] : {std::tuple{&options.rows, &kept.rows, "--rows"},
                                           std::tuple{&options.rollups, &kept.rollups, "--rollups"}}) {
    if (text->empty())
      continue;
    const auto span = parse_span(*text);
    if (!span) {
      failure named = span.error();
      named.place = option;
      return named;
    }
    *into = *span;
  }
  if (!options.max_size.empty()) {
    const auto size = parse_size(options.max_size);
    if (!size) {
      failure named = size.error();
      named.place = "--max-size";
      return named;
    }
    kept.max_bytes = *size;
  }
  if (kept.rollups.count() != 0 && kept.rollups < kept.rows)
    return make_failure(errc::invalid_request,
                        "--rollups " + options.rollups + " is shorter than --rows " + options.rows +
                            "; rollups are kept at least as long as their rows",
                        "--rollups");
  return kept;
}

bool bounds_nothing(const retention_config& kept) {
  return kept.rows.count() == 0 && kept.rollups.count() == 0 && kept.max_bytes == 0;
}

storage::cleanup_bounds bounds_of(const retention_config& kept, timestamp now) {
  storage::cleanup_bounds bounds;
  if (kept.rows.count() != 0)
    bounds.rows_before = now - kept.rows;
  if (kept.rollups.count() != 0)
    bounds.rollups_before = now - kept.rollups;
  bounds.max_bytes = kept.max_bytes;
  return bounds;
}

/// Counts what would go by age, and adds what would go by size, as far as that can be told: rows are of much
/// the same size.
result<cleanup_result> count(const storage::ledger& ledger, const storage::cleanup_bounds& bounds) {
  cleanup_result found;
  const auto stats = ledger.stats();
  if (!stats)
    return stats.error();
  found.before = found.after = *stats;
  std::uint64_t rows = 0;
  if (bounds.rows_before) {
    usage_filter old;
    old.until = bounds.rows_before;
    auto scanned = ledger.scan(old, [&rows](const usage_record&) {
      ++rows;
      return true;
    });
    if (!scanned)
      return scanned.error();
  }
  if (bounds.max_bytes != 0 && stats->used_bytes > bounds.max_bytes && stats->records != 0) {
    const std::uint64_t each = std::max<std::uint64_t>(stats->used_bytes / stats->records, 1);
    rows = std::max(rows, std::min(stats->records, (stats->used_bytes - bounds.max_bytes) / each + 1));
  }
  found.rows = rows;
  if (!bounds.rollups_before)
    found.rollups = 0;
  return found;
}

/// Step by step, each followed by a pause as long as the step took, so that who books gets his turn.
result<cleanup_result> clean(storage::ledger& ledger, const storage::cleanup_bounds& bounds,
                             const ending_signals& signals) {
  constexpr std::chrono::milliseconds shortest{1};
  constexpr std::chrono::milliseconds longest{250};
  cleanup_result done{.rows = 0, .rollups = 0, .before = {}, .after = {}};
  auto stats = ledger.stats();
  if (!stats)
    return stats.error();
  done.before = *stats;
  progress_line line("deleting");
  for (bool more = true; more && !done.ended;) {
    const auto begin = std::chrono::steady_clock::now();
    const auto step = ledger.cleanup(bounds);
    if (!step)
      return step.error();
    *done.rows += step->rows;
    *done.rollups += step->rollups;
    more = step->more;
    line.show(*done.rows + *done.rollups, std::nullopt);
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    done.ended = more && signals.came_within(std::clamp(took, shortest, longest));
  }
  stats = ledger.stats();
  if (!stats)
    return stats.error();
  done.after = *stats;
  return done;
}

std::string cleanup_document(const cleanup_result& done, const storage::cleanup_bounds& bounds,
                             bool dry_run) {
  return protocols::written([&](json_writer& out) {
    out.StartObject();
    protocols::write_flag(out, "dry_run", dry_run);
    for (const auto& [name, bound] :
         {std::pair{"rows_before", bounds.rows_before}, std::pair{"rollups_before", bounds.rollups_before}}) {
      out.Key(name);
      if (bound)
        protocols::write_text(out, to_string(*bound));
      else
        out.Null();
    }
    protocols::write_count(out, "max_bytes", bounds.max_bytes);
    protocols::write_count(out, "rows", done.rows);
    protocols::write_count(out, "rollups", done.rollups);
    protocols::write_count(out, "rows_left",
                           done.after.records - (dry_run ? std::min(*done.rows, done.after.records) : 0));
    protocols::write_count(out, "used_bytes_before", done.before.used_bytes);
    protocols::write_count(out, "used_bytes", done.after.used_bytes);
    protocols::write_count(out, "file_bytes", done.after.file_bytes);
    protocols::write_flag(out, "complete", !done.ended);
    out.EndObject();
  });
}

std::string cleanup_words(const cleanup_result& done, const storage::cleanup_bounds& bounds, bool dry_run) {
  std::string text;
  if (bounds.rows_before)
    text += fmt::format("rows from before {}\n", to_string(*bounds.rows_before));
  if (bounds.rollups_before)
    text += fmt::format("rollups of days that ended before {}\n", to_string(*bounds.rollups_before));
  if (bounds.max_bytes != 0)
    text += fmt::format("oldest rows, until fewer than {} are in use\n", size_words(bounds.max_bytes));
  if (dry_run)
    return text + fmt::format("would delete {} of {} rows{}; nothing was deleted\n",
                              with_thousands(*done.rows), with_thousands(done.before.records),
                              done.rollups ? "" : ", and old rollups");
  return text + fmt::format("deleted {} rows and {} rollups; {} rows are left, {} of {} in use{}\n",
                            with_thousands(*done.rows), with_thousands(*done.rollups),
                            with_thousands(done.after.records), size_words(done.after.used_bytes),
                            size_words(done.after.file_bytes),
                            done.ended ? "; ended before all was done, call again for the rest" : "");
}

int run_cleanup(const cleanup_options& options) {
  const usage_question& question = options.question;
  auto kept = read_retention(options);
  if (!kept)
    return refuse_usage(kept.error(), question);
  if (bounds_nothing(*kept) && question.dir.empty()) {
    const snapshot_ptr config = load_or_complain(question.config);
    if (!config)
      return exit_code::usage;
    *kept = config->ledger.retention;
  }
  if (bounds_nothing(*kept))
    return refuse_usage(
        make_failure(errc::invalid_request,
                     "nothing says what may be deleted; give --rows, --rollups or --max-size, or "
                     "[llm.ledger.retention] in the configuration",
                     "weir usage cleanup"),
        question);
  const ending_signals signals;
  int code = exit_code::done;
  const auto ledger =
      open_or_complain(question, options.dry_run ? ledger_use::questions : ledger_use::upkeep, code);
  if (!ledger)
    return code;
  const storage::cleanup_bounds bounds = bounds_of(*kept, wall_clock());
  const auto done = options.dry_run ? count(*ledger, bounds) : clean(*ledger, bounds, signals);
  if (!done)
    return fail_usage(done.error(), question);
  print(question.config.json ? cleanup_document(*done, bounds, options.dry_run) + "\n"
                             : cleanup_words(*done, bounds, options.dry_run));
  return done->ended ? exit_code::failed : exit_code::done;
}

} // namespace

void add_usage_cleanup(CLI::App& usage, int& code) {
  auto options = std::make_shared<cleanup_options>();
  CLI::App* command =
      usage.add_subcommand("cleanup", "Delete what is too old or too much, beside a running weir");
  add_place_options(*command, options->question);
  command->add_option("--rows", options->rows, "Delete rows that are older than this, such as 90d")
      ->type_name("SPAN");
  command->add_option("--rollups", options->rollups, "Delete rollups that are older than this, such as 400d")
      ->type_name("SPAN");
  command
      ->add_option("--max-size", options->max_size,
                   "Delete the oldest rows until less is in use, such as 2GiB")
      ->type_name("SIZE");
  command->add_flag("--dry-run", options->dry_run, "Only say what would be deleted");
  command->add_flag("--json", options->question.config.json, "Print one JSON document");
  command->footer(
      "Without a bound, those of [llm.ledger.retention] in the configuration hold. Rollups stay when\n"
      "their rows go, so that summaries of whole hours and days stay right. Freed space is used\n"
      "again; the file does not shrink.\n\n"
      "Examples:\n"
      "  weir usage cleanup --dry-run\n"
      "  weir usage cleanup --rows 90d --rollups 400d --max-size 2GiB");
  command->callback([options, &code] { code = run_cleanup(*options); });
}

} // namespace weir::tools
