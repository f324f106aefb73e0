// The provider actor: one vendor endpoint. Encodes, posts, decodes, and writes the bill of every attempt.
// Knows neither retries nor breakers: it is asked for one attempt and answers it once.
#pragma once

#include "actors/admission.hpp"
#include "actors/exchange_inbox.hpp"
#include "actors/open_attempt.hpp"
#include "actors/promise_guard.hpp"
#include "actors/ticker.hpp"

#include <weir/actors.hpp>

#include <caf/actor_addr.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <optional>
#include <unordered_map>

namespace weir::actors {

/// "There is something in your inbox." Sent home by the transport's thread.
struct inbox_filled {};

/// The network's answer to an active probe.
struct probe_end {
  std::uint64_t number = 0;
  setup_ptr setup; ///< whose codec with `key` asked
  std::size_t key = 0;
  transport::exchange exchange;
};

} // namespace weir::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::inbox_filled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::probe_end)

namespace weir::actors {

/// The private messages widen the implementation, not the handle that the world sees.
using provider_impl =
    provider_actor::extend<caf::reacts_to<inbox_filled>, caf::reacts_to<probe_end>, caf::reacts_to<tick>>;

class provider_state {
public:
  explicit provider_state(provider_impl::pointer self) : self_(self) {}

  static constexpr const char* name = "weir.provider";

  provider_impl::behavior_type begin(services_ptr world, accumulator_actor books, setup_ptr setup);

private:
  using health_promise = caf::typed_response_promise<provider_health>;

  open_attempt::promise perform(attempt& work);
  void launch(attempt_ptr open);
  void note(open_attempt& open, http_request request);
  void send(const attempt_id& id, http_request request);
  void refused(const attempt_id& id, failure why);
  void fill_places();
  void finish(attempt_ptr open, result<chat_reply> outcome);
  transport::exchange_id send_whole(const open_attempt& open, http_request request, milliseconds limit);
  void hear(exchange_news& news);
  void exchanged(attempt_ptr open, transport::exchange& done);
  void answered(attempt_ptr open, result<chat_reply> reply);
  void cancel(const attempt_id& id, const failure& why);
  void look();

  // --- streams: provider_stream.cpp
  transport::exchange_id send_stream(open_attempt& open, http_request request, milliseconds limit);
  void received(const attempt_id& id, stream_piece& piece);
  void push(open_attempt& open, bool last);
  void sink_answered(const attempt_id& id);
  void finish_stream(attempt_ptr open);
  void expire_first_tokens();
  void give_up(open_attempt& open, const failure& why);
  bool may_drain(const open_attempt& open) const;
  void drain(open_attempt& open, const failure& why);
  void end_drains();
  void expire_unsent();
  void sink_ended(const caf::down_msg& death);
  void watch_sink(const open_attempt& open);
  void forget_sink(const open_attempt& open);

  // --- health: provider_health.cpp
  health_promise check(const provider_probe& question);
  void probed(probe_end& done);

  void change_mode(run_mode mode);
  void end_waiting(const failure& why);
  static failure is_offline();
  void adopt(const snapshot& config);

  time_point now() const { return self_->clock().now(); }
  std::chrono::sys_seconds today() const {
    return std::chrono::floor<std::chrono::seconds>(world_->wall_clock());
  }

  provider_impl::pointer self_;
  services_ptr world_;
  accumulator_actor books_;
  setup_ptr setup_;
  std::optional<admission> door_; ///< there from `begin` on
  ticker ticker_;
  std::shared_ptr<exchange_inbox> inbox_ = std::make_shared<exchange_inbox>();
  std::unordered_map<attempt_id, attempt_ptr> in_flight_;
  std::unordered_map<std::uint64_t, promise_guard<provider_health>> probes_;
  std::unordered_map<caf::actor_addr, std::uint32_t> sinks_; ///< monitored, and by how many streams
  std::uint64_t last_probe_ = 0;                             ///< its number
  std::uint32_t draining_ = 0;                               ///< cancelled streams that are read on
  provider_health health_;
  bool offline_ = false;
};

/// Spawn with `self->spawn<caf::monitored>(provider, world, books, setup)`.
provider_impl::behavior_type provider(provider_impl::stateful_pointer<provider_state> self,
                                      services_ptr world, accumulator_actor books, setup_ptr setup);

} // namespace weir::actors
