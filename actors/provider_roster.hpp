// The supervisor's providers: their actors' lives, and for each of their models a circuit breaker.
// Knows no calls. Belongs to one actor and runs on its thread.
#pragma once

#include "actors/policy/breaker.hpp"
#include "actors/policy/retry_budget.hpp"
#include "actors/provider_setup.hpp"
#include "actors/services.hpp"

#include <weir/actors.hpp>

#include <caf/system_messages.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace weir::actors {

/// One model at one provider: what can be well while its sister is not.
struct provider_target {
  explicit provider_target(const breaker_config& limits) : breaker(limits) {}

  policy::circuit_breaker breaker;
  std::deque<breaker_change> history;   ///< the last 16 changes, oldest first
  std::chrono::microseconds latency{0}; ///< average of late, to the first token where streamed; 0: not known
  time_point latency_at{};              ///< of the newest that is in it
  time_point failed_at{};               ///< the last failure

  /// Takes in how long an answer took.
  void measure(std::chrono::microseconds took, time_point now);
  /// The average, unless it is too old to say anything.
  std::chrono::microseconds latency_of_late(time_point now) const;
  /// It has failed since its last success, and a moment ago.
  bool fails_of_late(time_point now) const;
};

/// One provider in service. Attempts keep it by shared pointer, so that a removed one can still be reported
/// to.
struct provider_slot {
  provider_slot(setup_ptr made, const snapshot& config)
      : setup(std::move(made)), limits(config.breaker), budget(config.retry.budget) {}

  setup_ptr setup;       ///< what the actor was last started or updated with
  provider_actor handle; ///< null: it died, and is started anew at `revives_at`
  time_point started{};
  time_point revives_at{};
  breaker_config limits;
  policy::retry_budget budget;
  std::uint32_t out = 0;          ///< attempts that have not reported yet
  std::uint32_t restarts = 0;     ///< in all
  std::uint32_t quick_deaths = 0; ///< in a row, each soon after its start
  std::map<model_name, provider_target> targets;

  /// The entry of a model. A provider that takes any name has one for all beyond the first 256.
  provider_target& target(const model_name& model);
  const model_name& key_of(const model_name& model) const;
};

using slot_ptr = std::shared_ptr<provider_slot>;

/// Spawns a monitored provider actor; handed in by the supervisor, who becomes its parent.
using provider_spawner = std::function<provider_actor(const setup_ptr&)>;

class provider_roster {
public:
  explicit provider_roster(provider_spawner spawn) : spawn_(std::move(spawn)) {}

  /// Starts what is new, updates what has changed, lets go of what is gone or disabled. A provider that is
  /// let go gives back what waits at it, finishes what it has in flight and then, without anybody who holds
  /// it, itself.
  void adopt(const snapshot_ptr& config, time_point now);

  /// The provider in service of that name, or null.
  slot_ptr find(const provider_name& name) const;

  /// Why a provider of the configuration is not in service; nothing if it is, or is not known.
  std::optional<failure> why_unusable(const provider_name& name) const;

  /// Starts a provider anew whose actor died: at once, or, if it dies soon after its start again and again,
  /// after a time that doubles with each such death. The one that died, or null: it was let go before.
  slot_ptr on_death(const caf::down_msg& death, time_point now);

  /// Starts those whose time has come. When the next one's will: `max` when none waits.
  time_point revive(time_point now);

  /// Tells every actor to end. From then on none is revived, only forgotten.
  void dismiss();

  /// Whether all that were told to end have ended.
  bool deserted() const noexcept { return dismissed_ && slots_.empty(); }

  const std::map<provider_name, slot_ptr>& slots() const noexcept { return slots_; }
  const std::map<provider_name, failure>& unusable() const noexcept { return unusable_; }

private:
  void engage(const snapshot& config, const provider_config& provider, time_point now);
  void start(provider_slot& slot, time_point now);

  provider_spawner spawn_;
  bool dismissed_ = false;
  std::map<provider_name, slot_ptr> slots_;
  std::map<provider_name, failure> unusable_;
};

} // namespace weir::actors
