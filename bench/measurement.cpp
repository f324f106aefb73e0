// Measuring and printing.
#include "bench/measurement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

namespace weir::bench {

namespace {

constexpr unsigned steps_log2 = 6; ///< 64 steps for each power of two

std::chrono::microseconds to_time(const timeval& value) {
  return std::chrono::seconds{value.tv_sec} + std::chrono::microseconds{value.tv_usec};
}

} // namespace

std::size_t histogram::index_of(std::uint64_t value) {
  if (value < (1ULL << steps_log2))
    return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - steps_log2 - 1;
  return ((static_cast<std::size_t>(shift) + 1) << steps_log2) +
         static_cast<std::size_t>((value >> shift) - (1ULL << steps_log2));
}

std::uint64_t histogram::value_at(std::size_t index) {
  if (index < (1ULL << steps_log2))
    return index;
  const std::size_t shift = (index >> steps_log2) - 1;
  return ((index & ((1ULL << steps_log2) - 1)) + (1ULL << steps_log2)) << shift;
}

void histogram::add(std::chrono::nanoseconds value) {
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
  ++counts_[std::min(index_of(count), counts_.size() - 1)];
  ++count_;
  max_ = std::max(max_, count);
}

double histogram::quantile(double share) const {
  if (count_ == 0)
    return 0;
  const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1));
  std::uint64_t seen = 0;
  for (std::size_t at = 0; at != counts_.size(); ++at) {
    seen += counts_[at];
    if (seen > wanted)
      return static_cast<double>(value_at(at)) / 1000.0;
  }
  return max_us();
}

std::chrono::microseconds cpu_time() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return to_time(used.ru_utime) + to_time(used.ru_stime);
}

std::uint64_t rss_bytes() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string to_json(const measurement& run) {
  return fmt::format(
      R"({{"scenario":"{}","concurrency":{},"duration_s":{:.3f},"calls":{},"errors":{},)"
      R"("throughput_per_s":{:.1f},"cpu_us":{},"cpu_us_per_call":{:.3f},)"
      R"("latency_us":{{"p50":{:.1f},"p90":{:.1f},"p99":{:.1f},"max":{:.1f}}},"rss_bytes":{}}})",
      run.scenario, run.concurrency, run.duration_s, run.calls, run.errors, run.per_second(), run.cpu.count(),
      run.cpu_us_per_call(), run.latency.quantile(0.5), run.latency.quantile(0.9), run.latency.quantile(0.99),
      run.latency.max_us(), run.rss);
}

std::string to_table(const std::vector<measurement>& runs) {
  const bool calls = runs.front().unit == "calls";
  const auto row = [](const auto&... cells) {
    return fmt::format("{:<8} {:>9} {:>10} {:>7} {:>10} {:>11} {:>9} {:>9} {:>9} {:>10} {:>8}\n", cells...);
  };
  const auto tenths = [](double value) { return fmt::format("{:.1f}", value); };
  std::string text =
      row("SCENARIO", calls ? "IN FLIGHT" : "BATCH", calls ? "CALLS" : "RECORDS", "ERRORS",
          calls ? "CALLS/S" : "RECORDS/S", "CPU US EACH", "P50 US", "P90 US", "P99 US", "MAX US", "RSS MIB");
  for (const measurement& run : runs)
    text += row(run.scenario, run.concurrency, run.calls, run.errors, fmt::format("{:.0f}", run.per_second()),
                fmt::format("{:.2f}", run.cpu_us_per_call()), tenths(run.latency.quantile(0.5)),
                tenths(run.latency.quantile(0.9)), tenths(run.latency.quantile(0.99)),
                tenths(run.latency.max_us()), tenths(static_cast<double>(run.rss) / (1 << 20)));
  return text;
}

void stopwatch::stop(measurement& run) const {
  run.duration_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  run.cpu = cpu_time() - cpu_;
  run.rss = rss_bytes();
}

} // namespace weir::bench
