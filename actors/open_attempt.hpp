// One attempt while it is open: whatever happens to its actor, it is booked once and answered once.
// Knows what to book, and nothing of wire formats and sockets.
#pragma once

#include "actors/open_stream.hpp"
#include "actors/provider_setup.hpp"
#include "actors/services.hpp"
#include "transport/client.hpp"

#include <weir/actors.hpp>

#include <caf/typed_response_promise.hpp>

#include <optional>

namespace weir::actors {

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
  /// Null: the response is wanted whole.
  open_stream* stream() noexcept { return stream_ ? &*stream_ : nullptr; }
  open_stream& start_stream(time_point first_token_by) {
    return stream_.emplace(work_.sink, work_.call, work_.request->gather, first_token_by);
  }
  void sent_as(transport::exchange_id exchange) noexcept { exchange_ = exchange; }
  transport::exchange_id exchange() const noexcept { return exchange_; }
  /// Ends it as soon as the network says what became of it: until then it cannot be known what to book.
  void cancel(failure why);
  /// Why it was cancelled; nothing if it was not.
  const std::optional<failure>& cancelled() const noexcept { return cancelled_; }

  /// Books, then answers. To be called once. A failure gets the provider's name.
  void end(result<chat_reply> outcome, time_point now);

private:
  attempt work_;
  promise answer_;
  setup_ptr setup_;
  services_ptr world_;
  accumulator_actor books_;
  time_point began_;
  timestamp began_wall_;
  transport::exchange_id exchange_ = 0;
  std::optional<open_stream> stream_;
  std::optional<failure> cancelled_;
};

} // namespace weir::actors
