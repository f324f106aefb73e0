// `ledger`: appends of batches to a ledger of its own, each durable before the next.
#include "bench/ledger_rows.hpp"
#include "bench/scenarios.hpp"
#include "bench/temporary_folder.hpp"

#include "storage/ledger.hpp"

#include <algorithm>
#include <atomic>

namespace weir::bench {

result<measurement> run_ledger(const ledger_options& options) {
  const temporary_folder folder;
  auto opened = storage::ledger::open({.dir = folder.path()});
  if (!opened)
    return opened.error();
  row_maker maker(options.tags);
  measurement seen;
  seen.scenario = "ledger";
  seen.unit = "records";
  seen.concurrency = options.batch;
  std::atomic<std::uint64_t> done{0};
  const progress_line line(
      fmt::format("ledger, {} a commit", options.batch), "records",
      options.records != 0
          ? fmt::format("ends after {}", options.records)
          : fmt::format("ends after {} s", std::chrono::duration<double>(options.duration).count()),
      [&done] { return done.load(); });
  const std::uint64_t most = options.records != 0 ? options.records : UINT64_MAX;
  const stopwatch watch;
  const auto start = std::chrono::steady_clock::now();
  auto begin = start;
  while (seen.calls < most && (options.duration.count() == 0 || begin - start < options.duration)) {
    const auto batch = maker.batch(std::min<std::uint64_t>(options.batch, most - seen.calls));
    begin = std::chrono::steady_clock::now();
    const auto written = (*opened)->append(batch);
    if (!written)
      return written.error();
    seen.latency.add(std::chrono::steady_clock::now() - begin);
    seen.calls += batch.size();
    done = seen.calls;
  }
  watch.stop(seen);
  return seen;
}

} // namespace weir::bench
