// A closed loop finds the peak, an open one exceeds it.
#include "bench/overload_scenario.hpp"

#include "bench/command_line.hpp"
#include "bench/embedding.hpp"
#include "bench/mock_process.hpp"
#include "bench/temporary_folder.hpp"

#include <weir/runtime.hpp>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace weir::bench {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds tick{1};

/// What the callers share with the thread that measures. They run on the system's one worker: histograms need
/// no lock, counters are atomic for the progress line.
struct shared_run {
  std::atomic<bool> stop{false};
  std::atomic<bool> measuring{false};
  std::atomic<std::uint64_t> offered{0};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> failed{0};
  double rate = 0; ///< of the open loop: calls a second
  chat_request request;
  histogram latency;
  histogram refusal_latency;

  void note(const std::optional<failure>& error, steady_clock::time_point begin) {
    if (!measuring)
      return;
    const auto took = steady_clock::now() - begin;
    if (!error) {
      latency.add(took);
      ++answered;
    } else if (error->type == errc::overloaded) {
      refusal_latency.add(took);
      ++refused;
    } else {
      ++failed;
    }
  }
};

struct caller_state {
  manager_actor manager;
  std::shared_ptr<shared_run> run;
  steady_clock::time_point begin;
  std::uint64_t sent = 0;
  std::uint64_t open = 0;

  caller_state() {}
};

using caller_pointer = caf::stateful_actor<caller_state>*;

template <class Ended>
void call(caller_pointer self, Ended ended) {
  ++self->state.open;
  if (self->state.run->measuring)
    ++self->state.run->offered;
  const auto done = [self, ended, begin = steady_clock::now()](const std::optional<failure>& error) {
    --self->state.open;
    self->state.run->note(error, begin);
    ended();
  };
  self->request(self->state.manager, caf::infinite, self->state.run->request)
      .then([done](const chat_reply& reply) { done(reply.error); },
            [done](const caf::error& error) { done(to_failure(error)); });
}

void call_again(caller_pointer self) {
  if (self->state.run->stop)
    return self->quit();
  call(self, [self] { call_again(self); });
}

/// Calls when the last call was answered.
caf::behavior closed_caller(caller_pointer self, manager_actor manager, std::shared_ptr<shared_run> run) {
  self->state.manager = std::move(manager);
  self->state.run = std::move(run);
  self->send(self, caf::tick_atom::value);
  return {[self](caf::tick_atom) { call_again(self); }};
}

void call_what_is_due(caller_pointer self) {
  caller_state& state = self->state;
  if (state.run->stop) {
    if (state.open == 0)
      self->quit();
    return;
  }
  const std::chrono::duration<double> age = steady_clock::now() - state.begin;
  for (const auto due = static_cast<std::uint64_t>(age.count() * state.run->rate); state.sent < due;
       ++state.sent)
    call(self, [self] {
      if (self->state.run->stop && self->state.open == 0)
        self->quit();
    });
  self->delayed_send(self, tick, caf::tick_atom::value);
}

/// Calls at the run's rate, whatever becomes of the calls.
caf::behavior open_caller(caller_pointer self, manager_actor manager, std::shared_ptr<shared_run> run) {
  self->state.manager = std::move(manager);
  self->state.run = std::move(run);
  self->state.begin = steady_clock::now();
  self->send(self, caf::tick_atom::value);
  return {[self](caf::tick_atom) { call_what_is_due(self); }};
}

/// A queue of half the places: who is let in waits about half the provider's latency. The bound of the wait
/// is far above that: who was let in is not refused for a hiccup of the machine.
snapshot_ptr tight_config(const overload_options& options, const call_options& call,
                          const std::filesystem::path& folder) {
  auto config = config_for_upstream(call, folder);
  provider_config& provider = config->providers.front();
  provider.max_concurrency = options.concurrency;
  provider.max_queue = std::max(1U, options.concurrency / 2);
  provider.max_queue_wait = 10 * options.latency;
  return config;
}

using caller = caf::behavior (*)(caller_pointer, manager_actor, std::shared_ptr<shared_run>);

measurement measure(caf::actor_system& system, const manager_actor& manager,
                    const std::shared_ptr<shared_run>& run, caller kind, std::uint32_t callers,
                    std::chrono::milliseconds warm_up, std::chrono::milliseconds duration) {
  std::vector<caf::actor> all;
  for (std::uint32_t n = 0; n != callers; ++n)
    all.push_back(system.spawn(kind, manager, run));
  std::this_thread::sleep_for(warm_up);
  measurement seen;
  const stopwatch watch;
  run->measuring = true;
  std::this_thread::sleep_for(duration);
  run->measuring = false;
  watch.stop(seen);
  run->stop = true;
  caf::scoped_actor self{system};
  self->wait_for(all);
  seen.calls = run->answered;
  seen.errors = run->failed;
  seen.latency = run->latency;
  return seen;
}

std::string quantiles(const histogram& of) {
  return fmt::format(R"({{"p50":{:.1f},"p90":{:.1f},"p99":{:.1f},"max":{:.1f}}})", of.quantile(0.5),
                     of.quantile(0.9), of.quantile(0.99), of.max_us());
}

} // namespace

double overload_measurement::goodput_ratio() const {
  return peak.per_second() > 0 ? overload.per_second() / peak.per_second() : 0;
}

double overload_measurement::p99_ratio() const {
  const double usual = peak.latency.quantile(0.99);
  return usual > 0 ? overload.latency.quantile(0.99) / usual : 0;
}

std::string to_json(const overload_measurement& seen) {
  const measurement& run = seen.overload;
  return fmt::format(
      R"({{"scenario":"overload","concurrency":{},"duration_s":{:.3f},"calls":{},"errors":{},)"
      R"("throughput_per_s":{:.1f},"cpu_us_per_call":{:.3f},"latency_us":{},"rss_bytes":{},)"
      R"("peak_per_s":{:.1f},"peak_latency_us":{},"offered":{},"offered_per_s":{:.1f},"refused":{},)"
      R"("refusal_latency_us":{},"goodput_ratio":{:.3f},"p99_ratio":{:.3f}}})",
      run.concurrency, run.duration_s, run.calls, run.errors, run.per_second(), run.cpu_us_per_call(),
      quantiles(run.latency), run.rss, seen.peak.per_second(), quantiles(seen.peak.latency), seen.offered,
      static_cast<double>(seen.offered) / run.duration_s, seen.refused, quantiles(seen.refusal_latency),
      seen.goodput_ratio(), seen.p99_ratio());
}

std::string to_text(const overload_measurement& seen) {
  const measurement& run = seen.overload;
  const auto row = [](const auto&... cells) {
    return fmt::format("{:<10} {:>10} {:>10} {:>9} {:>9} {:>11} {:>11}\n", cells...);
  };
  const auto ms = [](double us) { return fmt::format("{:.2f}", us / 1000); };
  const auto line = [&](const char* name, double rate, std::uint64_t calls, const histogram& latency) {
    return row(name, fmt::format("{:.1f}", rate), calls, ms(latency.quantile(0.5)),
               ms(latency.quantile(0.99)), ms(latency.max_us()), "");
  };
  return row("", "CALLS/S", "CALLS", "P50 MS", "P99 MS", "MAX MS", "") +
         line("peak", seen.peak.per_second(), seen.peak.calls, seen.peak.latency) +
         line("answered", run.per_second(), run.calls, run.latency) +
         line("refused", static_cast<double>(seen.refused) / run.duration_s, seen.refused,
              seen.refusal_latency) +
         fmt::format(
             "offered {} calls in {:.1f} s, {:.1f} a second; {} failed; goodput {:.1f} % of the peak, p99 of "
             "the answered {:.2f} x the peak's\n",
             seen.offered, run.duration_s, static_cast<double>(seen.offered) / run.duration_s, seen.failed,
             100 * seen.goodput_ratio(), seen.p99_ratio());
}

result<overload_measurement> run_overload(const overload_options& options) {
  const temporary_folder folder;
  call_options usual;
  usual.upstream = options.upstream;
  usual.model = options.model;
  usual.concurrency = options.concurrency;
  caf::actor_system_config system_config;
  caf::actor_system system{share_work(system_config)};
  auto weir = runtime::start(system, tight_config(options, usual, folder.path()));
  if (!weir)
    return weir.error();
  const auto fresh_run = [&usual] {
    auto run = std::make_shared<shared_run>();
    run->request = make_question(usual);
    return run;
  };
  overload_measurement seen;
  {
    const auto run = fresh_run();
    const auto time = std::min<std::chrono::milliseconds>(options.duration, std::chrono::seconds{10});
    seen.peak =
        measure(system, (*weir)->manager(), run, closed_caller, options.concurrency, options.warm_up, time);
    seen.failed = run->failed + run->refused;
  }
  const auto run = fresh_run();
  run->rate = options.factor * seen.peak.per_second();
  {
    const progress_line line(
        fmt::format("overload, {:.0f} calls/s offered", run->rate), "answers",
        fmt::format("ends after {} s", duration_cast<std::chrono::seconds>(options.duration).count()),
        [run] { return run->answered.load(); });
    seen.overload =
        measure(system, (*weir)->manager(), run, open_caller, 1, options.warm_up, options.duration);
  }
  (*weir)->stop();
  seen.overload.concurrency = options.concurrency;
  seen.offered = run->offered;
  seen.refused = run->refused;
  seen.failed += run->failed;
  seen.refusal_latency = run->refusal_latency;
  return seen;
}

namespace {

struct overload_command : run_options {
  overload_options overload;
  std::int64_t latency_ms = 100;
};

int run_command(overload_command& options) {
  settle_times(options);
  overload_options& told = options.overload;
  told.duration = options.call.duration;
  told.warm_up = options.call.warm_up;
  told.model = options.call.model;
  told.upstream = options.call.upstream;
  told.latency = std::chrono::milliseconds{options.latency_ms};
  std::unique_ptr<mock_process> mock;
  if (told.upstream.empty()) {
    auto started = mock_process::start({"--latency", std::to_string(options.latency_ms)});
    if (!started)
      return complain(started.error());
    mock = std::move(*started);
    told.upstream = mock->base_url();
  }
  const auto seen = run_overload(told);
  if (!seen)
    return complain(seen.error());
  fmt::print("{}", options.json ? to_json(*seen) + "\n" : to_text(*seen));
  return seen->failed == 0 ? 0 : 1;
}

} // namespace

void add_overload_command(CLI::App& program, int& code) {
  auto options = std::make_shared<overload_command>();
  options->duration_s = 60;
  CLI::App* command = program.add_subcommand(
      "overload", "Several times as many calls as the provider can serve, at a fixed rate");
  add_duration(*command, *options);
  add_warm_up(*command, *options);
  add_upstream(*command, *options);
  command
      ->add_option("--concurrency", options->overload.concurrency,
                   "Attempts that the provider may have in flight, 1 to 10,000; half as many may wait")
      ->check(count_up_to(most_in_flight))
      ->type_name("COUNT")
      ->capture_default_str();
  command->add_option("--factor", options->overload.factor, "How many times the peak is offered, 1 to 100")
      ->check(count_up_to(100))
      ->type_name("COUNT")
      ->capture_default_str();
  command->add_option("--latency", options->latency_ms, "Milliseconds that the provider takes for a call")
      ->check(CLI::Range(1, 60'000).description(""))
      ->type_name("MS")
      ->capture_default_str();
  command->footer(
      "The peak is found first, with as many callers as the provider has places. Exit code 1: a call\n"
      "failed in another way than by being refused.\n\n"
      "Examples:\n"
      "  weir-bench overload\n"
      "  weir-bench overload --duration 10 --concurrency 64 --json");
  command->callback([options, &code] { code = run_command(*options); });
}

} // namespace weir::bench
