// Printing runs of streams.
#include "bench/stream_measurement.hpp"

#include <fmt/format.h>

namespace weir::bench {

std::string to_json(const stream_measurement& run) {
  std::string text = to_json(static_cast<const measurement&>(run));
  text.pop_back(); // its brace: the object goes on
  return text + fmt::format(R"(,"chunks":{},"chunks_per_s":{:.1f},"cpu_us_per_chunk":{:.4f},)"
                            R"("first_token_us":{{"p50":{:.1f},"p90":{:.1f},"p99":{:.1f}}}}})",
                            run.chunks, run.chunks_per_second(), run.cpu_us_per_chunk(),
                            run.first_token.quantile(0.5), run.first_token.quantile(0.9),
                            run.first_token.quantile(0.99));
}

std::string to_table(const std::vector<stream_measurement>& runs) {
  const auto row = [](const auto&... cells) {
    return fmt::format("{:<12} {:>9} {:>8} {:>6} {:>10} {:>12} {:>10} {:>10} {:>10} {:>10} {:>8}\n",
                       cells...);
  };
  std::string text = row("SCENARIO", "IN FLIGHT", "CALLS", "ERRORS", "CHUNKS/S", "CPU US CHUNK", "FIRST P50",
                         "FIRST P99", "CALL P50", "CALL P99", "RSS MIB");
  const auto tenths = [](double value) { return fmt::format("{:.1f}", value); };
  for (const stream_measurement& run : runs)
    text += row(run.scenario, run.concurrency, run.calls, run.errors,
                fmt::format("{:.0f}", run.chunks_per_second()), fmt::format("{:.3f}", run.cpu_us_per_chunk()),
                tenths(run.first_token.quantile(0.5)), tenths(run.first_token.quantile(0.99)),
                tenths(run.latency.quantile(0.5)), tenths(run.latency.quantile(0.99)),
                tenths(static_cast<double>(run.rss) / (1 << 20)));
  return text;
}

std::string to_json(const slow_measurement& run) {
  std::string samples;
  for (const slow_measurement::sample& each : run.samples)
    samples += fmt::format(R"({}{{"time_s":{:.3f},"rss_bytes":{},"content_bytes":{}}})",
                           samples.empty() ? "" : ",", each.time_s, each.rss, each.content_bytes);
  return fmt::format(
      R"({{"scenario":"slow-consumers","streams":{},"duration_s":{:.3f},"pause_ms":{},"errors":{},)"
      R"("batches":{},"deltas":{},"content_bytes":{},"cpu_us":{},"rss_bytes_before":{},)"
      R"("rss_bytes_start":{},"rss_bytes_middle":{},"rss_bytes_end":{},"rss_bytes_max":{},)"
      R"("cancelled":{},"cancel_us":{},"close_us":{},"connections":{},"connections_after":{},)"
      R"("samples":[{}]}})",
      run.streams, run.duration_s, run.pause.count(), run.errors, run.batches, run.deltas,
      run.samples.back().content_bytes, run.cpu.count(), run.rss_before, run.samples.front().rss,
      run.samples[run.samples.size() / 2].rss, run.samples.back().rss, run.rss_max, run.cancelled,
      run.cancel.count(), run.close.count(), run.connections, run.connections_after, samples);
}

std::string to_text(const slow_measurement& run) {
  const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  std::string text = fmt::format("{:>8} {:>10} {:>10}\n", "TIME S", "RSS MIB", "TEXT MIB");
  for (const slow_measurement::sample& each : run.samples)
    text +=
        fmt::format("{:>8.1f} {:>10.1f} {:>10.1f}\n", each.time_s, mib(each.rss), mib(each.content_bytes));
  text += fmt::format("{} streams, {} batches, {} deltas, each batch answered after {} ms; RSS {:.1f} MiB "
                      "before, {:.1f} MiB at most; {:.1f} % of a core\n",
                      run.streams, run.batches, run.deltas, run.pause.count(), mib(run.rss_before),
                      mib(run.rss_max), static_cast<double>(run.cpu.count()) / run.duration_s / 10'000);
  text += fmt::format("cancelled: {} of {}, the last answered after {:.1f} ms; of {} connections {} left "
                      "after {:.1f} ms\n",
                      run.cancelled, run.streams, static_cast<double>(run.cancel.count()) / 1000,
                      run.connections, run.connections_after, static_cast<double>(run.close.count()) / 1000);
  if (run.errors != 0)
    text += fmt::format("{} ended before; the first: {}\n", run.errors, run.first_error);
  return text;
}

} // namespace weir::bench
