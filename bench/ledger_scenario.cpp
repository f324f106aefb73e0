// `ledger`: appends of batches to a ledger of its own, each durable before the next.
#include "bench/scenarios.hpp"
#include "bench/temporary_folder.hpp"

#include "storage/ledger.hpp"

#include <algorithm>
#include <atomic>
#include <random>

namespace weir::bench {

namespace {

usage_record sample(std::mt19937_64& random, timestamp time) {
  usage_record record;
  record.id = attempt_id{
      make_id128(static_cast<std::uint64_t>(time.time_since_epoch().count() / 1000), random(), random())};
  record.call = call_id{
      make_id128(static_cast<std::uint64_t>(time.time_since_epoch().count() / 1000), random(), random())};
  record.time = time;
  record.model = model_name("gpt-4");
  record.provider = provider_name("openai");
  record.request_id = "req_9ffb423d1a2adc1cae1985b014fcdb61";
  record.usage.prompt_tokens = random() % 4000;
  record.usage.completion_tokens = random() % 1000;
  record.usage.total_tokens = record.usage.prompt_tokens + record.usage.completion_tokens;
  record.cost = money{static_cast<std::int64_t>(random() % 1'000'000'000'000), *currency::parse("USD")};
  record.success = true;
  record.response_time = std::chrono::microseconds{random() % 2'000'000};
  return record;
}

} // namespace

result<measurement> run_ledger(const ledger_options& options) {
  const temporary_folder folder;
  auto opened = storage::ledger::open({.dir = folder.path()});
  if (!opened)
    return opened.error();
  std::mt19937_64 random(1);
  timestamp time{std::chrono::seconds{1'764'000'000}};
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
  std::vector<usage_record> batch;
  while (seen.calls < most && (options.duration.count() == 0 || begin - start < options.duration)) {
    batch.clear();
    const std::uint64_t size = std::min<std::uint64_t>(options.batch, most - seen.calls);
    for (std::uint64_t n = 0; n != size; ++n)
      batch.push_back(sample(random, time += std::chrono::microseconds{37}));
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
