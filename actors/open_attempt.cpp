// Booking and answering of one attempt.
#include "actors/open_attempt.hpp"

#include <weir/tokens.hpp>

#include <caf/send.hpp>

#include <utility>

namespace weir::actors {

using std::chrono::microseconds;

open_attempt::open_attempt(attempt work, promise answer, setup_ptr setup, services_ptr world,
                           accumulator_actor books, time_point now)
    : work_(std::move(work)), answer_(std::move(answer)), setup_(std::move(setup)), world_(std::move(world)),
      books_(std::move(books)), began_(now), began_wall_(world_->wall_clock()) {}

open_attempt::~open_attempt() {
  if (ended_)
    return;
  // Nobody will read its end, and it would hold a connection until then.
  world_->network->cancel(exchange_);
  failure lost = make_failure(errc::network, "the provider's actor ended before the attempt did");
  lost.fate = is_sent() ? outcome::unknown : outcome::not_sent;
  answer_lost_ = true;
  end(std::move(lost), began_);
}

void open_attempt::cancel(failure why) {
  if (!cancelled_)
    cancelled_ = std::move(why);
  world_->network->cancel(exchange_);
}

void open_attempt::drain(const failure& why, time_point now, time_point until) {
  failure cancelled = why;
  cancelled.fate = outcome::unknown;
  cancelled.provider = setup_->config.name.str();
  answer_.deliver(told_of(std::move(cancelled), std::chrono::duration_cast<microseconds>(now - began_)));
  drain_until_ = until;
  stream_->mute();
}

policy::attempt_facts open_attempt::facts(microseconds latency) const {
  policy::attempt_facts known{work_.id, work_.call, work_.number, began_wall_, latency, {}, {}};
  if (stream_ && stream_->first_token())
    known.first_token = std::chrono::duration_cast<microseconds>(*stream_->first_token() - began_);
  return known;
}

std::optional<failure> open_attempt::check_cost() {
  const chat_request& request = *work_.request;
  if (!request.max_cost)
    return std::nullopt;
  policy::ceiling_facts facts;
  facts.ceiling = *request.max_cost;
  facts.gone = work_.gone;
  facts.prompt_tokens = estimate_tokens(request).tokens;
  facts.provider = setup_->config.name;
  facts.model = find_model(setup_->config, request.model);
  facts.prices = setup_->prices_of(request.model, began_wall_).prices;
  policy::ceiling_verdict verdict = policy::judge(request, facts);
  if (verdict.watch)
    ceiling_.emplace(request, facts);
  return std::move(verdict.refused);
}

std::optional<failure> open_attempt::over_ceiling() {
  if (!ceiling_ || !stream_)
    return std::nullopt;
  const auto [shown, thought] = stream_->take_uncounted();
  const auto fits = [&](const std::string& text, bool thinking) {
    return text.empty() || ceiling_->take(estimate_tokens(text, work_.request->model).tokens, thinking);
  };
  if (fits(thought, true) && fits(shown, false))
    return std::nullopt;
  return ceiling_->reached();
}

usage_record open_attempt::intent() const {
  const chat_request& request = *work_.request;
  return policy::make_intent(facts({}), request, setup_->config.name,
                             find_model(setup_->config, request.model),
                             setup_->prices_of(request.model, began_wall_));
}

/// What an attempt that was sent, and not answered whole, has used: what the provider said, and where it said
/// nothing, our own count. Never nothing.
token_usage open_attempt::guessed_usage() const {
  token_usage usage = stream_ ? stream_->usage().value_or(token_usage{}) : token_usage{};
  if (usage.prompt_tokens == 0) {
    usage.prompt_tokens = estimate_tokens(*work_.request).tokens;
    usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  }
  usage.source = metering::estimated;
  return usage;
}

usage_record open_attempt::record_of(const result<chat_reply>& outcome, microseconds latency) const {
  const chat_request& request = *work_.request;
  policy::attempt_facts known = facts(latency);
  if (!outcome && outcome.error().fate == weir::outcome::unknown)
    known.seen = guessed_usage();
  return policy::make_record(known, request, setup_->config.name, find_model(setup_->config, request.model),
                             setup_->prices_of(request.model, began_wall_), outcome);
}

attempt_end open_attempt::told_of(result<chat_reply> outcome, microseconds latency) const {
  attempt_end told;
  if (stream_) {
    told.delivered = stream_->delivered();
    told.first_token = facts(latency).first_token;
    if (!outcome) {
      told.partial = stream_->partial();
      told.resumable = stream_->resumable();
    }
  }
  const bool held_up =
      stream_ && stream_->waits() && !outcome && outcome.error().type == errc::timeout; // by the sink
  told.blameless = !place_ || !is_sent() || answer_lost_ || held_up;
  told.outcome = std::move(outcome);
  told.latency = latency;
  return told;
}

void open_attempt::end(result<chat_reply> outcome, time_point now, bool other_key) {
  ended_ = true;
  const auto latency = std::chrono::duration_cast<microseconds>(now - began_);
  if (outcome) {
    outcome->metadata.provider = setup_->config.name;
    if (const priced by = setup_->prices_of(work_.request->model, began_wall_); by.prices != nullptr) {
      if (by.prices->image_fee != 0)
        outcome->usage.images = policy::images_in(*work_.request);
      outcome->cost = cost_of(outcome->usage, *by.prices);
    }
    if (stream_)
      outcome->metadata.first_token = facts(latency).first_token;
  } else {
    failure named = outcome.error();
    named.provider = setup_->config.name.str();
    outcome = std::move(named);
  }
  usage_record record = record_of(outcome, latency);
  const std::optional<money> cost = record.cost ? record.cost : record.cost_limit;
  if (!answer_.pending()) { // it was answered when it was cancelled
    caf::anon_send(books_, std::move(record));
    return;
  }
  attempt_end told = told_of(std::move(outcome), latency);
  told.other_key = other_key;
  told.cost = cost;
  answer_.delegate(books_, settlement{std::move(record), std::move(told)});
}

} // namespace weir::actors
