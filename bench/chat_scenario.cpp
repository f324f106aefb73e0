// `chat` and `idle`: a runtime embedded in the bench's own actor system, and agents that call its manager.
#include "bench/embedding.hpp"
#include "bench/scenarios.hpp"
#include "bench/temporary_folder.hpp"

#include <weir/runtime.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace weir::bench {

namespace {

using std::chrono::steady_clock;

/// What all agents share. Agents run on the system's workers, so counters are atomic; the histogram has a
/// lock of its own only when there is more than one worker, which the bench does not use.
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
};

struct agent_state {
  manager_actor manager;
  std::shared_ptr<shared_run> run;
  steady_clock::time_point begin;

  agent_state() {}
};

using agent_pointer = caf::stateful_actor<agent_state>*;

void call_again(agent_pointer self);

void answered(agent_pointer self, bool success) {
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

void call_again(agent_pointer self) {
  shared_run& run = *self->state.run;
  if (run.stop || (run.most != 0 && run.begun.fetch_add(1) >= run.most))
    return self->quit();
  self->state.begin = steady_clock::now();
  self->request(self->state.manager, caf::infinite, run.request)
      .then([self](const chat_reply& reply) { answered(self, reply.success); },
            [self](const caf::error&) { answered(self, false); });
}

caf::behavior agent(agent_pointer self, manager_actor manager, std::shared_ptr<shared_run> run) {
  self->state.manager = std::move(manager);
  self->state.run = std::move(run);
  self->send(self, caf::tick_atom::value);
  return {[self](caf::tick_atom) { call_again(self); }};
}

snapshot_ptr make_config(const call_options& options, const std::filesystem::path& folder) {
  auto config = config_for_upstream(options, folder);
  config->enable_usage_tracking = options.books != bookkeeping::none;
  if (options.books)
    config->ledger.durability =
        *options.books == bookkeeping::strict ? durability::strict : durability::relaxed;
  return config;
}

result<snapshot_ptr> config_for(const call_options& options, const std::filesystem::path& folder) {
  if (options.config_file.empty())
    return make_config(options, folder);
  auto loaded = load_config(options.config_file);
  if (loaded)
    return std::move(*loaded);
  std::string faults;
  for (const config_fault& each : loaded.error())
    faults += to_string(each) + "\n";
  return make_failure(errc::config, faults);
}

} // namespace

result<measurement> run_chat(const call_options& options) {
  const temporary_folder folder;
  auto config = config_for(options, folder.path());
  if (!config)
    return config.error();
  caf::actor_system_config system_config;
  caf::actor_system system{share_work(system_config)};
  auto weir = runtime::start(system, *config, {.watch_config = !options.config_file.empty()});
  if (!weir)
    return weir.error();
  auto run = std::make_shared<shared_run>();
  run->request = make_question(options);
  run->most = options.calls;
  run->gap = options.gap;
  run->measuring = options.calls != 0;
  measurement seen;
  seen.scenario = "chat";
  seen.concurrency = options.concurrency;
  {
    const progress_line line = watch_calls(options, "chat", [run] { return run->done.load(); });
    std::vector<caf::actor> agents;
    const auto start_agents = [&] {
      for (std::uint32_t n = 0; n != options.concurrency; ++n)
        agents.push_back(system.spawn(agent, (*weir)->manager(), run));
    };
    if (options.calls == 0) {
      start_agents();
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
      start_agents();
    caf::scoped_actor self{system};
    self->wait_for(agents);
    if (options.calls != 0)
      watch.stop(seen);
  }
  (*weir)->stop();
  seen.calls = run->done;
  seen.errors = run->errors;
  seen.latency = run->latency;
  return seen;
}

result<measurement> run_idle(const call_options& options) {
  const temporary_folder folder;
  caf::actor_system_config system_config;
  caf::actor_system system{share_work(system_config)};
  auto weir = runtime::start(system, make_config(options, folder.path()));
  if (!weir)
    return weir.error();
  // One call first, so that there is a connection to keep and a file to commit.
  std::optional<failure> error;
  {
    caf::scoped_actor self{system};
    self->request((*weir)->manager(), caf::infinite, make_question(options))
        .receive([&error](const chat_reply& reply) { error = reply.error; },
                 [&error](const caf::error&) { error = make_failure(errc::unknown, "nobody answers"); });
  }
  if (error)
    return *error;
  std::this_thread::sleep_for(options.warm_up);
  measurement seen;
  seen.scenario = "idle";
  seen.concurrency = 0;
  const stopwatch watch;
  std::this_thread::sleep_for(options.duration);
  watch.stop(seen);
  (*weir)->stop();
  return seen;
}

} // namespace weir::bench
