// Filling and asking.
#include "bench/ledger_questions.hpp"

#include "bench/command_line.hpp"
#include "bench/ledger_rows.hpp"
#include "bench/progress.hpp"
#include "bench/row_store.hpp"
#include "bench/sqlite_store.hpp"
#include "bench/temporary_folder.hpp"

#include "storage/ledger.hpp"

#include <fmt/format.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <random>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::bench {

namespace {

constexpr std::chrono::hours span_of_rows{24 * 90};
constexpr std::uint64_t rows_a_commit = 10'000;
constexpr std::uint64_t rows_a_page = 1'000;
constexpr std::uint64_t pages = 1'000;

/// A line of `/proc/self/status`, in bytes.
std::uint64_t status_bytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::uint64_t kibibytes = 0;
  while (status >> word && word != name)
    continue;
  status >> kibibytes;
  return kibibytes * 1024;
}

/// Does something so often and measures each time. The peak of resident memory begins anew with it.
class step_watch {
public:
  step_watch(std::vector<question_step>& into, std::string store, std::string name) : into_(into) {
    step_.store = std::move(store);
    step_.name = std::move(name);
    step_.times = 0;
    std::ofstream("/proc/self/clear_refs") << "5";
  }

  /// `act` gives the number of rows that it handled.
  result<void> run(std::uint64_t times, const std::function<result<std::uint64_t>(std::uint64_t)>& act) {
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t n = 0; n != times; ++n) {
      const auto start = std::chrono::steady_clock::now();
      const auto rows = act(n);
      if (!rows)
        return rows.error();
      step_.latency.add(std::chrono::steady_clock::now() - start);
      step_.rows += *rows;
      ++step_.times;
      step_.peak_anonymous = std::max(step_.peak_anonymous, status_bytes("RssAnon:"));
    }
    step_.duration_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    step_.peak_rss = status_bytes("VmHWM:");
    into_.push_back(std::move(step_));
    return {};
  }

private:
  std::vector<question_step>& into_;
  question_step step_;
};

/// Everything that is asked of one filled store.
struct asking {
  const question_options& options;
  std::vector<question_step>& steps;
  std::atomic<std::uint64_t> done{0};
  std::mt19937_64 random{7};

  std::chrono::microseconds step_of(std::uint64_t rows) const {
    return std::chrono::duration_cast<std::chrono::microseconds>(span_of_rows) /
           static_cast<std::int64_t>(std::max<std::uint64_t>(rows, 1));
  }
  timestamp somewhere() {
    const auto span = std::chrono::duration_cast<std::chrono::microseconds>(span_of_rows).count();
    return row_maker::first_time() +
           std::chrono::microseconds{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span))};
  }

  result<void> fill(const std::string& store, std::uint64_t rows,
                    const std::function<result<void>(std::span<const usage_record>)>& write) {
    row_maker maker(options.tags, step_of(rows));
    done = 0;
    const progress_line line("filling " + store, "rows", fmt::format("ends after {}", rows),
                             [this] { return done.load(); });
    step_watch watch(steps, store, "fill");
    return watch.run((rows + rows_a_commit - 1) / rows_a_commit, [&](std::uint64_t) -> result<std::uint64_t> {
      const auto batch = maker.batch(std::min(rows_a_commit, rows - done));
      if (const auto written = write(batch); !written)
        return written.error();
      done += batch.size();
      return batch.size();
    });
  }
};

result<void> ask_summaries(asking& ask, const storage::ledger& ledger) {
  const auto summarize = [&](usage_filter filter, storage::summary_basis basis) -> result<std::uint64_t> {
    const auto groups = ledger.summary(filter, {}, basis);
    if (!groups)
      return groups.error();
    std::uint64_t rows = 0;
    for (const usage_summary& each : *groups)
      rows += each.total_requests;
    return rows;
  };
  step_watch all(ask.steps, "weir", "summary of all, rollups");
  if (auto done = all.run(200, [&](std::uint64_t) { return summarize({}, storage::summary_basis::rollups); });
      !done)
    return done;
  step_watch range(ask.steps, "weir", "summary of a week to the microsecond, rollups");
  if (auto done = range.run(200,
                            [&](std::uint64_t) {
                              usage_filter filter;
                              filter.since = ask.somewhere();
                              filter.until = *filter.since + std::chrono::hours{24 * 7};
                              return summarize(filter, storage::summary_basis::rollups);
                            });
      !done)
    return done;
  step_watch scan(ask.steps, "weir", "summary of all, full scan");
  return scan.run(1, [&](std::uint64_t) { return summarize({}, storage::summary_basis::rows); });
}

result<void> ask_rows(asking& ask, const storage::ledger& ledger) {
  const auto visit = [&](const usage_filter& filter, std::uint64_t most) -> result<std::uint64_t> {
    std::uint64_t rows = 0;
    const auto scanned = ledger.scan(filter, [&](const usage_record&) { return ++rows != most; });
    if (!scanned)
      return scanned.error();
    return rows;
  };
  step_watch scan(ask.steps, "weir", "visit all rows");
  if (auto done = scan.run(1, [&](std::uint64_t) { return visit({}, 0); }); !done)
    return done;
  step_watch page(ask.steps, "weir", "page of 1,000 rows somewhere");
  return page.run(pages, [&](std::uint64_t) {
    usage_filter filter;
    filter.since = ask.somewhere();
    return visit(filter, rows_a_page);
  });
}

/// Runs `weir usage export` for the first rows, and takes its memory from its death.
result<void> export_rows(asking& ask, const std::filesystem::path& dir, std::uint64_t rows) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "weir";
  const auto until = row_maker::first_time() +
                     ask.step_of(ask.options.rows) * static_cast<std::int64_t>(ask.options.exported + 1);
  for (const std::string format : {"csv", "jsonl"}) {
    const std::string file = (dir / ("export." + format)).string();
    std::vector<std::string> words{
        program.string(),       "usage",    "export", "--dir", dir.string(), "--until",
        weir::to_string(until), "--format", format,   "-o",    file,         "--json"};
    std::vector<char*> argv;
    for (std::string& word : words)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    question_step step;
    step.store = "weir";
    step.name = "export as " + format + " by the program";
    step.rows = rows;
    const auto begin = std::chrono::steady_clock::now();
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(STDERR_FILENO, STDOUT_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    int status = 0;
    rusage used{};
    ::wait4(child, &status, 0, &used);
    const auto took = std::chrono::steady_clock::now() - begin;
    if (status != 0)
      return make_failure(errc::config, "the export failed", program.string());
    std::ifstream exported(file);
    const auto lines = static_cast<std::uint64_t>(
        std::count(std::istreambuf_iterator<char>(exported), std::istreambuf_iterator<char>(), '\n'));
    step.rows = format == "csv" ? lines - 1 : lines;
    step.latency.add(took);
    step.duration_s = std::chrono::duration<double>(took).count();
    step.peak_rss = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
    ask.steps.push_back(std::move(step));
  }
  return {};
}

result<void> ask_weir(asking& ask, question_report& report) {
  const temporary_folder folder;
  auto opened = storage::ledger::open({.dir = folder.path()});
  if (!opened)
    return opened.error();
  storage::ledger& ledger = **opened;
  const auto filled =
      ask.fill("weir", ask.options.rows, [&](std::span<const usage_record> batch) -> result<void> {
        const auto written = ledger.append(batch);
        if (!written)
          return written.error();
        return {};
      });
  if (!filled)
    return filled;
  const auto stats = ledger.stats();
  if (!stats)
    return stats.error();
  report.rows = stats->records;
  report.file_bytes = stats->file_bytes;
  report.used_bytes = stats->used_bytes;
  report.rollups = stats->rollups;
  for (const auto ask_them : {ask_summaries, ask_rows})
    if (auto done = ask_them(ask, ledger); !done)
      return done;
  if (ask.options.exported == 0)
    return {};
  return export_rows(ask, folder.path(), std::min(ask.options.exported, ask.options.rows));
}

result<void> ask_sqlite(asking& ask, question_report& report) {
  const temporary_folder folder;
  auto opened = sqlite_store::open(folder.path(), true);
  if (!opened)
    return opened.error();
  sqlite_store& store = **opened;
  const std::uint64_t rows = ask.options.sqlite_rows;
  const auto filled =
      ask.fill("sqlite", rows, [&](std::span<const usage_record> batch) { return store.insert(batch); });
  if (!filled)
    return filled;
  report.sqlite_rows = rows;
  report.sqlite_bytes = std::filesystem::file_size(folder.path() / "rows.sqlite");
  const std::string sums = "SELECT provider, model, count(*), sum(success), sum(prompt_tokens), "
                           "sum(completion_tokens), sum(cost), min(time), max(time) FROM records "
                           "GROUP BY provider, model, currency";
  const auto counted = [&](const std::string& statement) {
    return [&, statement](std::uint64_t) -> result<std::uint64_t> {
      const auto groups = store.ask(statement);
      if (!groups)
        return groups.error();
      return rows;
    };
  };
  step_watch rollups(ask.steps, "sqlite", "summary of all, rollups");
  if (auto done = rollups.run(
          20, counted("SELECT provider, model, sum(requests), sum(prompt_tokens), sum(completion_tokens), "
                      "sum(cost) FROM rollups GROUP BY provider, model, currency"));
      !done)
    return done;
  step_watch scan(ask.steps, "sqlite", "summary of all, full scan");
  if (auto done = scan.run(1, counted(sums)); !done)
    return done;
  step_watch visit(ask.steps, "sqlite", "visit all rows");
  if (auto done = visit.run(1, counted("SELECT * FROM records ORDER BY time")); !done)
    return done;
  step_watch page(ask.steps, "sqlite", "page of 1,000 rows somewhere");
  return page.run(pages, [&](std::uint64_t) {
    return store.ask("SELECT * FROM records WHERE time >= ? ORDER BY time LIMIT 1000",
                     ask.somewhere().time_since_epoch().count());
  });
}

} // namespace

result<question_report> ask_ledger(const question_options& options) {
  if (is_in_memory(std::filesystem::temp_directory_path()))
    tell("weir-bench: the temporary folder is in memory; name another with TMPDIR\n");
  question_report report;
  asking ask{.options = options, .steps = report.steps};
  if (auto done = ask_weir(ask, report); !done)
    return done.error();
  if (options.sqlite_rows != 0)
    if (auto done = ask_sqlite(ask, report); !done)
      return done.error();
  return report;
}

std::string to_table(const question_report& report) {
  const auto row = [](const auto&... cells) {
    return fmt::format("{:<7} {:<46} {:>6} {:>12} {:>10} {:>10} {:>10} {:>10} {:>9}\n", cells...);
  };
  const auto mebibytes = [](std::uint64_t bytes) {
    return bytes == 0 ? std::string("-") : fmt::format("{:.1f}", static_cast<double>(bytes) / (1 << 20));
  };
  std::string text =
      row("STORE", "STEP", "TIMES", "ROWS/S", "P50 MS", "P99 MS", "MAX MS", "ANON MIB", "RSS MIB");
  for (const question_step& each : report.steps)
    text += row(each.store, each.name, each.times, fmt::format("{:.0f}", each.rows_per_s()),
                fmt::format("{:.3f}", each.latency.quantile(0.5) / 1000),
                fmt::format("{:.3f}", each.latency.quantile(0.99) / 1000),
                fmt::format("{:.3f}", each.latency.max_us() / 1000), mebibytes(each.peak_anonymous),
                mebibytes(each.peak_rss));
  const auto each_of = [](std::uint64_t bytes, std::uint64_t rows) {
    return rows == 0 ? 0.0 : static_cast<double>(bytes) / static_cast<double>(rows);
  };
  text += fmt::format("weir: {} rows, {} rollups; {:.1f} bytes a row in use, {:.1f} with free pages\n",
                      report.rows, report.rollups, each_of(report.used_bytes, report.rows),
                      each_of(report.file_bytes, report.rows));
  if (report.sqlite_rows != 0)
    text += fmt::format("sqlite: {} rows; {:.1f} bytes a row\n", report.sqlite_rows,
                        each_of(report.sqlite_bytes, report.sqlite_rows));
  return text;
}

std::string to_json(const question_report& report) {
  std::string steps;
  for (const question_step& each : report.steps)
    steps += fmt::format(
        R"({}{{"store":"{}","step":"{}","times":{},"rows":{},"duration_s":{:.4f},"rows_per_s":{:.0f},)"
        R"("latency_us":{{"p50":{:.1f},"p99":{:.1f},"max":{:.1f}}},"peak_anonymous_bytes":{},"peak_rss_bytes":{}}})",
        steps.empty() ? "" : ",\n", each.store, each.name, each.times, each.rows, each.duration_s,
        each.rows_per_s(), each.latency.quantile(0.5), each.latency.quantile(0.99), each.latency.max_us(),
        each.peak_anonymous, each.peak_rss);
  return fmt::format(R"({{"scenario":"ask-ledger","rows":{},"rollups":{},"used_bytes":{},"file_bytes":{},)"
                     R"("sqlite_rows":{},"sqlite_bytes":{},"steps":[{}]}})",
                     report.rows, report.rollups, report.used_bytes, report.file_bytes, report.sqlite_rows,
                     report.sqlite_bytes, steps);
}

} // namespace weir::bench
