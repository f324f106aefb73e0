// The behaviour of a provider: attempts in flight, and a door before them.
#include "actors/provider.hpp"

#include "actors/log.hpp"

#include <weir/tokens.hpp>

#include <caf/send.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace weir::actors {

namespace {

milliseconds until(time_point deadline, time_point now) {
  return std::chrono::ceil<milliseconds>(deadline - now);
}

/// For a provider that reports nothing: our own count of what was asked and said. What it did report of the
/// prompt stays, and so does the count of text that the stream let go.
void estimate_usage(chat_reply& reply, const chat_request& request) {
  const auto count = [&request](const std::string& text) {
    return estimate_tokens(text, request.model).tokens;
  };
  std::uint64_t kept = count(reply.content) + count(reply.reasoning);
  for (const tool_call& each : reply.tool_calls)
    kept += count(each.name) + count(each.arguments);
  token_usage& usage = reply.usage;
  if (usage.prompt_tokens == 0)
    usage.prompt_tokens = estimate_tokens(request).tokens;
  usage.completion_tokens =
      request.gather ? std::max(usage.completion_tokens, kept) : usage.completion_tokens + kept;
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
}

/// An exception would end the actor, and with it every other attempt.
failure thrown(const std::exception& error) {
  failure made = make_failure(errc::unknown, std::string("weir failed at this request: ") + error.what());
  made.retryable = false;
  return made;
}

result<http_request> encoded(const open_attempt& open) {
  try {
    return open.codec().encode_chat(*open.work().request);
  } catch (const std::exception& error) {
    return thrown(error);
  }
}

result<chat_reply> decoded(const open_attempt& open, const http_response& response,
                           std::chrono::sys_seconds today) {
  try {
    return open.codec().decode_chat(response, today);
  } catch (const std::exception& error) {
    failure made = thrown(error);
    made.fate = outcome::unknown;
    return made;
  }
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
  door_.emplace(setup_, now());
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
  self_->set_down_handler([this](caf::down_msg& death) { sink_ended(death); });
  return {
      [this](attempt& work) { return perform(work); },
      [this](const cancel_attempt& which) {
        cancel(which.id, make_failure(errc::cancelled, "the attempt was cancelled"));
      },
      [this](const provider_probe& question) { return check(question); },
      [this](const set_mode& order) { change_mode(order.mode); },
      [this](const snapshot_ptr& config) { adopt(*config); },
      [this](inbox_filled) {
        for (exchange_news& each : inbox_->take())
          hear(each);
      },
      [this](probe_end& done) { probed(done); },
      [this](tick) {
        ticker_.arrived(now());
        look();
      },
  };
}

open_attempt::promise provider_state::perform(attempt& work) {
  auto answer = self_->make_response_promise<attempt_end>();
  auto open = std::make_unique<open_attempt>(std::move(work), answer, setup_, world_, books_, now());
  watch_sink(*open);
  if (offline_) {
    finish(std::move(open), is_offline());
  } else if (auto refused = door_->refuse(*open, now())) {
    finish(std::move(open), std::move(*refused));
  } else if (door_->begin(*open, now())) {
    launch(std::move(open));
  } else {
    if (auto [other, why] = door_->wait(std::move(open), now()); other)
      finish(std::move(other), std::move(why));
    fill_places();
  }
  return answer;
}

/// What is sent must be in the books before: encoded first, so that what cannot be said leaves no trace
/// there.
void provider_state::launch(attempt_ptr open) {
  if (now() >= open->work().deadline)
    return finish(std::move(open), out_of_time());
  if (auto refused = open->check_cost())
    return finish(std::move(open), std::move(*refused));
  auto request = encoded(*open);
  if (!request)
    return finish(std::move(open), std::move(request.error()));
  open_attempt& entry = *in_flight_.emplace(open->work().id, std::move(open)).first->second;
  note(entry, std::move(*request));
}

/// Has the intent booked. What happens to the attempt meanwhile, `send` will see.
void provider_state::note(open_attempt& open, http_request request) {
  const auto held = std::make_shared<http_request>(std::move(request));
  ticker_.arm(self_, open.work().deadline);
  self_->request(books_, caf::infinite, open.intent())
      .then([this, id = open.work().id, held](booked) { send(id, std::move(*held)); },
            [this, id = open.work().id](caf::error& reason) { refused(id, to_failure(reason)); });
}

void provider_state::send(const attempt_id& id, http_request request) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end())
    return; // it has been cancelled
  open_attempt& open = *found->second;
  const provider_config& asked = open.setup().config;
  const bool streamed = open.work().request->stream;
  const time_point end =
      std::min(open.work().deadline, open.place()->at + (streamed ? asked.stream_timeout : asked.timeout));
  const milliseconds left = until(end, now());
  if (offline_)
    return refused(id, is_offline());
  if (left <= milliseconds{0})
    return refused(id, out_of_time());
  open.sent_as(streamed ? send_stream(open, std::move(request), left)
                        : send_whole(open, std::move(request), left));
}

/// Nothing of it has been sent, and nothing will be.
void provider_state::refused(const attempt_id& id, failure why) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end())
    return;
  attempt_ptr open = std::move(found->second);
  in_flight_.erase(found);
  why.fate = outcome::not_sent;
  finish(std::move(open), std::move(why));
  fill_places();
}

transport::exchange_id provider_state::send_whole(const open_attempt& open, http_request request,
                                                  milliseconds limit) {
  // The handle keeps us alive until our exchanges have ended.
  auto home = caf::actor_cast<provider_impl>(self_);
  return world_->network->post(
      open.setup().endpoint, std::move(request), limit,
      [home = std::move(home), inbox = inbox_, id = open.work().id](transport::exchange done) {
        if (inbox->add({id, std::move(done)}))
          caf::anon_send(home, inbox_filled{});
      });
}

void provider_state::fill_places() {
  while (attempt_ptr next = door_->next(now()))
    launch(std::move(next));
  if (const time_point due = door_->look_at(now()); due != time_point::max())
    ticker_.arm(self_, due);
}

void provider_state::finish(attempt_ptr open, result<chat_reply> outcome) {
  if (open->draining())
    --draining_;
  else
    forget_sink(*open);
  const bool other_key = door_->ended(*open, outcome, now());
  if (!outcome)
    health_.last_error = outcome.error();
  open->end(std::move(outcome), now(), other_key);
}

/// What comes for an attempt that has ended is passed over.
void provider_state::hear(exchange_news& news) {
  if (auto* const piece = std::get_if<stream_piece>(&news.what))
    return received(news.id, *piece);
  const auto found = in_flight_.find(news.id);
  if (found == in_flight_.end())
    return;
  if (auto* const head = std::get_if<stream_head>(&news.what)) {
    open_attempt& open = *found->second;
    door_->learn(open, head->response.fields, today(), now());
    open.stream()->begin(open.codec().decode_stream(std::move(head->response), today()));
    return;
  }
  attempt_ptr open = std::move(found->second);
  in_flight_.erase(found);
  exchanged(std::move(open), std::get<transport::exchange>(news.what));
}

void provider_state::exchanged(attempt_ptr open, transport::exchange& done) {
  if (!done.response) {
    failure error = std::move(done.response.error());
    if (open->cancelled()) {
      const outcome fate = error.fate;
      error = *open->cancelled();
      error.fate = fate;
    } else if (open->has_delivered()) {
      push(*open, true); // what is told as partial is what was shown
    }
    finish(std::move(open), std::move(error));
    return fill_places();
  }
  // Also when it was cancelled a moment before: what was answered is booked as it is.
  open_stream* const stream = open->stream();
  if (stream == nullptr || !stream->has_begun())
    door_->learn(*open, done.response->fields, today(), now());
  if (stream != nullptr) {
    stream->begin(open->codec().decode_stream(std::move(*done.response), today()));
    finish_stream(std::move(open));
  } else {
    auto reply = decoded(*open, *done.response, today());
    answered(std::move(open), std::move(reply));
  }
  fill_places();
}

void provider_state::answered(attempt_ptr open, result<chat_reply> reply) {
  if (reply && reply->usage.source == metering::estimated)
    estimate_usage(*reply, *open->work().request);
  finish(std::move(open), std::move(reply));
}

void provider_state::cancel(const attempt_id& id, const failure& why) {
  if (const auto found = in_flight_.find(id); found != in_flight_.end()) {
    if (!found->second->is_sent())
      return refused(id, why);
    return give_up(*found->second, why);
  }
  for (attempt_ptr& open : door_->withdraw([&](const open_attempt& one) { return one.work().id == id; }))
    finish(std::move(open), why);
}

void provider_state::look() {
  for (auto& [open, why] : door_->expire(now()))
    finish(std::move(open), std::move(why));
  fill_places();
  expire_unsent();
  expire_first_tokens();
  end_drains();
}

/// Ends the attempts whose intent is not on the disk yet when their time is over.
void provider_state::expire_unsent() {
  std::vector<attempt_id> late;
  time_point next = time_point::max();
  for (const auto& [id, open] : in_flight_) {
    if (open->is_sent())
      continue;
    if (open->work().deadline <= now())
      late.push_back(id);
    else
      next = std::min(next, open->work().deadline);
  }
  for (const attempt_id& id : late)
    refused(id, out_of_time());
  if (next != time_point::max())
    ticker_.arm(self_, next);
}

/// What is on the wire ends as it does; what waits is ended.
void provider_state::change_mode(run_mode mode) {
  offline_ = mode == run_mode::offline;
  if (offline_)
    end_waiting(is_offline());
}

void provider_state::end_waiting(const failure& why) {
  for (attempt_ptr& open : door_->withdraw([](const open_attempt&) { return true; }))
    finish(std::move(open), why);
}

failure provider_state::is_offline() {
  return make_failure(errc::offline, "weir is offline");
}

void provider_state::adopt(const snapshot& config) {
  const provider_config* mine = config.find(setup_->config.name);
  if (mine == nullptr || !mine->enabled)
    return end_waiting(make_failure(errc::overloaded, "the provider was taken out of the configuration"));
  auto next = make_setup(config, *mine, setup_.get());
  if (!next) {
    log().error("{} '{}' keeps its old configuration: {}", name, setup_->config.name.str(),
                to_string(next.error()));
    return;
  }
  setup_ = std::move(*next);
  door_->adopt(setup_, now());
  fill_places();
}

} // namespace weir::actors
