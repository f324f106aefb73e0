// The price keeper: reads the price list at its source, on schedule and when asked, and gives the manager
// each new one that is believed. The last good list stays, whatever comes.
// Knows no format; long work is done aside.
#pragma once

#include "actors/promise_guard.hpp"
#include "actors/services.hpp"
#include "actors/ticker.hpp"
#include "config/price_store.hpp"

#include <weir/actors.hpp>

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace weir::actors {

/// What the network says of a list.
struct price_reply {
  std::uint64_t number = 0; ///< of the look
  transport::exchange exchange;
};

/// A list was read and judged, or could not be.
struct price_look {
  std::uint64_t number = 0;
  config::price_intake taken;
};

} // namespace weir::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::price_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::actors::price_look)

namespace weir::actors {

using price_keeper_impl =
    price_keeper_actor::extend<caf::reacts_to<price_reply>, caf::reacts_to<price_look>, caf::reacts_to<tick>>;

class price_keeper_state {
public:
  explicit price_keeper_state(price_keeper_impl::pointer self) : self_(self) {}

  static constexpr const char* name = "weir.price_keeper";

  price_keeper_impl::behavior_type begin(services_ptr world, manager_actor manager, snapshot_ptr config);

private:
  using report_promise = caf::typed_response_promise<price_report>;

  void look();
  void fetch();
  void judge(result<std::string> text);
  void replied(price_reply& reply);
  void looked(price_look& done);
  void ended(std::optional<failure> error, bool changed);
  void on_tick();
  void adopt(const snapshot_ptr& next);
  report_promise answer();
  price_report report() const;

  time_point now() const { return self_->clock().now(); }

  price_keeper_impl::pointer self_;
  services_ptr world_;
  manager_actor manager_;
  snapshot_ptr config_;
  std::shared_ptr<const price_book> book_; ///< null: none yet
  ticker ticker_;
  time_point due_ = time_point::max(); ///< when it is looked at again
  std::uint64_t number_ = 0;           ///< of the last look
  bool looking_ = false;
  bool offline_ = false;
  bool changed_ = false;                                         ///< by the last look
  std::optional<failure> error_;                                 ///< why the last look brought nothing
  std::vector<promise_guard<price_report, caf::error>> waiters_; ///< who asked for the look under way
};

/// Spawn with `self->spawn(price_keeper, world, manager, config)`. It ends with its manager.
price_keeper_impl::behavior_type price_keeper(price_keeper_impl::stateful_pointer<price_keeper_state> self,
                                              services_ptr world, manager_actor manager, snapshot_ptr config);

} // namespace weir::actors
