// Streams of a provider: bytes to deltas, deltas to sinks, credit back to the network.
#include "actors/provider.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace weir::actors {

namespace {

/// Within what the first token must come, and the key that says so.
struct first_token_bound {
  milliseconds time;
  const char* key;
};

first_token_bound first_token_limit(const provider_config& config) {
  return config.first_token_timeout.count() > 0
             ? first_token_bound{config.first_token_timeout, "first_token_timeout"}
             : first_token_bound{config.timeout, "timeout"};
}

} // namespace

transport::exchange_id provider_state::send_stream(open_attempt& open, http_request request,
                                                   milliseconds limit) {
  const time_point first_token_by = now() + std::min(first_token_limit(open.setup().config).time, limit);
  open.start_stream(first_token_by);
  ticker_.arm(self_, first_token_by);
  auto home = caf::actor_cast<provider_impl>(self_);
  return world_->network->stream(
      open.setup().endpoint, std::move(request), limit,
      std::make_shared<inbox_receiver>(inbox_, open.work().id,
                                       [home = std::move(home)] { caf::anon_send(home, inbox_filled{}); }));
}

void provider_state::received(const attempt_id& id, stream_piece& piece) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end() || !found->second->stream()->has_begun())
    return;
  open_attempt& open = *found->second;
  if (open.stream()->feed(piece.bytes, now())) {
    if (!open.cancelled())
      if (auto over = open.over_ceiling())
        return open.cancel(std::move(*over));
    // What comes too late is not shown, so that another attempt can still answer.
    if (!open.cancelled() || open.has_delivered())
      push(open, false);
    return;
  }
  // The stream's end mark, or its failure: what may still come is of no interest.
  attempt_ptr ended = std::move(found->second);
  in_flight_.erase(found);
  world_->network->release(ended->exchange());
  finish_stream(std::move(ended));
  fill_places();
}

/// Sends what the sink's credit allows, and lets the network read on.
void provider_state::push(open_attempt& open, bool last) {
  if (open.abandoned() && !open.draining()) // it will end in a moment
    return;
  open_stream& stream = *open.stream();
  if (auto batch = stream.take_batch(last))
    self_->request(stream.sink(), caf::infinite, std::move(*batch))
        .then([this, id = open.work().id](more_deltas) { sink_answered(id); },
              [this, id = open.work().id](const caf::error& reason) {
                if (const auto found = in_flight_.find(id); found != in_flight_.end())
                  give_up(*found->second, make_failure(errc::cancelled, "the sink takes no more: " +
                                                                            to_failure(reason).message));
              });
  if (const std::size_t bytes = stream.take_grant(); bytes != 0)
    world_->network->grant(open.exchange(), bytes);
}

void provider_state::sink_answered(const attempt_id& id) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end())
    return;
  found->second->stream()->answered();
  push(*found->second, false);
}

void provider_state::finish_stream(attempt_ptr open) {
  auto reply = open->stream()->finish(now());
  // While nothing has reached the sink, another attempt can still answer.
  if (reply || open->stream()->delivered())
    push(*open, true);
  answered(std::move(open), std::move(reply));
}

void provider_state::expire_first_tokens() {
  const time_point at = now();
  time_point next = time_point::max();
  for (const auto& [id, open] : in_flight_) {
    const open_stream* const stream = open->stream();
    if (stream == nullptr || open->cancelled() || open->draining())
      continue;
    if (const auto [time, key] = first_token_limit(open->setup().config); stream->first_token_by() <= at)
      open->cancel(make_failure(errc::timeout,
                                "no token within " + std::to_string(time.count()) + " ms (" + key + ")"));
    else
      next = std::min(next, stream->first_token_by());
  }
  if (next != time_point::max())
    ticker_.arm(self_, next);
}

/// A stream that is well under way tells at its end what it used, if somebody reads it.
bool provider_state::may_drain(const open_attempt& open) const {
  const provider_setup& mine = *setup_;
  return world_->ledger && mine.cancel_drain_time.count() > 0 && draining_ < mine.max_draining &&
         open.abandoned() && !open.cancelled() && open.stream() != nullptr && open.stream()->has_begun();
}

/// Nobody wants the rest of it.
void provider_state::give_up(open_attempt& open, const failure& why) {
  open.abandon();
  if (open.draining())
    return;
  if (may_drain(open))
    drain(open, why);
  else
    open.cancel(why); // the network tells its end
}

void provider_state::drain(open_attempt& open, const failure& why) {
  ++draining_;
  forget_sink(open);
  open.drain(why, now(), now() + setup_->cancel_drain_time);
  ticker_.arm(self_, open.drain_until());
  push(open, false); // what the sink held up may come now
}

/// Who has not told his usage in time is cut off, and booked by our own count.
void provider_state::end_drains() {
  const time_point at = now();
  time_point next = time_point::max();
  for (const auto& [id, open] : in_flight_) {
    if (!open->draining() || open->cancelled())
      continue;
    if (open->drain_until() <= at)
      open->cancel(
          make_failure(errc::cancelled, "the call was cancelled, and its stream did not end in time"));
    else
      next = std::min(next, open->drain_until());
  }
  if (next != time_point::max())
    ticker_.arm(self_, next);
}

void provider_state::sink_ended(const caf::down_msg& death) {
  sinks_.erase(death.source);
  const failure why = make_failure(errc::cancelled, "the sink of the stream has ended");
  const auto fed_it = [&](const open_attempt& open) {
    return open.work().sink && open.work().sink.address() == death.source;
  };
  std::vector<attempt_id> unsent; // the books have yet to let them in
  for (const auto& [id, open] : in_flight_) {
    const open_stream* const stream = open->stream();
    if (stream != nullptr && stream->sink() && stream->sink().address() == death.source)
      give_up(*open, why);
    else if (!open->is_sent() && fed_it(*open))
      unsent.push_back(id);
  }
  for (const attempt_id& id : unsent)
    refused(id, why);
  for (attempt_ptr& open : door_->withdraw(fed_it))
    finish(std::move(open), why);
}

void provider_state::watch_sink(const open_attempt& open) {
  if (open.work().sink && sinks_[open.work().sink.address()]++ == 0)
    self_->monitor(open.work().sink);
}

void provider_state::forget_sink(const open_attempt& open) {
  if (!open.work().sink)
    return;
  const auto found = sinks_.find(open.work().sink.address());
  if (found == sinks_.end() || --found->second != 0)
    return;
  self_->demonitor(found->first);
  sinks_.erase(found);
}

} // namespace weir::actors
