// What an operator should see: the last alerts, of which neighbours of a kind are counted as one.
// Belongs to one actor and runs on its thread; tells the log as well.
#pragma once

#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace weir::actors {

class alert_board {
public:
  /// Alerts that are kept.
  static constexpr std::size_t room = 64;

  /// Puts up an alert, or counts it with one of the same class and provider that is up. The log gets the
  /// first of a kind, and then each time that their number has doubled: a bad key must not flood it.
  void raise(errc type, const provider_name& provider, std::string message, timestamp now);

  std::vector<alert> all() const { return {alerts_.begin(), alerts_.end()}; }

private:
  std::deque<alert> alerts_; ///< oldest first, by their last time
};

} // namespace weir::actors
