// The appends, by turns.
#include "bench/ledger_comparison.hpp"

#include "bench/command_line.hpp"
#include "bench/comparison.hpp"
#include "bench/ledger_rows.hpp"
#include "bench/progress.hpp"
#include "bench/row_store.hpp"
#include "bench/temporary_folder.hpp"

#include <array>
#include <atomic>

namespace weir::bench {

namespace {

constexpr std::array kinds{store_kind::weir, store_kind::lmdb, store_kind::sqlite,
                           store_kind::sqlite_rollups};

result<measurement> run_appends(store_kind kind, const std::vector<std::vector<usage_record>>& batches,
                                std::atomic<std::uint64_t>& done) {
  const temporary_folder folder;
  auto store = open_store(kind, folder.path());
  if (!store)
    return store.error();
  measurement seen;
  seen.scenario = to_string(kind);
  seen.unit = "records";
  seen.concurrency = static_cast<std::uint32_t>(batches.front().size());
  const stopwatch watch;
  for (const auto& batch : batches) {
    const auto begin = std::chrono::steady_clock::now();
    if (auto written = (*store)->insert(batch); !written)
      return written.error();
    seen.latency.add(std::chrono::steady_clock::now() - begin);
    seen.calls += batch.size();
    done += batch.size();
  }
  watch.stop(seen);
  return seen;
}

double ratio_to(const std::vector<measurement>& runs, std::size_t other) {
  std::vector<double> ratios;
  for (std::size_t round = 0; round != runs.size() / kinds.size(); ++round)
    ratios.push_back(runs[round * kinds.size()].per_second() /
                     runs[round * kinds.size() + other].per_second());
  return median(ratios);
}

} // namespace

result<append_comparison> compare_appends(const append_options& options) {
  if (is_in_memory(std::filesystem::temp_directory_path()))
    tell("weir-bench: the temporary folder is in memory, where commits cost nothing; name another with "
         "TMPDIR\n");
  row_maker maker(options.tags);
  std::vector<std::vector<usage_record>> batches;
  for (std::uint64_t made = 0; made < options.rows; made += options.batch)
    batches.push_back(maker.batch(options.batch));
  std::atomic<std::uint64_t> done{0};
  const progress_line line("ledger against LMDB and SQLite", "records",
                           fmt::format("ends after {}", options.rows * options.rounds * kinds.size()),
                           [&done] { return done.load(); });
  append_comparison seen;
  seen.runs.resize(options.rounds * kinds.size());
  for (std::size_t round = 0; round != options.rounds; ++round)
    for (std::size_t turn = 0; turn != kinds.size(); ++turn) {
      // Whose turn is first changes, so that nobody always runs on the other's heels.
      const std::size_t who = (turn + round) % kinds.size();
      auto run = run_appends(kinds[who], batches, done);
      if (!run)
        return run.error();
      seen.runs[round * kinds.size() + who] = std::move(*run);
    }
  seen.to_lmdb = ratio_to(seen.runs, 1);
  seen.to_sqlite = ratio_to(seen.runs, 2);
  seen.to_sqlite_rollups = ratio_to(seen.runs, 3);
  return seen;
}

} // namespace weir::bench
