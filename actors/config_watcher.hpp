// The config watcher: sees the file change, validates it, and publishes the next snapshot to the manager.
// A file with faults is one warning with all of them, and changes nothing.
#pragma once

#include "actors/file_watch.hpp"
#include "actors/ticker.hpp"

#include <weir/actors.hpp>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace weir::actors {

/// Starts a watch that calls `changed`; handed in, so that a test can play the file system.
using watch_starter = std::function<result<std::unique_ptr<file_watch>>(const std::filesystem::path& file,
                                                                        std::function<void()> changed)>;

using watcher_impl = watcher_actor::extend<caf::reacts_to<tick>>;

class watcher_state {
public:
  explicit watcher_state(watcher_impl::pointer self) : self_(self) {}

  static constexpr const char* name = "weir.config_watcher";

  watcher_impl::behavior_type begin(manager_actor manager, snapshot_ptr current, const watch_starter& start);

private:
  void look_soon();
  void on_tick();
  void look();
  void publish(const std::string& text);

  time_point now() const { return self_->clock().now(); }

  watcher_impl::pointer self_;
  manager_actor manager_;
  snapshot_ptr current_;
  std::unique_ptr<file_watch> watch_; ///< null: the file is polled
  ticker ticker_;
  std::optional<time_point> due_;   ///< when to look next
  std::optional<std::string> seen_; ///< what the last look saw, and has not been judged yet
  std::string refused_;             ///< the faults that were told last; empty: the file is good
  int unread_ = 0;                  ///< looks in a row that found no file to read
};

/// Spawn with `system.spawn(config_watcher, manager, current, watch_file)`.
watcher_impl::behavior_type config_watcher(watcher_impl::stateful_pointer<watcher_state> self,
                                           manager_actor manager, snapshot_ptr current, watch_starter start);

} // namespace weir::actors
