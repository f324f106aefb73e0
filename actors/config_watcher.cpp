// The behaviour of the watcher: wait for the dust to settle, read until two reads agree, judge; tell each
// fault once.
#include "actors/config_watcher.hpp"

#include "actors/log.hpp"
#include "config/load.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace weir::actors {

namespace {

/// After an event, editors may still be writing.
constexpr milliseconds settle_time{200};
/// Two reads this far apart must agree: a file that is rewritten in place can be read half written.
constexpr milliseconds confirm_time{100};
/// How often to look where the file system tells nothing.
constexpr milliseconds poll_time{5000};

} // namespace

watcher_impl::behavior_type config_watcher(watcher_impl::stateful_pointer<watcher_state> self,
                                           manager_actor manager, snapshot_ptr current, watch_starter start) {
  return self->state.begin(std::move(manager), std::move(current), start);
}

watcher_impl::behavior_type watcher_state::begin(manager_actor manager, snapshot_ptr current,
                                                 const watch_starter& start) {
  manager_ = std::move(manager);
  current_ = std::move(current);
  // The watch's thread keeps no strong handle: the watch belongs to the actor's state and would keep it
  // alive.
  auto started = start(current_->source, [weak = caf::actor_cast<caf::actor_addr>(self_)] {
    if (const auto home = caf::actor_cast<caf::strong_actor_ptr>(weak))
      caf::anon_send(caf::actor_cast<watcher_actor>(home), flush{});
  });
  if (started) {
    watch_ = std::move(*started);
  } else {
    log().warn("{} looks every {} s: {}", name, poll_time.count() / 1000, to_string(started.error()));
  }
  // What was edited between the loading and the watching made no event.
  look_soon();
  return {
      [this](flush) { look_soon(); },
      [this](tick) { on_tick(); },
  };
}

void watcher_state::look_soon() {
  // The first event counts: in a busy folder the last one might never come.
  const time_point soon = now() + settle_time;
  due_ = std::min(due_.value_or(soon), soon);
  ticker_.arm(self_, *due_);
}

void watcher_state::on_tick() {
  ticker_.arrived(now());
  if (due_ && now() >= *due_) {
    due_.reset();
    look();
    if (!watch_ && !due_)
      due_ = now() + poll_time;
  }
  if (due_)
    ticker_.arm(self_, *due_);
}

void watcher_state::look() {
  auto text = config::read_text(current_->source);
  if (!text) { // mostly between an editor's delete and its create; the next event tells
    if (++unread_ == 2)
      log().warn("{} cannot read {} and keeps the configuration that it had", name,
                 current_->source.string());
    return;
  }
  unread_ = 0;
  if (content_hash(*text) == current_->source_hash) {
    seen_.reset();
    refused_.clear();
  } else if (seen_ == text) {
    publish(*text);
    seen_.reset();
  } else {
    seen_ = std::move(text);
    due_ = now() + confirm_time;
  }
}

void watcher_state::publish(const std::string& text) {
  auto loaded = config::load_text(text, current_->source, config::process_environment);
  if (!loaded) {
    std::string faults;
    for (const config_fault& each : loaded.error())
      faults += "\n  " + to_string(each);
    // Judged anew each time, since a file that it names may have come meanwhile; told once.
    if (faults != refused_)
      log().warn("{} refuses the new configuration and keeps the old one:{}", name, faults);
    refused_ = std::move(faults);
    return;
  }
  refused_.clear();
  auto next = std::make_shared<snapshot>(**loaded);
  next->version = current_->version + 1;
  if (next->usage_data_dir != current_->usage_data_dir ||
      next->enable_usage_tracking != current_->enable_usage_tracking ||
      next->io_threads != current_->io_threads || next->worker_threads != current_->worker_threads ||
      next->ledger.map_bytes != current_->ledger.map_bytes)
    log().warn("{} cannot change usage_data_dir, enable_usage_tracking, io_threads, worker_threads and "
               "ledger.map_bytes of a running weir; they take effect at the next start",
               name);
  current_ = std::move(next);
  self_->send(manager_, current_);
}

} // namespace weir::actors
