// `stream`: readers, each an actor that calls the manager and is the sink of its own stream.
#include "bench/embedding.hpp"
#include "bench/scenarios.hpp"
#include "bench/temporary_folder.hpp"

#include <weir/runtime.hpp>

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace weir::bench {

namespace {

using std::chrono::steady_clock;

/// What all readers share. They run on the system's workers, so counters are atomic; the histograms have no
/// lock, since the bench has one worker.
struct shared_run {
  std::atomic<bool> stop{false};
  std::atomic<bool> measuring{false};
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> errors{0};
  std::uint64_t most = 0; ///< calls to make; 0: until told to stop
  std::chrono::milliseconds gap{0};
  chat_request request;
  histogram latency;
  histogram first_token;
};

/// A sink that wakes itself for its next call.
using reader_actor = delta_sink::extend<caf::reacts_to<caf::tick_atom>>;

struct reader_state {
  manager_actor manager;
  std::shared_ptr<shared_run> run;
  steady_clock::time_point begin;
  std::uint64_t bytes = 0; ///< of the text that this call's deltas brought

  reader_state() {}
};

using reader_pointer = reader_actor::stateful_pointer<reader_state>;

void call_again(reader_pointer self);

void answered(reader_pointer self, bool success) {
  shared_run& run = *self->state.run;
  if (run.measuring) {
    run.latency.add(steady_clock::now() - self->state.begin);
    if (!success)
      ++run.errors;
    ++run.done;
  }
  if (run.gap.count() != 0)
    self->delayed_send(self, run.gap, caf::tick_atom::value);
  else
    call_again(self);
}

void call_again(reader_pointer self) {
  shared_run& run = *self->state.run;
  if (run.stop || (run.most != 0 && run.begun.fetch_add(1) >= run.most))
    return self->quit();
  self->state.bytes = 0;
  self->state.begin = steady_clock::now();
  self->request(self->state.manager, caf::infinite, run.request, delta_sink(self))
      .then(
          [self](const chat_reply& reply) {
            // A stream that lost a piece on its way is no success.
            const std::uint64_t shown = self->state.bytes;
            answered(self, reply.success && shown != 0 && shown == reply.content.size());
          },
          [self](const caf::error&) { answered(self, false); });
}

void show(reader_pointer self, const delta_batch& batch) {
  reader_state& state = self->state;
  if (state.bytes == 0 && state.run->measuring)
    state.run->first_token.add(steady_clock::now() - state.begin);
  for (const chat_delta& delta : batch.deltas)
    state.bytes += delta.text.size();
}

reader_actor::behavior_type reader(reader_pointer self, manager_actor manager,
                                   std::shared_ptr<shared_run> run) {
  self->state.manager = std::move(manager);
  self->state.run = std::move(run);
  self->send(self, caf::tick_atom::value);
  return {
      [self](const delta_batch& batch) {
        show(self, batch);
        return more_deltas{};
      },
      [self](caf::tick_atom) { call_again(self); },
  };
}

} // namespace

result<stream_measurement> run_stream(const call_options& options) {
  const temporary_folder folder;
  caf::actor_system_config system_config;
  caf::actor_system system{share_work(system_config)};
  auto weir = runtime::start(system, config_for_upstream(options, folder.path()));
  if (!weir)
    return weir.error();
  auto run = std::make_shared<shared_run>();
  run->request = make_question(options);
  run->most = options.calls;
  run->gap = options.gap;
  run->measuring = options.calls != 0;
  stream_measurement seen;
  seen.scenario = "stream";
  seen.concurrency = options.concurrency;
  {
    const progress_line line = watch_calls(options, seen.scenario, [run] { return run->done.load(); });
    std::vector<caf::actor> readers;
    const auto start_readers = [&] {
      for (std::uint32_t n = 0; n != options.concurrency; ++n)
        readers.push_back(caf::actor_cast<caf::actor>(system.spawn(reader, (*weir)->manager(), run)));
    };
    if (options.calls == 0) {
      start_readers();
      std::this_thread::sleep_for(options.warm_up);
      const stopwatch watch;
      run->measuring = true;
      std::this_thread::sleep_for(options.duration);
      run->measuring = false;
      watch.stop(seen);
      run->stop = true;
    }
    const stopwatch watch;
    if (options.calls != 0)
      start_readers();
    caf::scoped_actor self{system};
    self->wait_for(readers);
    if (options.calls != 0)
      watch.stop(seen);
  }
  (*weir)->stop();
  seen.calls = run->done;
  seen.errors = run->errors;
  seen.chunks = (seen.calls - seen.errors) * options.chunks;
  seen.latency = run->latency;
  seen.first_token = run->first_token;
  return seen;
}

} // namespace weir::bench
