// One history: its plan from the seed, its disturbances, its healing and its end.
// Knows no invariant by itself: what happens is told to the judge.
#pragma once

#include "tests/simulation/callers.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/judge.hpp"
#include "tests/simulation/machine.hpp"
#include "tests/simulation/simulation.hpp"
#include "tests/simulation/world.hpp"

#include <memory>
#include <string>
#include <vector>

namespace weir::simulation {

class history {
public:
  history(std::uint64_t seed, const options& how);
  ~history();
  history(const history&) = delete;
  history& operator=(const history&) = delete;

  report live();

private:
  using milliseconds = std::chrono::milliseconds;

  void plan_calls();
  planned_call plan_call();
  void plan_disturbances();
  /// Calls `what` so many times at random moments before the healing.
  void sometimes(std::uint32_t most, const std::function<void()>& what);
  void make(planned_call call);
  void reload();
  void go(run_mode mode);
  void break_disk();
  void start_drain();
  void watch_health();
  void heal();
  void await_holds();
  void trickle();
  void end();
  const std::string& some_host() { return hosts_[static_cast<std::size_t>(random_.below(hosts_.size()))]; }
  time_point at_random();

  const options& how_;
  dice random_;
  trace notes_;
  agenda events_;
  machine machine_;
  judge judge_;
  std::shared_ptr<disk> disk_;
  std::shared_ptr<world> world_;
  std::shared_ptr<const snapshot> config_;
  std::vector<std::string> hosts_;
  std::shared_ptr<const tool_registry> tools_;
  caf::actor tool_;
  surroundings around_;
  std::vector<caf::actor> sinks_;
  std::uint64_t calls_ = 0;
  time_point healed_{};
  milliseconds longest_open_{0}; ///< of any breaker, over all configurations
  bool drained_ = false;
  report told_;
};

} // namespace weir::simulation
