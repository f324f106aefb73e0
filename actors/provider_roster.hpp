// The supervisor's providers: their actors' lives and their circuit breakers.
// Knows no calls. Belongs to one actor and runs on its thread.
#pragma once

#include "actors/policy/breaker.hpp"
#include "actors/provider_setup.hpp"
#include "actors/services.hpp"

#include <weir/actors.hpp>

#include <caf/system_messages.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace weir::actors {

/// One provider in service. Attempts keep it by shared pointer, so that a removed one can still be reported
/// to.
struct provider_slot {
  provider_slot(setup_ptr made, const breaker_config& limits) : setup(std::move(made)), breaker(limits) {}

  setup_ptr setup; ///< what the actor was last started or updated with
  provider_actor handle;
  policy::circuit_breaker breaker;
  std::uint32_t restarts = 0;
};

using slot_ptr = std::shared_ptr<provider_slot>;

/// Spawns a monitored provider actor; handed in by the supervisor, who becomes its parent.
using provider_spawner = std::function<provider_actor(const setup_ptr&)>;

class provider_roster {
public:
  explicit provider_roster(provider_spawner spawn) : spawn_(std::move(spawn)) {}

  /// Starts what is new, updates what has changed, lets go of what is gone or disabled. A provider that is
  /// let go ends what it has in flight and then, without anybody who holds it, itself.
  void adopt(const snapshot_ptr& config);

  /// The provider in service of that name, or null.
  slot_ptr find(const provider_name& name) const;

  /// Why a provider of the configuration is not in service; nothing if it is, or is not known.
  std::optional<failure> why_unusable(const provider_name& name) const;

  /// Starts a provider anew whose actor died; one that was let go before is none of ours any more.
  void on_death(const caf::down_msg& death);

  /// Tells every actor to end. From then on none is revived, only forgotten.
  void dismiss();

  /// Whether all that were told to end have ended.
  bool deserted() const noexcept { return dismissed_ && slots_.empty(); }

  const std::map<provider_name, slot_ptr>& slots() const noexcept { return slots_; }
  const std::map<provider_name, failure>& unusable() const noexcept { return unusable_; }

private:
  void engage(const snapshot& config, const provider_config& provider);

  provider_spawner spawn_;
  bool dismissed_ = false;
  std::map<provider_name, slot_ptr> slots_;
  std::map<provider_name, failure> unusable_;
};

} // namespace weir::actors
