// The behaviour of a provider: a bounded set of attempts in flight, a bounded queue before it.
#include "actors/provider.hpp"

#include "actors/log.hpp"
#include "protocols/estimate.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace weir::actors {

namespace {

milliseconds until(time_point deadline, time_point now) {
  return std::chrono::ceil<milliseconds>(deadline - now);
}

failure out_of_time() {
  return make_failure(errc::timeout, "the call's deadline passed before the request could be sent");
}

} // namespace

provider_impl::behavior_type provider(provider_impl::stateful_pointer<provider_state> self,
                                      services_ptr world, accumulator_actor books, setup_ptr setup) {
  return self->state.begin(std::move(world), std::move(books), std::move(setup));
}

provider_impl::behavior_type provider_state::begin(services_ptr world, accumulator_actor books,
                                                   setup_ptr setup) {
  world_ = std::move(world);
  books_ = std::move(books);
  setup_ = std::move(setup);
  health_.name = setup_->config.name;
  // An exception ends the actor whatever is done here; this gives its end a reason that can be read.
  self_->set_exception_handler([](std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      return to_error(make_failure(errc::unknown, error.what()));
    } catch (...) {
      return to_error(make_failure(errc::unknown, "an exception of unknown type"));
    }
  });
  return {
      [this](attempt& work) { return perform(work); },
      [this](const cancel_attempt& which) { cancel(which.id); },
      [this](const provider_probe& question) { return check(question); },
      [this](const snapshot_ptr& config) { adopt(*config); },
      [this](exchanges_ended) {
        for (exchange_end& each : inbox_->take())
          exchanged(each);
      },
      [this](probe_end& done) { probed(done); },
      [this](tick) {
        ticker_.arrived(now());
        expire_queue();
      },
  };
}

open_attempt::promise provider_state::perform(attempt& work) {
  auto answer = self_->make_response_promise<attempt_end>();
  auto open = std::make_unique<open_attempt>(std::move(work), answer, setup_, world_, books_, now());
  if (in_flight_.size() < setup_->config.max_concurrency) {
    launch(std::move(open));
  } else if (queue_.size() < setup_->config.max_queue) {
    ticker_.arm(self_, open->work().deadline);
    queue_.push_back(std::move(open));
  } else {
    finish(std::move(open), make_failure(errc::overloaded, "the provider's queue is full", "max_queue"));
  }
  return answer;
}

void provider_state::launch(attempt_ptr open) {
  const provider_setup& setup = open->setup();
  const milliseconds left = std::min(setup.config.timeout, until(open->work().deadline, now()));
  if (left <= milliseconds{0})
    return finish(std::move(open), out_of_time());
  auto request = setup.codec->encode_chat(*open->work().request);
  if (!request)
    return finish(std::move(open), std::move(request.error()));
  const attempt_id id = open->work().id;
  open_attempt& entry = *in_flight_.emplace(id, std::move(open)).first->second;
  // The handle keeps us alive until our exchanges have ended.
  auto home = caf::actor_cast<provider_impl>(self_);
  entry.sent_as(world_->network->post(setup.endpoint, std::move(*request), left,
                                      [home = std::move(home), inbox = inbox_, id](transport::exchange done) {
                                        if (inbox->add({id, std::move(done)}))
                                          caf::anon_send(home, exchanges_ended{});
                                      }));
}

void provider_state::fill_places() {
  while (!queue_.empty() && in_flight_.size() < setup_->config.max_concurrency) {
    attempt_ptr next = std::move(queue_.front());
    queue_.pop_front();
    launch(std::move(next));
  }
}

void provider_state::finish(attempt_ptr open, result<chat_reply> outcome) {
  if (!outcome)
    health_.last_error = outcome.error();
  open->end(std::move(outcome), now());
}

void provider_state::exchanged(exchange_end& done) {
  auto found = in_flight_.extract(done.id);
  if (found.empty())
    return;
  attempt_ptr open = std::move(found.mapped());
  if (!done.exchange.response) {
    failure error = std::move(done.exchange.response.error());
    if (open->cancelled()) {
      error.type = errc::cancelled;
      error.retryable = false;
    }
    finish(std::move(open), std::move(error));
  } else { // also when it was cancelled a moment before: what was answered is booked as it is
    auto reply = open->setup().codec->decode_chat(*done.exchange.response, today());
    if (reply && reply->usage.source == metering::estimated) {
      reply->usage.prompt_tokens = protocols::estimate_prompt_tokens(*open->work().request);
      reply->usage.total_tokens = reply->usage.prompt_tokens + reply->usage.completion_tokens;
    }
    finish(std::move(open), std::move(reply));
  }
  fill_places();
}

void provider_state::cancel(const attempt_id& id) {
  if (const auto found = in_flight_.find(id); found != in_flight_.end())
    return found->second->cancel(); // the network tells its end
  const auto queued =
      std::ranges::find_if(queue_, [&](const attempt_ptr& open) { return open->work().id == id; });
  if (queued == queue_.end())
    return;
  attempt_ptr open = std::move(*queued);
  queue_.erase(queued);
  finish(std::move(open), make_failure(errc::cancelled, "the attempt was cancelled"));
}

void provider_state::expire_queue() {
  const auto late = [now = now()](const attempt_ptr& open) { return open->work().deadline <= now; };
  for (attempt_ptr& open : queue_)
    if (late(open))
      finish(std::exchange(open, nullptr), out_of_time());
  std::erase(queue_, nullptr);
  const auto next =
      std::ranges::min_element(queue_, {}, [](const attempt_ptr& open) { return open->work().deadline; });
  if (next != queue_.end())
    ticker_.arm(self_, (*next)->work().deadline);
}

provider_state::health_promise provider_state::check(const provider_probe& question) {
  auto answer = self_->make_response_promise<provider_health>();
  health_.in_flight = static_cast<std::uint32_t>(in_flight_.size());
  health_.queued = static_cast<std::uint32_t>(queue_.size());
  if (!question.active) {
    answer.deliver(health_);
    return answer;
  }
  const std::uint64_t number = ++last_probe_;
  probes_.emplace(number, promise_guard<provider_health>{answer, [] { return provider_health{}; }});
  auto home = caf::actor_cast<provider_impl>(self_);
  world_->network->post(setup_->endpoint, setup_->codec->encode_models(), setup_->config.timeout,
                        [home = std::move(home), number](transport::exchange done) {
                          caf::anon_send(home, probe_end{number, std::move(done)});
                        });
  return answer;
}

void provider_state::probed(probe_end& done) {
  auto found = probes_.extract(done.number);
  if (found.empty())
    return;
  provider_health seen = health_;
  seen.probe_latency = done.exchange.total;
  if (!done.exchange.response)
    seen.probe_error = std::move(done.exchange.response.error());
  else if (auto verdict = setup_->codec->decode_models(*done.exchange.response, today()); !verdict)
    seen.probe_error = std::move(verdict.error());
  seen.reachable = !seen.probe_error;
  if (seen.probe_error)
    seen.probe_error->provider = seen.name.str();
  found.mapped().deliver(std::move(seen));
}

void provider_state::adopt(const snapshot& config) {
  const provider_config* mine = config.find(setup_->config.name);
  if (mine == nullptr)
    return; // the supervisor stops us
  auto next = make_setup(config, *mine, setup_.get());
  if (!next) {
    log().error("{} '{}' keeps its old configuration: {}", name, setup_->config.name.str(),
                to_string(next.error()));
    return;
  }
  setup_ = std::move(*next);
  fill_places();
}

} // namespace weir::actors
