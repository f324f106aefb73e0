// The machine that a history runs on: weir's actors on CAF's testing scheduler, one message a step in an
// order that chance decides, and a clock that jumps to whatever comes next. Knows no fault and no invariant.
#pragma once

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/dice.hpp"

#include "actors/services.hpp"

#include <weir/actors.hpp>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace weir::simulation {

class machine {
public:
  /// `hasty`: time also passes while messages wait.
  machine(agenda& events, dice random, bool hasty);
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;
  ~machine();

  /// Starts the actors.
  void start(std::shared_ptr<transport::client> network, std::shared_ptr<actors::ledger_service> ledger,
             const snapshot_ptr& config);
  /// Ends them, and whatever still waits for a delayed message.
  void stop();

  /// Runs until the moment, or as many steps as are allowed. False: too many.
  bool run_until(time_point when);
  /// Runs until this is so, or that moment.
  bool run_until(time_point latest, const std::function<bool()>& enough);

  time_point now() const { return scheduler_->clock().current_time; }
  timestamp wall() const;
  /// The wall clock jumps; monotonic time does not.
  void jump(std::chrono::microseconds by) { shift_ += by; }

  /// Asks the manager; the answer is handed on when it comes, if it does.
  template <class Answer, class Question>
  void ask(Question what, std::function<void(const Answer&)> hear);

  caf::actor_system& system() noexcept { return *system_; }
  const manager_actor& manager() const noexcept { return manager_; }
  std::uint64_t steps() const noexcept { return steps_; }

  std::function<void()> on_time; ///< called when the clock has moved

private:
  bool step();
  void run_job();
  void move_to(time_point when);

  agenda& events_;
  dice random_;
  dice actors_random_;
  bool hasty_;
  std::chrono::microseconds shift_{0};
  std::uint64_t steps_ = 0;
  caf::actor_system_config settings_;
  std::optional<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;
  manager_actor manager_;
  supervisor_actor supervisor_;
  accumulator_actor accumulator_;
};

} // namespace weir::simulation
