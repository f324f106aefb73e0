// The plain doorway: an actor that asks the manager on behalf of those who are none.
#include <weir/client.hpp>

#include "actors/chat_stream.hpp"
#include "actors/stream_caller.hpp"

#include <weir/runtime.hpp>
#include <weir/tools.hpp>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <mutex>
#include <utility>

namespace weir {

namespace {

chat_reply stopped_reply() {
  chat_reply reply;
  reply.error = make_failure(errc::cancelled, "weir has stopped");
  return reply;
}

/// Whom to tell. If nobody did by its end, the call was lost on the way of a stop, and that is told.
class listener {
public:
  explicit listener(std::function<void(chat_reply)> done) : done_(std::move(done)) {}
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  ~listener() { tell(stopped_reply()); }

  void tell(chat_reply reply) {
    if (const auto done = std::exchange(done_, nullptr))
      done(std::move(reply));
  }

private:
  std::function<void(chat_reply)> done_;
};

/// A call through the door. Its listener is shared, since a message must be copyable.
struct door_call {
  chat_request request;
  std::shared_ptr<listener> caller;
};

} // namespace

} // namespace weir

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::door_call)

namespace weir {

namespace {

using door_actor = caf::typed_actor<caf::reacts_to<door_call>>;

class door_state {
public:
  explicit door_state(door_actor::pointer self) : self_(self) {}

  static constexpr const char* name = "weir.client";

  door_actor::behavior_type begin(manager_actor manager) {
    manager_ = std::move(manager);
    self_->set_exit_handler([this](caf::exit_msg&) {
      leaving_ = true;
      leave_when_done();
    });
    return {[this](door_call& next) { ask(next); }};
  }

private:
  void ask(door_call& next) {
    ++open_;
    self_->request(manager_, caf::infinite, std::move(next.request))
        .then([this, caller = next.caller](chat_reply& reply) { answer(*caller, std::move(reply)); },
              [this, caller = next.caller](const caf::error&) { answer(*caller, stopped_reply()); });
  }

  void answer(listener& caller, chat_reply reply) {
    caller.tell(std::move(reply));
    --open_;
    leave_when_done();
  }

  /// Nobody who asked is left without an answer.
  void leave_when_done() {
    if (leaving_ && open_ == 0)
      self_->quit(caf::exit_reason::user_shutdown);
  }

  door_actor::pointer self_;
  manager_actor manager_;
  std::size_t open_ = 0;
  bool leaving_ = false;
};

door_actor::behavior_type door(door_actor::stateful_pointer<door_state> self, manager_actor manager) {
  return self->state.begin(std::move(manager));
}

} // namespace

struct client::implementation {
  explicit implementation(runtime& keeper) : host(&keeper) {
    desk = host->manager();
    actor = host->system().spawn(door, desk);
  }
  explicit implementation(std::unique_ptr<runtime> kept) : implementation(*kept) { own = std::move(kept); }
  implementation(const implementation&) = delete;
  implementation& operator=(const implementation&) = delete;
  ~implementation() { stop(); }

  void stop() {
    // One stops, and who else wants to waits until it is done.
    const std::lock_guard alone(stopping);
    door_actor leaving;
    {
      const std::lock_guard hold(gate);
      leaving = std::exchange(actor, nullptr);
    }
    if (!leaving)
      return;
    if (own)
      own->stop();
    caf::scoped_actor self{host->system()};
    self->send_exit(leaving, caf::exit_reason::user_shutdown);
    self->wait_for(leaving);
  }

  void chat(chat_request request, std::function<void(chat_reply)> done) const {
    auto caller = std::make_shared<listener>(std::move(done));
    // Sent without the lock: what comes too late is answered right here, by the caller's own function.
    if (const door_actor to = open_door())
      caf::anon_send(to, door_call{std::move(request), std::move(caller)});
  }

  /// Null once weir has stopped: then the end has been told already.
  actors::stream_caller_actor stream(actors::stream_caller_state::question asked,
                                     actors::stream_caller_state::deltas_handler show,
                                     actors::stream_caller_state::end_handler done) const {
    auto* const loop = std::get_if<tool_request>(&asked);
    chat_request& request = loop != nullptr ? loop->request : std::get<chat_request>(asked);
    if (request.id.is_zero())
      request.id = host->make_call_id();
    if (open_door())
      return host->system().spawn(actors::stream_caller, desk, std::move(asked), std::move(show),
                                  std::move(done));
    tool_reply stopped;
    stopped.reply = stopped_reply();
    done(std::move(stopped));
    return {};
  }

  /// The door's actor; null once weir has stopped.
  door_actor open_door() const {
    const std::lock_guard hold(gate);
    return actor;
  }

  /// Asks the manager and waits.
  template <class Answer, class Question>
  result<Answer> ask(Question question) const {
    result<Answer> answer = make_failure(errc::cancelled, "weir has stopped");
    if (!open_door())
      return answer;
    caf::scoped_actor self{host->system()};
    self->request(desk, caf::infinite, std::move(question))
        .receive([&](Answer& told) { answer = std::move(told); },
                 [&](const caf::error& reason) { answer = to_failure(reason); });
    return answer;
  }

  std::unique_ptr<runtime> own;
  runtime* host;
  manager_actor desk;      ///< the host's manager; of its own, since the host forgets it when it stops
  door_actor actor;        ///< null: stopped
  mutable std::mutex gate; ///< over `actor`
  std::mutex stopping;
};

result<client> client::start(snapshot_ptr config, runtime_options options) {
  auto started = runtime::start(std::move(config), options);
  if (!started)
    return started.error();
  return client(std::make_unique<implementation>(std::move(*started)));
}

client::client(runtime& host) : impl_(std::make_unique<implementation>(host)) {}
client::client(std::unique_ptr<implementation> impl) : impl_(std::move(impl)) {}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

std::future<chat_reply> client::chat(chat_request request) {
  auto promise = std::make_shared<std::promise<chat_reply>>();
  auto answered = promise->get_future();
  chat(std::move(request), [promise](chat_reply reply) { promise->set_value(std::move(reply)); });
  return answered;
}

void client::chat(chat_request request, std::function<void(chat_reply)> done) {
  impl_->chat(std::move(request), std::move(done));
}

namespace {

using show_function = std::function<bool(const std::vector<chat_delta>&)>;

/// Null stays null.
actors::stream_caller_state::deltas_handler to_handler(show_function show) {
  if (!show)
    return nullptr;
  return [show = std::move(show)](const std::vector<chat_delta>& deltas) {
    return show(deltas) ? actors::sink_verdict::more : actors::sink_verdict::stop;
  };
}

} // namespace

std::future<chat_reply> client::stream(chat_request request, show_function show) {
  auto promise = std::make_shared<std::promise<chat_reply>>();
  auto answered = promise->get_future();
  impl_->stream(std::move(request), to_handler(std::move(show)),
                [promise](tool_reply told) { promise->set_value(std::move(told.reply)); });
  return answered;
}

std::future<tool_reply> client::call_with_tools(tool_request request, show_function show) {
  auto promise = std::make_shared<std::promise<tool_reply>>();
  auto answered = promise->get_future();
  impl_->stream(std::move(request), to_handler(std::move(show)),
                [promise](tool_reply told) { promise->set_value(std::move(told)); });
  return answered;
}

chat_stream client::open_stream(chat_request request) {
  auto shared = std::make_shared<chat_stream::implementation>();
  const auto caller = impl_->stream(
      std::move(request), [shared](std::vector<chat_delta> deltas) { return shared->put(std::move(deltas)); },
      [shared](tool_reply told) { shared->end(std::move(told.reply)); });
  shared->start(caller);
  return chat_stream(std::move(shared));
}

call_id client::make_call_id() const {
  return impl_->host->make_call_id();
}

void client::cancel(const call_id& id) {
  if (impl_->open_door())
    caf::anon_send(impl_->desk, cancel_call{id});
}

result<std::vector<usage_summary>> client::usage(const usage_filter& filter, const usage_grouping& grouping) {
  auto report = impl_->ask<usage_report>(usage_query{filter, false, grouping});
  if (!report)
    return report.error();
  return std::move(report->summaries);
}

result<std::vector<usage_summary>> client::usage_since_start() {
  auto report = impl_->ask<usage_report>(usage_query{{}, true, {}});
  if (!report)
    return report.error();
  return std::move(report->summaries);
}

result<std::map<currency, money_sum>> client::total_cost(const usage_filter& filter) {
  auto report = impl_->ask<cost_report>(weir::total_cost{filter});
  if (!report)
    return report.error();
  return std::move(report->cost);
}

result<void> client::record_usage(usage_record record) {
  if (auto done = impl_->ask<booked>(std::move(record)); !done)
    return done.error();
  return {};
}

result<std::uint64_t> client::export_usage(const std::filesystem::path& file, export_format format,
                                           const usage_filter& filter) {
  auto done = impl_->ask<exported>(weir::export_usage{filter, format, file});
  if (!done)
    return done.error();
  return done->records;
}

result<std::uint64_t> client::cleanup_usage(const retention_config& bounds) {
  auto done = impl_->ask<cleaned>(weir::cleanup_usage{bounds});
  if (!done)
    return done.error();
  return done->rows;
}

result<health_report> client::health(bool probe, const provider_name& provider) {
  return impl_->ask<health_report>(health_query{probe, provider});
}

void client::set_mode(run_mode mode) {
  if (impl_->open_door())
    caf::anon_send(impl_->desk, weir::set_mode{mode});
}

void client::stop() {
  impl_->stop();
}

} // namespace weir
