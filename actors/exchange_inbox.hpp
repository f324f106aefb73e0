// Where the network's threads lay down what became of a provider's exchanges: one message to the actor serves
// all that lie there, since a message of its own for each costs more than the look into it. Knows no attempt.
#pragma once

#include "transport/client.hpp"

#include <weir/names.hpp>

#include <mutex>
#include <utility>
#include <vector>

namespace weir::actors {

/// The network's answer to an attempt.
struct exchange_end {
  attempt_id id;
  transport::exchange exchange;
};

/// All members may be called from any thread.
class exchange_inbox {
public:
  /// True for the first since `take`: the actor must be told.
  [[nodiscard]] bool add(exchange_end end) {
    const std::lock_guard hold(lock_);
    ended_.push_back(std::move(end));
    return ended_.size() == 1;
  }

  std::vector<exchange_end> take() {
    const std::lock_guard hold(lock_);
    return std::exchange(ended_, {});
  }

private:
  std::mutex lock_;
  std::vector<exchange_end> ended_;
};

} // namespace weir::actors
