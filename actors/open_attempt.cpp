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
  end(std::move(lost), began_);
}

void open_attempt::cancel() {
  cancelled_ = true;
  world_->network->cancel(exchange_);
}

void open_attempt::end(result<chat_reply> outcome, time_point now) {
  const auto latency = std::chrono::duration_cast<std::chrono::microseconds>(now - began_);
  const chat_request& request = *work_.request;
  const pricing* prices = setup_->prices_of(request.model);
  if (outcome) {
    outcome->metadata.provider = setup_->config.name;
    if (prices != nullptr)
      outcome->cost = cost_of(outcome->usage, *prices);
  } else {
    failure named = outcome.error();
    named.provider = setup_->config.name.str();
    outcome = std::move(named);
  }
  const policy::attempt_facts facts{work_.id, work_.call, work_.number, began_wall_, latency};
  // Anonymous, since this may run while the actor's state is being destroyed.
  caf::anon_send(books_, policy::make_record(facts, request, setup_->config.name,
                                             find_model(setup_->config, request.model), prices, outcome));
  answer_.deliver(attempt_end{std::move(outcome), latency});
}

} // namespace weir::actors
