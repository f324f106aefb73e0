// Starts and stops weir inside an actor system.
// Knows the actors by their handles only.
#pragma once

#include <weir/actors.hpp>
#include <weir/config.hpp>

#include <caf/fwd.hpp>

#include <memory>

namespace weir {

/// A running weir: its actors, its network threads, its ledger. Lives inside an actor system and must end
/// before it.
///
/// Log lines go to the spdlog logger named `weir` if the program has registered one, else to standard error.
class runtime {
public:
  /// Starts inside the embedder's own system. It should run `scheduler.policy = caf::atom("sharing")`: CAF's
  /// default polls, which costs latency and, at rest, a percent of a core (a warning says so).
  /// Errors: `config` (a provider that cannot be spoken to), `storage` (the ledger cannot be opened).
  static result<std::unique_ptr<runtime>> start(caf::actor_system& system, snapshot_ptr config,
                                                runtime_options options = {});

  /// Starts with an actor system of its own, for those who have none.
  static result<std::unique_ptr<runtime>> start(snapshot_ptr config, runtime_options options = {});

  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;
  /// Stops, if nobody did before.
  ~runtime();

  /// Whom to ask: `self->request(runtime.manager(), caf::infinite, chat_request{…})`. Invalid after `stop`.
  const manager_actor& manager() const noexcept;

  /// The actor system that it lives in.
  caf::actor_system& system() const noexcept;

  /// A new id for a `chat_request` that its caller wants to be able to cancel. From any thread.
  call_id make_call_id() const;

  /// Refuses new calls, waits for those in flight (at most `limits.drain_timeout`), ends the rest as
  /// `cancelled`, and makes every record durable. Blocks; must not be called from an actor of the same
  /// system.
  void stop();

private:
  struct implementation;
  explicit runtime(std::unique_ptr<implementation> impl);

  std::unique_ptr<implementation> impl_;
};

} // namespace weir
