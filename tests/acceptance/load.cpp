// The callers of a load.
#include "tests/acceptance/load.hpp"

#include "tests/acceptance/command.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <utility>

namespace weir::driving {

namespace {

using protocols::find_member;
using protocols::json_value;

/// Who was refused at once waits so long, as an agent that is told so would.
constexpr milliseconds pause_of_the_refused{5};

using load_caller = delta_sink::extend<caf::reacts_to<caf::tick_atom>>;

class caller_state {
public:
  explicit caller_state(load_caller::pointer self) : self_(self) {}

  load_caller::behavior_type begin(manager_actor manager, std::shared_ptr<load_run> run,
                                   std::function<call_id()> make_id) {
    manager_ = std::move(manager);
    run_ = std::move(run);
    make_id_ = std::move(make_id);
    self_->send(self_, caf::tick_atom::value);
    return {[](const delta_batch&) { return more_deltas{}; }, [this](caf::tick_atom) { call(); }};
  }

private:
  void call() {
    const std::uint64_t number = run_->begun.fetch_add(1);
    if (run_->stop || (run_->most != 0 && number >= run_->most)) {
      if (--run_->callers == 0)
        answer(run_->n, "\"ended\":true");
      return self_->quit();
    }
    const load_template& like = run_->chats[number % run_->chats.size()];
    chat_request request = like.request;
    name_ = run_->prefix + std::to_string(number);
    request.id = make_id_();
    request.tags.emplace_back("call", name_);
    request.messages.back() = make_message(role::user, name_ + " " + text_of(request.messages.back()));
    if (like.cancel_after.count() != 0)
      self_->delayed_send(manager_, like.cancel_after, cancel_call{request.id});
    const auto ended = [this](const chat_reply& reply) { end(reply); };
    const auto lost = [this](const caf::error& error) {
      answer(run_->n, "\"call\":" + json_text(name_) + ",\"lost\":" + json_text(to_failure(error).message));
      call_again(pause_of_the_refused);
    };
    if (request.stream)
      self_->request(manager_, caf::infinite, std::move(request), delta_sink(self_)).then(ended, lost);
    else
      self_->request(manager_, caf::infinite, std::move(request)).then(ended, lost);
  }

  void end(const chat_reply& reply) {
    std::string attempts;
    for (const attempt_info& each : reply.metadata.attempts)
      attempts += (attempts.empty() ? "[" : ",[") + json_text(to_string(each.id)) + "," +
                  json_text(each.provider.str()) + "," + json_text(to_string(each.error)) + "]";
    answer(run_->n, "\"call\":" + json_text(name_) + ",\"success\":" + (reply.success ? "true" : "false") +
                        ",\"error\":" + (reply.error ? json_text(to_string(reply.error->type)) : "null") +
                        ",\"attempts\":[" + attempts + "]");
    call_again(reply.success || !reply.metadata.attempts.empty() ? milliseconds{0} : pause_of_the_refused);
  }

  void call_again(milliseconds pause) {
    if (pause.count() == 0)
      self_->send(self_, caf::tick_atom::value);
    else
      self_->delayed_send(self_, pause, caf::tick_atom::value);
  }

  load_caller::pointer self_;
  manager_actor manager_;
  std::shared_ptr<load_run> run_;
  std::function<call_id()> make_id_;
  std::string name_;
};

load_caller::behavior_type begin_caller(load_caller::stateful_pointer<caller_state> self,
                                        manager_actor manager, std::shared_ptr<load_run> run,
                                        std::function<call_id()> make_id) {
  return self->state.begin(std::move(manager), std::move(run), std::move(make_id));
}

} // namespace

result<std::shared_ptr<load_run>> start_load(runtime& weir, std::uint64_t n, const json_value& load) {
  auto run = std::make_shared<load_run>();
  run->n = n;
  run->prefix = text_at(load, "prefix");
  run->most = count_at(load, "calls", 0);
  const auto* chats = find_member(load, "chats");
  if (chats == nullptr || !chats->IsArray() || chats->Empty())
    return make_failure(errc::invalid_request, "there is nothing to call", "chats");
  for (const json_value& each : chats->GetArray()) {
    auto request = read_request(each);
    if (!request)
      return request.error();
    run->chats.push_back({std::move(*request), milliseconds{count_at(each, "cancel_ms", 0)}});
  }
  run->callers = count_at(load, "callers", 1);
  for (std::uint64_t left = run->callers; left != 0; --left)
    weir.system().spawn(begin_caller, weir.manager(), run, [&weir] { return weir.make_call_id(); });
  return run;
}

} // namespace weir::driving
