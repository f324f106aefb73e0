// What the actors need of the world, handed in: network, ledger, wall clock, randomness.
// A test or a simulation puts its own in each place; monotonic time comes from the actor system's clock.
#pragma once

#include "actors/ledger_service.hpp"
#include "transport/client.hpp"

#include <weir/usage.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace weir::actors {

struct services {
  std::shared_ptr<transport::client> network;
  std::shared_ptr<ledger_service> ledger; ///< null: usage is not tracked
  std::function<timestamp()> wall_clock;  ///< may be called from any actor
  std::function<std::uint64_t()> random;  ///< uniform; may be called from any actor
  /// Does a long job on a thread of its own; null: at once. May be called from any actor.
  std::function<void(std::function<void()>)> aside{};
};

using services_ptr = std::shared_ptr<const services>;

} // namespace weir::actors
