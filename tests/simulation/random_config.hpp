// Random configurations, always valid: what a history begins with, and what a reload makes of it.
// Knows no actor.
#pragma once

#include "tests/simulation/dice.hpp"

#include <weir/config.hpp>

#include <memory>
#include <string>
#include <vector>

namespace weir::simulation {

/// Every host that a configuration may name; a provider is called like its host.
inline const std::vector<std::string> host_names{"a", "b", "c", "d", "e"};

/// The key of that number (from 1) of a provider.
std::string key_of(const std::string& provider, std::uint32_t number);

std::shared_ptr<snapshot> random_config(dice& random);

/// The next version: providers come, go and change, limits change.
std::shared_ptr<snapshot> changed_config(dice& random, const snapshot& old);

} // namespace weir::simulation
