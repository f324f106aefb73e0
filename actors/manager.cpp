// The behaviour of the front desk.
#include "actors/manager.hpp"

#include "actors/log.hpp"
#include "actors/policy/routing.hpp"
#include "actors/promise_guard.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace weir::actors {

manager_actor::behavior_type manager(manager_actor::stateful_pointer<manager_state> self, services_ptr world,
                                     supervisor_actor supervisor, accumulator_actor books,
                                     snapshot_ptr config) {
  return self->state.begin(std::move(world), std::move(supervisor), std::move(books), std::move(config));
}

manager_actor::behavior_type manager_state::begin(services_ptr world, supervisor_actor supervisor,
                                                  accumulator_actor books, snapshot_ptr config) {
  world_ = std::move(world);
  supervisor_ = std::move(supervisor);
  books_ = std::move(books);
  config_ = std::move(config);
  return {
      [this](chat_request& request) { return perform(request); },
      [this](const health_query& question) { return check(question); },
      [this](usage_query& question) { return self_->delegate(books_, std::move(question)); },
      [this](const drain& order) { return self_->delegate(supervisor_, order); },
      [this](const snapshot_ptr& next) { adopt(next); },
  };
}

caf::result<chat_reply> manager_state::perform(chat_request& request) {
  const time_point begin = self_->clock().now();
  const auto unix_ms = std::chrono::floor<milliseconds>(world_->wall_clock()).time_since_epoch().count();
  call next;
  next.id = call_id{make_id128(static_cast<std::uint64_t>(unix_ms), world_->random(), world_->random())};
  auto way = policy::find_route(*config_, request);
  if (!way) {
    chat_reply refused;
    refused.model = request.model;
    refused.metadata.call = next.id;
    refused.error = std::move(way.error());
    return refused;
  }
  request.model = std::move(way->model);
  next.candidates = std::move(way->candidates);
  next.config = config_;
  next.begin = begin;
  next.deadline = begin + std::clamp(request.timeout.value_or(config_->limits.call_timeout), milliseconds{0},
                                     longest_wait);
  next.request = std::make_shared<const chat_request>(std::move(request));
  return self_->delegate(supervisor_, std::move(next));
}

/// The supervisor's report with the books' part filled in.
caf::typed_response_promise<health_report> manager_state::check(const health_query& question) {
  auto promise = self_->make_response_promise<health_report>();
  // Shared by the handlers, and kept also when they go with the actor.
  const auto answer = std::make_shared<promise_guard<health_report, caf::error>>(
      promise, [] { return to_error(make_failure(errc::cancelled, "weir has stopped")); });
  const auto failed = [answer](caf::error& reason) { answer->fail(std::move(reason)); };
  self_->request(supervisor_, caf::infinite, question)
      .then(
          [this, answer, failed, question](health_report& report) {
            self_->request(books_, caf::infinite, question)
                .then(
                    [answer, report](ledger_health& books) mutable {
                      report.ledger = std::move(books);
                      answer->deliver(std::move(report));
                    },
                    failed);
          },
          failed);
  return promise;
}

void manager_state::adopt(const snapshot_ptr& next) {
  config_ = next;
  self_->send(supervisor_, next);
  self_->send(books_, next);
  log().info("{} adopts version {} of the configuration", name, next->version);
}

} // namespace weir::actors
