// `slow-consumers`: many streams whose sinks take their time. What matters is what does not grow: memory,
// while they are slow, and connections, once they are cancelled.
#include "bench/embedding.hpp"
#include "bench/scenarios.hpp"
#include "bench/temporary_folder.hpp"

#include <weir/runtime.hpp>
#include <weir/url.hpp>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <fstream>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace weir::bench {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_every{50};    ///< at the memory
constexpr std::chrono::seconds patience{60};           ///< for all streams to begin, and to end
constexpr std::chrono::seconds connection_patience{5}; ///< for the kernel to close what weir closed
constexpr int samples_wanted = 10;

struct shared_run {
  std::atomic<bool> cancelling{false};
  std::atomic<std::uint64_t> streaming{0}; ///< streams that showed something
  std::atomic<std::uint64_t> ended{0};
  std::atomic<std::uint64_t> cancelled{0};
  std::atomic<std::uint64_t> errors{0};
  std::atomic<std::uint64_t> batches{0};
  std::atomic<std::uint64_t> deltas{0};
  std::atomic<std::uint64_t> content_bytes{0};
  std::chrono::milliseconds pause{0};
  std::string first_error; ///< written by the system's one worker, before it counts the error
};

/// A sink that calls, and answers a batch when its tick comes.
using slow_actor = delta_sink::extend<caf::reacts_to<caf::tick_atom>>;

struct slow_state {
  std::shared_ptr<shared_run> run;
  caf::typed_response_promise<more_deltas> waiting;
  bool began = false;

  slow_state() {}
};

using slow_pointer = slow_actor::stateful_pointer<slow_state>;

void ended(slow_pointer self, const std::optional<failure>& error) {
  shared_run& run = *self->state.run;
  if (run.cancelling && error && error->type == errc::cancelled) {
    ++run.cancelled;
  } else {
    if (run.errors == 0)
      run.first_error = error ? to_string(*error) : "the stream came to its end";
    ++run.errors;
  }
  ++run.ended;
  self->quit();
}

slow_actor::behavior_type slow_reader(slow_pointer self, const manager_actor& manager,
                                      const chat_request& request, std::shared_ptr<shared_run> run) {
  self->state.run = std::move(run);
  self->request(manager, caf::infinite, request, delta_sink(self))
      .then([self](const chat_reply& reply) { ended(self, reply.error); },
            [self](const caf::error&) { ended(self, make_failure(errc::unknown, "nobody answers")); });
  return {
      [self](const delta_batch& batch) {
        shared_run& shared = *self->state.run;
        if (!std::exchange(self->state.began, true))
          ++shared.streaming;
        ++shared.batches;
        shared.deltas += batch.deltas.size();
        for (const chat_delta& delta : batch.deltas)
          shared.content_bytes += delta.text.size();
        // Only the last batch of a stream does not wait for the answer to the one before.
        if (self->state.waiting.pending())
          self->state.waiting.deliver(more_deltas{});
        self->state.waiting = self->make_response_promise<more_deltas>();
        self->delayed_send(self, shared.pause, caf::tick_atom::value);
        return self->state.waiting;
      },
      [self](caf::tick_atom) {
        if (self->state.waiting.pending())
          self->state.waiting.deliver(more_deltas{});
      },
  };
}

/// Asks until it is so, or the time is over.
template <class Condition>
bool wait_until(Condition so, std::chrono::milliseconds most) {
  const auto begin = steady_clock::now();
  while (!so()) {
    if (steady_clock::now() - begin > most)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

std::chrono::microseconds since(steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin);
}

/// The port of `0100007F:1F90`.
unsigned port_of(const std::string& address) {
  unsigned port = 0;
  const std::size_t colon = std::min(address.find(':'), address.size() - 1);
  std::from_chars(address.data() + colon + 1, address.data() + address.size(), port, 16);
  return port;
}

/// Connections to a port, of whichever process, as the kernel lists them: those whose one end or other has
/// not been closed. On loopback it lists both ends, and the larger count says it.
std::uint32_t count_connections(unsigned port) {
  std::uint32_t ours = 0;
  std::uint32_t theirs = 0;
  for (const char* list : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(list);
    std::string row;
    std::string local;
    std::string remote;
    std::string state;
    std::getline(in, row); // what the columns are called
    while (in >> row >> local >> remote >> state) {
      if (state == "01" || state == "08") { // established; closed by the other end only
        ours += port_of(remote) == port ? 1 : 0;
        theirs += port_of(local) == port ? 1 : 0;
      }
      std::getline(in, row);
    }
  }
  return std::max(ours, theirs);
}

std::shared_ptr<snapshot> patient_config(const call_options& options, const std::filesystem::path& folder) {
  auto config = config_for_upstream(options, folder);
  config->limits.call_timeout = longest_wait;
  config->providers.front().stream_timeout = longest_wait;
  config->ledger.cancel_drain_time =
      std::chrono::milliseconds{0}; // no usage comes at the end that there is not
  return config;
}

/// The streams of one run, on a system that outlives them.
class stream_crowd {
public:
  stream_crowd(caf::actor_system& system, const runtime& weir, const slow_options& options)
      : system_(system), weir_(weir), run_(std::make_shared<shared_run>()) {
    run_->pause = options.pause;
    seen_.streams = options.call.concurrency;
    seen_.pause = options.pause;
    seen_.rss_before = rss_bytes();
  }
  stream_crowd(const stream_crowd&) = delete;
  stream_crowd& operator=(const stream_crowd&) = delete;
  /// Whatever still streams is ended with its sink.
  ~stream_crowd() {
    for (const slow_actor& each : readers_)
      caf::anon_send_exit(each, caf::exit_reason::kill);
  }

  std::uint64_t content_bytes() const { return run_->content_bytes; }

  /// False: not all of them show something.
  bool begin(chat_request request) {
    for (std::uint32_t n = 0; n != seen_.streams; ++n) {
      request.id = weir_.make_call_id();
      ids_.push_back(request.id);
      readers_.push_back(system_.spawn(slow_reader, weir_.manager(), request, run_));
    }
    wait_until([this] { return note_rss(), run_->streaming + run_->errors >= seen_.streams; }, patience);
    return run_->streaming == seen_.streams;
  }

  void watch(std::chrono::milliseconds duration) {
    const stopwatch watch;
    const auto begin = steady_clock::now();
    const auto step = steady_clock::duration(duration) / samples_wanted;
    for (auto next = begin; next <= begin + duration;) {
      if (const auto now = steady_clock::now(); now >= next) {
        seen_.samples.push_back(
            {std::chrono::duration<double>(now - begin).count(), note_rss(), content_bytes()});
        next = begin + step * seen_.samples.size();
      }
      note_rss();
      std::this_thread::sleep_until(std::min(next, steady_clock::now() + look_every));
    }
    measurement measured;
    watch.stop(measured);
    seen_.duration_s = measured.duration_s;
    seen_.cpu = measured.cpu;
    seen_.batches = run_->batches;
    seen_.deltas = run_->deltas;
  }

  /// Cancels all and waits for their ends, and for the connections'.
  void cancel(unsigned port) {
    seen_.connections = count_connections(port);
    const auto begin = steady_clock::now();
    run_->cancelling = true;
    for (const call_id& id : ids_)
      caf::anon_send(weir_.manager(), cancel_call{id});
    wait_until([this] { return note_rss(), run_->ended >= seen_.streams; }, patience);
    seen_.cancel = since(begin);
    wait_until([&] { return (seen_.connections_after = count_connections(port)) == 0; }, connection_patience);
    seen_.close = since(begin);
  }

  slow_measurement result() {
    seen_.errors = run_->errors;
    seen_.cancelled = run_->cancelled;
    if (seen_.errors != 0)
      seen_.first_error = run_->first_error;
    return std::move(seen_);
  }

private:
  std::uint64_t note_rss() {
    const std::uint64_t now = rss_bytes();
    seen_.rss_max = std::max(seen_.rss_max, now);
    return now;
  }

  caf::actor_system& system_;
  const runtime& weir_;
  std::shared_ptr<shared_run> run_;
  std::vector<call_id> ids_;
  std::vector<slow_actor> readers_;
  slow_measurement seen_;
};

} // namespace

result<void> allow_connections(std::uint32_t count) {
  const rlim_t wanted = rlim_t{count} + 256; // and the few files that are open anyway
  rlimit bound{};
  ::getrlimit(RLIMIT_NOFILE, &bound);
  if (bound.rlim_cur >= wanted)
    return {};
  bound.rlim_cur = std::min(wanted, bound.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &bound) == 0 && bound.rlim_cur == wanted)
    return {};
  return make_failure(errc::config,
                      "the system allows fewer open files than " + std::to_string(wanted) + " (ulimit -n)");
}

result<slow_measurement> run_slow_consumers(const slow_options& options) {
  const auto base = parse_url(options.call.upstream);
  if (!base)
    return base.error();
  const temporary_folder folder;
  caf::actor_system_config system_config;
  caf::actor_system system{share_work(system_config)};
  auto weir = runtime::start(system, patient_config(options.call, folder.path()));
  if (!weir)
    return weir.error();
  result<slow_measurement> seen = failure{};
  {
    stream_crowd crowd(system, **weir, options);
    const progress_line line(
        fmt::format("slow-consumers, {} streams", options.call.concurrency), "bytes of text",
        fmt::format("ends after {} s", std::chrono::duration<double>(options.call.duration).count()),
        [&crowd] { return crowd.content_bytes(); });
    chat_request request = make_question(options.call);
    request.gather = options.gather;
    if (crowd.begin(std::move(request))) {
      crowd.watch(options.call.duration);
      crowd.cancel(base->port);
      seen = crowd.result();
    } else {
      const slow_measurement failed = crowd.result();
      seen =
          make_failure(errc::network, "not all streams began: " + failed.first_error, options.call.upstream);
    }
  }
  (*weir)->stop();
  return seen;
}

} // namespace weir::bench
