// The plain doorway: an actor that asks the manager on behalf of those who are none.
#include <weir/client.hpp>

#include <weir/runtime.hpp>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace weir {

namespace {

/// A call and whom to tell. Shared, since a message must be copyable; moved out by the one who gets it.
struct door_call {
  chat_request request;
  std::function<void(chat_reply)> done;
};

chat_reply stopped_reply(const std::string& why) {
  chat_reply reply;
  reply.error = make_failure(errc::cancelled, why);
  return reply;
}

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
    auto done = std::make_shared<std::function<void(chat_reply)>>(std::move(next.done));
    self_->request(manager_, caf::infinite, std::move(next.request))
        .then([this, done](chat_reply& reply) { answer(*done, std::move(reply)); },
              [this, done](const caf::error&) { answer(*done, stopped_reply("weir has stopped")); });
  }

  void answer(const std::function<void(chat_reply)>& done, chat_reply reply) {
    done(std::move(reply));
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
    actor = host->system().spawn(door, host->manager());
  }
  explicit implementation(std::unique_ptr<runtime> kept) : implementation(*kept) { own = std::move(kept); }
  implementation(const implementation&) = delete;
  implementation& operator=(const implementation&) = delete;
  ~implementation() { stop(); }

  void stop() {
    if (!actor)
      return;
    if (own)
      own->stop();
    {
      caf::scoped_actor self{host->system()};
      self->send_exit(actor, caf::exit_reason::user_shutdown);
      self->wait_for(actor);
    }
    actor = nullptr;
  }

  /// Asks the manager and waits.
  template <class Answer, class Question>
  result<Answer> ask(Question question) const {
    if (!actor)
      return make_failure(errc::cancelled, "weir has stopped");
    result<Answer> answer = failure{};
    caf::scoped_actor self{host->system()};
    self->request(host->manager(), caf::infinite, std::move(question))
        .receive([&](Answer& told) { answer = std::move(told); },
                 [&](const caf::error& reason) { answer = to_failure(reason); });
    return answer;
  }

  std::unique_ptr<runtime> own;
  runtime* host;
  door_actor actor;
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
  if (impl_->actor)
    caf::anon_send(impl_->actor, door_call{std::move(request), std::move(done)});
  else
    done(stopped_reply("weir has stopped"));
}

result<std::vector<usage_summary>> client::usage(const usage_filter& filter) {
  auto report = impl_->ask<usage_report>(usage_query{filter, false});
  if (!report)
    return report.error();
  return std::move(report->summaries);
}

result<health_report> client::health(bool probe) {
  return impl_->ask<health_report>(health_query{probe});
}

void client::stop() {
  impl_->stop();
}

} // namespace weir
