// One attempt while it is open: whatever happens to its actor, its end is booked once and answered once.
// Knows what to book, and nothing of wire formats and sockets.
#pragma once

#include "actors/open_stream.hpp"
#include "actors/policy/booking.hpp"
#include "actors/policy/cost_ceiling.hpp"
#include "actors/policy/key_ring.hpp"
#include "actors/provider_setup.hpp"
#include "actors/services.hpp"
#include "protocols/rate_limits.hpp"
#include "transport/client.hpp"

#include <weir/actors.hpp>

#include <caf/typed_response_promise.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace weir::actors {

/// The place that an attempt has at its provider, from its admission to its end.
struct admitted {
  policy::picked_key key;
  std::uint64_t tokens = 0; ///< that were reserved for it
  time_point at{};
};

class open_attempt {
public:
  using promise = caf::typed_response_promise<attempt_end>;

  open_attempt(attempt work, promise answer, setup_ptr setup, services_ptr world, accumulator_actor books,
               time_point now);
  open_attempt(const open_attempt&) = delete;
  open_attempt& operator=(const open_attempt&) = delete;
  /// Books and answers as a failure, if nobody ended it: its actor is going down.
  ~open_attempt();

  const attempt& work() const noexcept { return work_; }
  const provider_setup& setup() const noexcept { return *setup_; }
  time_point began() const noexcept { return began_; }

  /// How many tokens it will cost, as far as that matters.
  std::uint64_t tokens() const noexcept { return tokens_; }
  void expect(std::uint64_t tokens) noexcept { tokens_ = tokens; }
  /// Nothing while it waits.
  const std::optional<admitted>& place() const noexcept { return place_; }
  /// It may go out, by the setup of today: who waits is not bound to that of his arrival.
  void admit(const admitted& place, setup_ptr setup) {
    place_ = place;
    setup_ = std::move(setup);
  }
  /// What writes its request and reads its response. It must have been admitted.
  const protocols::codec& codec() const noexcept {
    return setup_->codec_for(work_.request->model, place_->key.index);
  }

  /// What the head of its response told of the provider's limits, and when it came.
  const std::optional<protocols::rate_limits>& told() const noexcept { return told_; }
  time_point told_at() const noexcept { return told_at_; }
  void heard(const protocols::rate_limits& limits, time_point now) {
    told_ = limits;
    told_at_ = now;
  }

  /// Deltas have reached the sink.
  bool has_delivered() const noexcept { return stream_ && stream_->delivered(); }
  /// Null: the response is wanted whole.
  open_stream* stream() noexcept { return stream_ ? &*stream_ : nullptr; }
  const open_stream* stream() const noexcept { return stream_ ? &*stream_ : nullptr; }
  open_stream& start_stream(time_point first_token_by) {
    return stream_.emplace(work_.sink, work_.call, work_.request->gather, work_.gap, first_token_by,
                           ceiling_.has_value());
  }
  /// Why it must not be sent: the call's `max_cost` would not pay for it. Else its stream is watched.
  std::optional<failure> check_cost();
  /// What has just come of its stream would pass the ceiling: why it must end. To be asked after each piece.
  std::optional<failure> over_ceiling();

  /// What the books must have before it is sent.
  usage_record intent() const;
  /// It is on the wire.
  void sent_as(transport::exchange_id exchange) noexcept { exchange_ = exchange; }
  bool is_sent() const noexcept { return exchange_ != 0; }
  transport::exchange_id exchange() const noexcept { return exchange_; }
  /// Ends it as soon as the network says what became of it: until then it cannot be known what to book.
  void cancel(failure why);
  /// Nobody waits for it any more.
  void abandon() noexcept { abandoned_ = true; }
  bool abandoned() const noexcept { return abandoned_; }
  /// Answers it as cancelled, and lets its stream go on, unseen, for the sake of its usage. It is booked when
  /// it ends.
  void drain(const failure& why, time_point now, time_point until);
  bool draining() const noexcept { return drain_until_ != time_point::max(); }
  time_point drain_until() const noexcept { return drain_until_; }
  /// Why it was cancelled; nothing if it was not.
  const std::optional<failure>& cancelled() const noexcept { return cancelled_; }

  /// Hands its record and its answer to the books, which pass the answer on. To be called once. A failure
  /// gets the provider's name. `other_key`: see `attempt_end`.
  void end(result<chat_reply> outcome, time_point now, bool other_key = false);

private:
  policy::attempt_facts facts(std::chrono::microseconds latency) const;
  usage_record record_of(const result<chat_reply>& outcome, std::chrono::microseconds latency) const;
  attempt_end told_of(result<chat_reply> outcome, std::chrono::microseconds latency) const;
  token_usage guessed_usage() const;

  attempt work_;
  promise answer_;
  setup_ptr setup_;
  services_ptr world_;
  accumulator_actor books_;
  time_point began_;
  timestamp began_wall_;
  std::uint64_t tokens_ = 0;
  std::optional<admitted> place_;
  std::optional<protocols::rate_limits> told_;
  time_point told_at_ = time_point::min();
  transport::exchange_id exchange_ = 0;
  std::optional<open_stream> stream_;
  std::optional<policy::stream_ceiling> ceiling_; ///< of a stream that could pass it
  std::optional<failure> cancelled_;
  time_point drain_until_ = time_point::max(); ///< `max`: it is not read on after a cancellation
  bool abandoned_ = false;
  bool answer_lost_ = false; ///< its actor goes down
  bool ended_ = false;
};

} // namespace weir::actors
