// Starting, updating and reviving provider actors.
#include "actors/provider_roster.hpp"

#include "actors/log.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace weir::actors {

void provider_roster::adopt(const snapshot_ptr& config) {
  unusable_.clear();
  std::erase_if(slots_, [&](const auto& entry) {
    const provider_config* wanted = config->find(entry.first);
    return wanted == nullptr || !wanted->enabled;
  });
  for (const provider_config& each : config->providers) {
    if (!each.enabled)
      continue;
    if (const auto found = slots_.find(each.name); found != slots_.end()) {
      provider_slot& slot = *found->second;
      slot.breaker.configure(config->breaker);
      // Who is started anew later is started as he should be then. A setup that fails is told by the
      // provider.
      if (auto next = make_setup(*config, each, slot.setup.get()))
        slot.setup = std::move(*next);
      caf::anon_send(slot.handle, config);
    } else {
      engage(*config, each);
    }
  }
}

void provider_roster::engage(const snapshot& config, const provider_config& provider) {
  auto setup = make_setup(config, provider);
  if (!setup) {
    log().warn("the provider '{}' is not in service: {}", provider.name.str(), to_string(setup.error()));
    unusable_.emplace(provider.name, std::move(setup.error()));
    return;
  }
  auto slot = std::make_shared<provider_slot>(std::move(*setup), config.breaker);
  slot->handle = spawn_(slot->setup);
  slots_.emplace(provider.name, std::move(slot));
}

slot_ptr provider_roster::find(const provider_name& name) const {
  const auto found = slots_.find(name);
  return found == slots_.end() ? nullptr : found->second;
}

std::optional<failure> provider_roster::why_unusable(const provider_name& name) const {
  const auto found = unusable_.find(name);
  return found == unusable_.end() ? std::nullopt : std::optional{found->second};
}

void provider_roster::on_death(const caf::down_msg& death) {
  const auto dead = std::ranges::find_if(
      slots_, [&](const auto& entry) { return entry.second->handle.address() == death.source; });
  if (dead == slots_.end())
    return;
  if (dismissed_) {
    slots_.erase(dead);
    return;
  }
  provider_slot& slot = *dead->second;
  ++slot.restarts;
  log().error("the provider '{}' died ({}) and is started anew", dead->first.str(),
              to_failure(death.reason).message);
  slot.handle = spawn_(slot.setup);
}

void provider_roster::dismiss() {
  dismissed_ = true;
  for (const auto& [name, slot] : slots_)
    caf::anon_send_exit(slot->handle, caf::exit_reason::user_shutdown);
}

} // namespace weir::actors
