// The behaviour of the front desk.
#include "actors/manager.hpp"

#include "actors/log.hpp"
#include "actors/policy/routing.hpp"
#include "actors/price_keeper.hpp"
#include "actors/promise_guard.hpp"

#include <weir/tokens.hpp>
#include <weir/validation.hpp>

#include <caf/send.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace weir::actors {

namespace {

/// Whether a request is too long for a model. An estimate alone refuses only what is far too long.
std::optional<failure> too_long(const chat_request& request, const token_count& prompt,
                                const model_config* model) {
  if (model == nullptr || model->context_window == 0)
    return std::nullopt;
  const std::uint64_t wanted = prompt.tokens + request.max_tokens.value_or(1);
  const std::uint64_t room = prompt.exact ? model->context_window : 2ULL * model->context_window;
  if (wanted <= room)
    return std::nullopt;
  return make_failure(errc::token_limit,
                      "the request has " + std::string(prompt.exact ? "" : "about ") +
                          std::to_string(prompt.tokens) + " tokens and may be answered by " +
                          std::to_string(request.max_tokens.value_or(1)) + ", but the model has room for " +
                          std::to_string(model->context_window) + " (context_window)",
                      "messages");
}

/// What is wrong with a request before a byte is sent. Drops the candidates for whose model it is too long.
std::optional<failure> unsendable(const chat_request& request, const snapshot& config,
                                  std::vector<route_candidate>& candidates) {
  if (const auto faults = validate(request, policy::model_at(config, candidates.front())); !faults.empty())
    return to_failure(faults);
  const bool bounded = std::ranges::any_of(candidates, [&](const route_candidate& each) {
    const model_config* const model = policy::model_at(config, each);
    return model != nullptr && model->context_window != 0;
  });
  if (!bounded)
    return std::nullopt;
  const token_count prompt = estimate_tokens(request);
  std::optional<failure> first;
  std::erase_if(candidates, [&](const route_candidate& each) {
    auto why = too_long(request, prompt, policy::model_at(config, each));
    if (why && !first)
      first = why;
    return why.has_value();
  });
  return candidates.empty() ? first : std::nullopt;
}

} // namespace

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
  self_->set_down_handler([this](const caf::down_msg& death) {
    if (prices_ && prices_.address() == death.source) {
      log().error("{} has lost its price keeper; the prices stay as they are", name);
      prices_ = nullptr;
    }
    std::erase_if(loops_, [&](const auto& entry) { return entry.second.address() == death.source; });
  });
  keep_prices();
  return {
      [this](chat_request& request) { return perform(request, delta_sink()); },
      [this](chat_request& request, delta_sink& sink) {
        request.stream = true;
        return perform(request, std::move(sink));
      },
      [this](tool_request& request) { return perform(request, delta_sink()); },
      [this](tool_request& request, delta_sink& sink) { return perform(request, std::move(sink)); },
      [this](const cancel_call& which) { cancel(which); },
      [this](const health_query& question) { return check(question); },
      [this](usage_record& record) { return self_->delegate(books_, std::move(record)); },
      [this](usage_query& question) { return self_->delegate(books_, std::move(question)); },
      [this](model_usage& question) { return self_->delegate(books_, std::move(question)); },
      [this](total_cost& question) { return self_->delegate(books_, std::move(question)); },
      [this](export_usage& order) { return self_->delegate(books_, std::move(order)); },
      [this](cleanup_usage& order) { return self_->delegate(books_, std::move(order)); },
      [this](const drain& order) { return self_->delegate(supervisor_, order); },
      [this](const set_mode& order) {
        self_->send(supervisor_, order);
        if (prices_)
          self_->send(prices_, order);
      },
      [this](const refresh_prices&) { return refresh(); },
      [this](const new_prices& fresh) { adopt(fresh); },
      [this](const snapshot_ptr& next) { adopt(next); },
  };
}

caf::result<chat_reply> manager_state::perform(chat_request& request, delta_sink sink) {
  const time_point begin = self_->clock().now();
  const auto unix_ms = std::chrono::floor<milliseconds>(world_->wall_clock()).time_since_epoch().count();
  call next;
  next.id = request.id;
  if (next.id.is_zero())
    next.id = call_id{make_id128(static_cast<std::uint64_t>(unix_ms), world_->random(), world_->random())};
  next.sink = std::move(sink);
  const auto refuse = [&](failure why) {
    chat_reply refused;
    refused.model = request.model;
    refused.metadata.call = next.id;
    refused.error = std::move(why);
    return refused;
  };
  auto way = policy::find_route(*config_, request);
  if (!way)
    return refuse(std::move(way.error()));
  request.model = std::move(way->model);
  if (auto fault = unsendable(request, *config_, way->candidates))
    return refuse(std::move(*fault));
  next.route = way->by;
  next.candidates = std::move(way->candidates);
  next.config = config_;
  next.begin = begin;
  next.deadline = begin + std::clamp(request.timeout.value_or(config_->limits.call_timeout), milliseconds{0},
                                     longest_wait);
  next.request = std::make_shared<const chat_request>(std::move(request));
  return self_->delegate(supervisor_, std::move(next));
}

caf::result<tool_reply> manager_state::perform(tool_request& request, delta_sink sink) {
  const auto loop = self_->spawn(tool_loop, manager_actor(self_));
  if (!request.request.id.is_zero()) {
    self_->monitor(loop);
    loops_.insert_or_assign(request.request.id, loop);
  }
  if (!request.request.timeout)
    request.request.timeout = config_->limits.call_timeout;
  return self_->delegate(loop, std::move(request), std::move(sink));
}

void manager_state::cancel(const cancel_call& which) {
  if (const auto loop = loops_.find(which.id); loop != loops_.end())
    self_->send(loop->second, which);
  self_->send(supervisor_, which);
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

void install_vocabularies(const snapshot& config) {
  for (const vocabulary_file& each : config.vocabularies)
    install_vocabulary(each.vocabulary);
}

void manager_state::adopt(snapshot_ptr next) {
  // A snapshot from a file knows no prices: those that are known stay, until there are others.
  if (!next->prices && !next->price_source.source.empty() && config_->prices) {
    auto priced = std::make_shared<snapshot>(*next);
    priced->prices = config_->prices;
    next = std::move(priced);
  }
  config_ = std::move(next);
  install_vocabularies(*config_);
  pass_on();
  keep_prices();
  log().info("{} adopts version {} of the configuration", name, config_->version);
}

void manager_state::adopt(const new_prices& fresh) {
  if (config_->price_source.source.empty())
    return;
  auto next = std::make_shared<snapshot>(*config_);
  next->prices = fresh.book;
  config_ = std::move(next);
  pass_on();
}

void manager_state::pass_on() {
  self_->send(supervisor_, config_);
  self_->send(books_, config_);
}

/// Has a price keeper where there is a list to keep, and none where there is none.
void manager_state::keep_prices() {
  const bool wanted = !config_->price_source.source.empty() && config_->cost_tracking;
  if (!wanted && prices_) {
    self_->demonitor(prices_.address());
    self_->send_exit(prices_, caf::exit_reason::user_shutdown);
    prices_ = nullptr;
  } else if (wanted && prices_) {
    self_->send(prices_, config_);
  } else if (wanted) {
    prices_ = self_->spawn(price_keeper, world_, manager_actor(self_), config_);
    self_->monitor(prices_);
  }
}

caf::result<price_report> manager_state::refresh() {
  keep_prices(); // one that died is started anew
  if (!prices_)
    return to_error(make_failure(errc::config, "no price list is configured", "llm.prices.source"));
  return self_->delegate(prices_, refresh_prices{});
}

} // namespace weir::actors
