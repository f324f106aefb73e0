// The manager actor: the front desk. Routes and stamps each call and delegates it.
// Keeps nothing of a call: it is not on the way back. A loop of tool calls is an actor of its own.
#pragma once

#include "actors/services.hpp"
#include "actors/tool_loop.hpp"

#include <weir/actors.hpp>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <unordered_map>

namespace weir::actors {

class manager_state {
public:
  explicit manager_state(manager_actor::pointer self) : self_(self) {}

  static constexpr const char* name = "weir.manager";

  manager_actor::behavior_type begin(services_ptr world, supervisor_actor supervisor, accumulator_actor books,
                                     snapshot_ptr config);

private:
  caf::result<chat_reply> perform(chat_request& request, delta_sink sink);
  caf::result<tool_reply> perform(tool_request& request, delta_sink sink);
  void cancel(const cancel_call& which);
  caf::typed_response_promise<health_report> check(const health_query& question);
  caf::result<price_report> refresh();
  void adopt(snapshot_ptr next);
  void adopt(const new_prices& fresh);
  void keep_prices();
  void pass_on();

  manager_actor::pointer self_;
  services_ptr world_;
  supervisor_actor supervisor_;
  accumulator_actor books_;
  snapshot_ptr config_;
  price_keeper_actor prices_;                          ///< null: no list is configured
  std::unordered_map<call_id, tool_loop_actor> loops_; ///< those that can be cancelled
};

/// Makes the vocabularies of a configuration known to the process, those whose names it has not yet.
void install_vocabularies(const snapshot& config);

/// Spawn with `system.spawn(manager, world, supervisor, books, config)`.
manager_actor::behavior_type manager(manager_actor::stateful_pointer<manager_state> self, services_ptr world,
                                     supervisor_actor supervisor, accumulator_actor books,
                                     snapshot_ptr config);

} // namespace weir::actors
