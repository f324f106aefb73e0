// Booking and answering of one attempt.
#include "actors/open_attempt.hpp"

#include "actors/policy/booking.hpp"

#include <caf/send.hpp>

#include <utility>

namespace weir::actors {

open_attempt::open_attempt(attempt work, promise answer, setup_ptr setup, services_ptr world,
                           accumulator_actor books, time_point now)
    : work_(std::move(work)), answer_(std::move(answer)), setup_(std::move(setup)), world_(std::move(world)),
      books_(std::move(books)), began_(now), began_wall_(world_->wall_clock()) {}

open_attempt::~open_attempt() {
  if (!answer_.pending())
    return;
  // Nobody will read its end, and it would hold a connection until then.
  world_->network->cancel(exchange_);
  failure lost = make_failure(errc::network, "the provider's actor ended before the attempt did");
  lost.fate = exchange_ == 0 ? outcome::not_sent : outcome::unknown;
  answer_lost_ = true;
  end(std::move(lost), began_);
}

void open_attempt::cancel(failure why) {
  if (!cancelled_)
    cancelled_ = std::move(why);
  world_->network->cancel(exchange_);
}

void open_attempt::end(result<chat_reply> outcome, time_point now, bool other_key) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto latency = duration_cast<microseconds>(now - began_);
  const chat_request& request = *work_.request;
  const priced by = setup_->prices_of(request.model, began_wall_);
  if (outcome) {
    outcome->metadata.provider = setup_->config.name;
    if (by.prices != nullptr) {
      if (by.prices->image_fee != 0)
        outcome->usage.images = policy::images_in(request);
      outcome->cost = cost_of(outcome->usage, *by.prices);
    }
  } else {
    failure named = outcome.error();
    named.provider = setup_->config.name.str();
    outcome = std::move(named);
  }
  policy::attempt_facts facts{work_.id, work_.call, work_.number, began_wall_, latency, {}, {}};
  if (stream_) {
    facts.seen = stream_->usage();
    if (stream_->first_token())
      facts.first_token = duration_cast<microseconds>(*stream_->first_token() - began_);
    if (outcome)
      outcome->metadata.first_token = facts.first_token;
  }
  // Anonymous, since this may run while the actor's state is being destroyed.
  caf::anon_send(books_, policy::make_record(facts, request, setup_->config.name,
                                             find_model(setup_->config, request.model), by, outcome));
  attempt_end told;
  if (stream_) {
    told.delivered = stream_->delivered();
    told.first_token = facts.first_token;
    if (!outcome) {
      told.partial = stream_->partial();
      told.resumable = stream_->resumable();
    }
  }
  told.outcome = std::move(outcome);
  told.latency = latency;
  const bool held_up = stream_ && stream_->waits() && !told.outcome &&
                       told.outcome.error().type == errc::timeout; // by the sink
  told.blameless = !place_ || exchange_ == 0 || answer_lost_ || held_up;
  told.other_key = other_key;
  answer_.deliver(std::move(told));
}

} // namespace weir::actors
