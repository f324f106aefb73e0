// Starting, updating and reviving provider actors.
#include "actors/provider_roster.hpp"

#include "actors/log.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace weir::actors {

namespace {

/// A provider that takes any model name must not fill the memory with breakers.
constexpr std::size_t most_targets = 256;
/// Who dies sooner after his start than this is not started anew at once.
constexpr std::chrono::seconds long_life{10};
constexpr milliseconds first_rest{100};
constexpr milliseconds longest_rest{10'000};
/// An average in which nothing is newer than this says nothing any more.
constexpr std::chrono::minutes latency_age{2};
/// Who failed a moment ago is asked last; after this he may show that he is well.
constexpr std::chrono::seconds failure_age{30};

milliseconds rest_after(std::uint32_t quick_deaths) {
  milliseconds rest = first_rest;
  for (std::uint32_t n = 2; n < quick_deaths && rest < longest_rest; ++n)
    rest *= 2;
  return std::min(rest, longest_rest);
}

} // namespace

void provider_target::measure(std::chrono::microseconds took, time_point now) {
  if (latency_of_late(now).count() == 0)
    latency = std::max(took, std::chrono::microseconds{1});
  else
    latency += (took - latency) / 8;
  latency_at = now;
}

std::chrono::microseconds provider_target::latency_of_late(time_point now) const {
  return now - latency_at > latency_age ? std::chrono::microseconds{0} : latency;
}

bool provider_target::fails_of_late(time_point now) const {
  return failed_at != time_point{} && failed_at >= latency_at && now - failed_at < failure_age;
}

const model_name& provider_slot::key_of(const model_name& model) const {
  static const model_name others;
  return targets.contains(model) || targets.size() < most_targets ? model : others;
}

provider_target& provider_slot::target(const model_name& model) {
  return targets.try_emplace(key_of(model), limits).first->second;
}

void provider_roster::adopt(const snapshot_ptr& config, time_point now) {
  unusable_.clear();
  std::erase_if(slots_, [&](const auto& entry) {
    const provider_config* wanted = config->find(entry.first);
    if (wanted != nullptr && wanted->enabled)
      return false;
    if (entry.second->handle)
      caf::anon_send(entry.second->handle, config);
    return true;
  });
  for (const provider_config& each : config->providers) {
    if (!each.enabled)
      continue;
    if (const auto found = slots_.find(each.name); found != slots_.end()) {
      provider_slot& slot = *found->second;
      slot.limits = config->breaker;
      for (auto& [model, target] : slot.targets)
        target.breaker.configure(config->breaker);
      slot.budget.configure(config->retry.budget, now);
      // Who is started anew later is started as he should be then. A setup that fails is told by the
      // provider.
      if (auto next = make_setup(*config, each, slot.setup.get()))
        slot.setup = std::move(*next);
      if (slot.handle)
        caf::anon_send(slot.handle, config);
    } else {
      engage(*config, each, now);
    }
  }
}

void provider_roster::engage(const snapshot& config, const provider_config& provider, time_point now) {
  auto setup = make_setup(config, provider);
  if (!setup) {
    log().warn("the provider '{}' is not in service: {}", provider.name.str(), to_string(setup.error()));
    unusable_.emplace(provider.name, std::move(setup.error()));
    return;
  }
  auto slot = std::make_shared<provider_slot>(std::move(*setup), config);
  start(*slot, now);
  slots_.emplace(provider.name, std::move(slot));
}

void provider_roster::start(provider_slot& slot, time_point now) {
  slot.handle = spawn_(slot.setup);
  slot.started = now;
}

slot_ptr provider_roster::find(const provider_name& name) const {
  const auto found = slots_.find(name);
  return found == slots_.end() ? nullptr : found->second;
}

std::optional<failure> provider_roster::why_unusable(const provider_name& name) const {
  const auto found = unusable_.find(name);
  return found == unusable_.end() ? std::nullopt : std::optional{found->second};
}

slot_ptr provider_roster::on_death(const caf::down_msg& death, time_point now) {
  const auto dead = std::ranges::find_if(slots_, [&](const auto& entry) {
    return entry.second->handle && entry.second->handle.address() == death.source;
  });
  if (dead == slots_.end())
    return nullptr;
  if (dismissed_) {
    slots_.erase(dead);
    return nullptr;
  }
  provider_slot& slot = *dead->second;
  ++slot.restarts;
  slot.quick_deaths = now - slot.started < long_life ? slot.quick_deaths + 1 : 0;
  slot.handle = nullptr;
  if (slot.quick_deaths < 2)
    start(slot, now);
  else
    slot.revives_at = now + rest_after(slot.quick_deaths);
  return dead->second;
}

time_point provider_roster::revive(time_point now) {
  time_point next = time_point::max();
  for (const auto& [name, slot] : slots_) {
    if (slot->handle || dismissed_)
      continue;
    if (slot->revives_at <= now)
      start(*slot, now);
    else
      next = std::min(next, slot->revives_at);
  }
  return next;
}

void provider_roster::dismiss() {
  dismissed_ = true;
  std::erase_if(slots_, [](const auto& entry) { return !entry.second->handle; });
  for (const auto& [name, slot] : slots_)
    caf::anon_send_exit(slot->handle, caf::exit_reason::user_shutdown);
}

} // namespace weir::actors
