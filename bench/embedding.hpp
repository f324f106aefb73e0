// What every scenario needs that embeds weir: an actor system, a configuration, a question.
// Knows no scenario.
#pragma once

#include "bench/scenarios.hpp"

#include <weir/chat.hpp>
#include <weir/config.hpp>

#include <caf/actor_system_config.hpp>

#include <filesystem>
#include <memory>

namespace weir::bench {

/// The settings of an actor system with one worker that does not poll. Gives back what it was given.
caf::actor_system_config& share_work(caf::actor_system_config& config);

/// One provider at the options' upstream, with prices, and its books in a folder; room for as many calls as
/// are to be in flight.
std::shared_ptr<snapshot> config_for_upstream(const call_options& options,
                                              const std::filesystem::path& folder);

/// A question of two messages.
chat_request make_question(const call_options& options);

} // namespace weir::bench
