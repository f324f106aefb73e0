// The scenarios and their options. Each runs in this process against an upstream in another one.
// Knows no command line.
#pragma once

#include "bench/measurement.hpp"
#include "bench/progress.hpp"
#include "bench/stream_measurement.hpp"

#include <weir/error.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace weir::bench {

class group_commit;

/// How weir keeps its books in a run.
enum class bookkeeping { none, relaxed, strict };

struct call_options {
  std::string upstream; ///< base URL, such as `http://127.0.0.1:8080/v1`
  std::uint32_t concurrency = 64;
  std::chrono::milliseconds duration{5000};
  std::chrono::milliseconds warm_up{1000};
  std::uint64_t calls = 0; ///< end after so many instead of after `duration`, without warm-up; 0: by time
  std::chrono::milliseconds gap{0}; ///< pause of each agent between two calls
  std::uint32_t chunks = 500;       ///< of streams: pieces of text in a reply, as the upstream sends it
  std::string config_file;          ///< of `chat`: use this configuration instead of one made for `upstream`
  std::string model = "mock-model";
  std::optional<bookkeeping> books{};  ///< of `chat`; nothing: as the configuration has it
  group_commit* floor_books = nullptr; ///< of `floor`: durable there before a call is sent and before it ends
  std::string title; ///< before the scenario's name in a progress line, such as `round 2 of 5: `
};

/// The progress line of a scenario that makes calls; `done` gives the number of them from any thread.
inline progress_line watch_calls(const call_options& options, const std::string& scenario,
                                 std::function<std::uint64_t()> done) {
  const auto time = std::chrono::duration<double>(options.warm_up + options.duration).count();
  return {fmt::format("{}{}, {} in flight", options.title, scenario, options.concurrency), "calls",
          options.calls != 0 ? fmt::format("ends after {}", options.calls)
                             : fmt::format("ends after {} s, warm-up included", time),
          std::move(done)};
}

/// Agent actors that call the manager: the whole way, ledger included.
result<measurement> run_chat(const call_options& options);

/// The same calls by a minimal Beast client without actors, policy and, unless it is given some, books: the
/// physical floor. It does not mend a connection: a failed call, be it in the warm-up, is an error and the
/// end of its connection.
result<measurement> run_floor(const call_options& options);

/// The same as streams: the readers are actors, and each is the sink of its own.
result<stream_measurement> run_stream(const call_options& options);

/// The floor of streams. A reply that does not have as many chunks as the options say is an error: what is
/// counted in the run above is known here.
result<stream_measurement> run_stream_floor(const call_options& options);

/// CPU of an embedded runtime that has nothing to do; `cpu` over `duration` with `calls` 0.
result<measurement> run_idle(const call_options& options);

struct slow_options {
  call_options call; ///< `upstream`, `concurrency`, `duration`, `model`: as many streams, for so long
  std::chrono::milliseconds pause{1000}; ///< from a batch of deltas to the sink's answer
  bool gather = false;                   ///< as of `chat_request`
};

/// Lets this process, and the children that it starts from now on, hold so many connections. Errors: `config`
/// (the system's bound is lower).
result<void> allow_connections(std::uint32_t count);

/// Holds many streams of an upstream that sends without end, and cancels them.
result<slow_measurement> run_slow_consumers(const slow_options& options);

/// What comes first ends the run; one of the two must be set.
struct ledger_options {
  std::uint64_t records = 0;             ///< 0: as many as fit into `duration`
  std::chrono::milliseconds duration{0}; ///< 0: until there are `records`
  std::uint32_t batch = 100;             ///< records a commit
  std::uint32_t tags = 1;                ///< of each record, up to 3
};

/// Appends records to a ledger in a temporary folder. A ledger has one writer, and what calls that end at the
/// same time come to is a larger batch: `concurrency` is that of the batch, `calls` counts records, latencies
/// are those of commits.
result<measurement> run_ledger(const ledger_options& options);

} // namespace weir::bench
