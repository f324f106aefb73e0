// Builds the world, spawns the actors into it, and takes both down in the order in which nothing gets lost.
#include <weir/runtime.hpp>

#include "actors/config_watcher.hpp"
#include "actors/log.hpp"
#include "actors/manager.hpp"
#include "actors/retry_supervisor.hpp"
#include "actors/usage_accumulator.hpp"
#include "config/price_store.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace weir {

namespace {

/// How long a stop waits for an actor that does not answer. Never reached unless something is broken.
constexpr std::chrono::seconds stop_grace{10};

std::uint64_t random_word() {
  thread_local std::mt19937_64 engine = [] {
    std::random_device source;
    std::seed_seq seed{source(), source(), source(), source()};
    return std::mt19937_64(seed);
  }();
  return engine();
}

timestamp wall_clock() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

/// The failure of the last provider, if none of those that are enabled can be put into service.
std::optional<failure> nobody_usable(const snapshot& config) {
  std::optional<failure> last;
  for (const provider_config& each : config.providers) {
    if (!each.enabled)
      continue;
    const auto setup = actors::make_setup(config, each);
    if (setup)
      return std::nullopt;
    last = setup.error();
  }
  return last ? last : make_failure(errc::config, "the configuration has no enabled provider");
}

/// An actor system as weir wants it, with the configuration that it refers to.
struct private_system {
  explicit private_system(std::size_t workers) : system((configure(config, workers))) {}

  static caf::actor_system_config& configure(caf::actor_system_config& config, std::size_t workers) {
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", workers);
    return config;
  }

  caf::actor_system_config config;
  caf::actor_system system;
};

} // namespace

struct runtime::implementation {
  std::unique_ptr<private_system> own; ///< null inside an embedder's system; must outlive the rest
  caf::actor_system* system = nullptr;
  snapshot_ptr config;
  std::shared_ptr<transport::client> network;
  std::shared_ptr<actors::ledger_service> ledger;
  accumulator_actor books;
  supervisor_actor supervisor;
  manager_actor manager;
  watcher_actor watcher;

  result<void> start(runtime_options options);
  void stop();
  void end(const caf::scoped_actor& self, caf::actor_addr whom);
};

result<void> runtime::implementation::start(runtime_options options) {
  if (auto why = nobody_usable(*config))
    return std::move(*why);
  if (config->enable_usage_tracking) {
    auto opened = actors::open_ledger_service(*config);
    if (!opened)
      return opened.error();
    ledger = std::move(*opened);
  }
  actors::install_vocabularies(*config);
  network = transport::make_client(config->io_threads);
  const auto aside = [system = system](std::function<void()> job) {
    system->spawn<caf::detached>([](caf::event_based_actor*, const std::function<void()>& run) { run(); },
                                 std::move(job));
  };
  const auto world = std::make_shared<const actors::services>(
      actors::services{network, ledger, wall_clock, random_word, aside});
  if (auto known = config::prices_at_start(*config, wall_clock()); known && config->cost_tracking) {
    auto priced = std::make_shared<snapshot>(*config);
    priced->prices = std::move(known);
    config = std::move(priced);
  }
  const actors::accumulator_impl accumulator = system->spawn(actors::usage_accumulator, world, config);
  books = accumulator;
  supervisor = system->spawn(actors::retry_supervisor, world, books, config);
  caf::anon_send(accumulator, supervisor);
  manager = system->spawn(actors::manager, world, supervisor, books, config);
  if (options.watch_config && !config->source.empty())
    watcher =
        system->spawn(actors::config_watcher, manager, config, actors::watch_starter(actors::watch_file));
  return {};
}

void runtime::implementation::end(const caf::scoped_actor& self, caf::actor_addr whom) {
  if (const auto alive = caf::actor_cast<caf::actor>(whom)) {
    self->send_exit(alive, caf::exit_reason::user_shutdown);
    self->wait_for(alive);
  }
}

void runtime::implementation::stop() {
  if (!manager)
    return;
  {
    caf::scoped_actor self{*system};
    if (watcher)
      end(self, watcher.address());
    // Without a limit here: the supervisor keeps that of the newest configuration, and its death is an answer
    // too.
    self->request(manager, caf::infinite, drain{})
        .receive(
            [](const drained& done) {
              if (done.cancelled != 0)
                actors::log().warn("weir ended {} calls that did not end in time", done.cancelled);
            },
            [](const caf::error& reason) {
              actors::log().error("weir could not drain: {}", to_failure(reason).message);
            });
    end(self, manager.address());
    end(self, supervisor.address());
    network->close();
    self->request(books, stop_grace, flush{})
        .receive(
            [](const flushed& done) {
              if (done.pending != 0)
                actors::log().critical("weir could not write {} records to the ledger", done.pending);
            },
            [](const caf::error& reason) {
              actors::log().critical("weir could not flush its books: {}", to_failure(reason).message);
            });
    end(self, books.address());
  }
  watcher = nullptr;
  manager = nullptr;
  supervisor = nullptr;
  books = nullptr;
  if (ledger)
    ledger->close();
}

result<std::unique_ptr<runtime>> runtime::start(caf::actor_system& system, snapshot_ptr config,
                                                runtime_options options) {
  const auto policy = caf::get_or(system.config(), "scheduler.policy", caf::atom("stealing"));
  if (policy == caf::atom("stealing"))
    actors::log().warn(
        "the actor system's scheduler steals work: it polls, which costs latency and, at rest, a "
        "percent of a core; set scheduler.policy to caf::atom(\"sharing\")");
  auto impl = std::make_unique<implementation>();
  impl->system = &system;
  impl->config = std::move(config);
  if (auto started = impl->start(options); !started)
    return started.error();
  return std::unique_ptr<runtime>(new runtime(std::move(impl)));
}

result<std::unique_ptr<runtime>> runtime::start(snapshot_ptr config, runtime_options options) {
  auto impl = std::make_unique<implementation>();
  impl->own = std::make_unique<private_system>(std::max<std::size_t>(config->worker_threads, 1));
  impl->system = &impl->own->system;
  impl->config = std::move(config);
  if (auto started = impl->start(options); !started)
    return started.error();
  return std::unique_ptr<runtime>(new runtime(std::move(impl)));
}

runtime::runtime(std::unique_ptr<implementation> impl) : impl_(std::move(impl)) {}

runtime::~runtime() {
  impl_->stop();
}

const manager_actor& runtime::manager() const noexcept {
  return impl_->manager;
}

caf::actor_system& runtime::system() const noexcept {
  return *impl_->system;
}

call_id runtime::make_call_id() const {
  const auto unix_ms = std::chrono::floor<milliseconds>(wall_clock()).time_since_epoch().count();
  return call_id{make_id128(static_cast<std::uint64_t>(unix_ms), random_word(), random_word())};
}

void runtime::stop() {
  impl_->stop();
}

} // namespace weir
