// What a run of the bench measures and how it is printed.
// Knows no scenario.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace weir::bench {

/// Latencies with a relative error below one percent, in constant memory: 64 steps for each power of two.
class histogram {
public:
  void add(std::chrono::nanoseconds value);
  /// The value below which this share (0 to 1) of all lies, in microseconds; 0 when there is none.
  double quantile(double share) const;
  double max_us() const { return static_cast<double>(max_) / 1000.0; }
  std::uint64_t count() const { return count_; }

private:
  static std::size_t index_of(std::uint64_t value);
  static std::uint64_t value_at(std::size_t index);

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(64 * 60);
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

/// CPU time of this process, user and system.
std::chrono::microseconds cpu_time();

/// Resident memory of this process.
std::uint64_t rss_bytes();

struct measurement {
  std::string scenario;
  std::string unit = "calls"; ///< what `calls` counts
  std::uint32_t concurrency = 1;
  double duration_s = 0;
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  std::chrono::microseconds cpu{0}; ///< over the measured time
  histogram latency;
  std::uint64_t rss = 0;

  double per_second() const { return duration_s > 0 ? static_cast<double>(calls) / duration_s : 0; }
  double cpu_us_per_call() const {
    return calls > 0 ? static_cast<double>(cpu.count()) / static_cast<double>(calls) : 0;
  }
};

/// One JSON object, without a line end.
std::string to_json(const measurement& run);

/// A table for people of runs that count the same. Never empty.
std::string to_table(const std::vector<measurement>& runs);

/// Starts counting time and CPU when it is made, and fills them in when it is told that the run has ended.
class stopwatch {
public:
  stopwatch() : begin_(std::chrono::steady_clock::now()), cpu_(cpu_time()) {}
  void stop(measurement& run) const;

private:
  std::chrono::steady_clock::time_point begin_;
  std::chrono::microseconds cpu_;
};

} // namespace weir::bench
