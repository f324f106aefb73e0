// What runs of streams measure beyond what other runs do, and how it is printed.
// Knows no scenario.
#pragma once

#include "bench/measurement.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace weir::bench {

/// Of calls whose replies come in chunks. A chunk is a server-sent event with a piece of the reply, as the
/// upstream sends it: weir may hand several of them on as one delta.
struct stream_measurement : measurement {
  std::uint64_t chunks = 0; ///< of the measured calls, all together
  histogram first_token;    ///< from the call to its first piece of text

  double chunks_per_second() const { return duration_s > 0 ? static_cast<double>(chunks) / duration_s : 0; }
  double cpu_us_per_chunk() const {
    return chunks > 0 ? static_cast<double>(cpu.count()) / static_cast<double>(chunks) : 0;
  }
};

/// One JSON object, without a line end: that of any measurement, with further members.
std::string to_json(const stream_measurement& run);

/// A table for people. Never empty.
std::string to_table(const std::vector<stream_measurement>& runs);

/// Streams without an end whose sinks take their time, and then the end of all of them at once.
struct slow_measurement {
  /// How things were at a moment of the run.
  struct sample {
    double time_s = 0;
    std::uint64_t rss = 0;
    std::uint64_t content_bytes = 0; ///< of text shown to sinks until then
  };

  std::uint32_t streams = 0;
  double duration_s = 0;
  std::chrono::milliseconds pause{0};
  std::uint64_t batches = 0;
  std::uint64_t deltas = 0;
  std::uint64_t errors = 0;            ///< streams that ended before they were cancelled
  std::string first_error;             ///< of the first of those
  std::uint64_t cancelled = 0;         ///< streams that were answered as `cancelled`, as they had to be
  std::chrono::microseconds cpu{0};    ///< while all streamed
  std::uint64_t rss_before = 0;        ///< when weir ran and nothing was called
  std::uint64_t rss_max = 0;           ///< of the whole run
  std::vector<sample> samples;         ///< from all streams running to the first cancelled; never empty
  std::chrono::microseconds cancel{0}; ///< from the first cancelled to the last answered
  std::chrono::microseconds close{0};  ///< … to no connection left
  std::uint32_t connections = 0;       ///< to the upstream, while all streamed
  std::uint32_t connections_after = 0; ///< after all were cancelled; 0 unless something is wrong

  bool good() const { return errors == 0 && cancelled == streams && connections_after == 0; }
};

/// One JSON object, without a line end.
std::string to_json(const slow_measurement& run);

/// Lines for people.
std::string to_text(const slow_measurement& run);

} // namespace weir::bench
