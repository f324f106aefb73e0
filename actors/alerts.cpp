// Keeping and counting alerts.
#include "actors/alerts.hpp"

#include "actors/log.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace weir::actors {

void alert_board::raise(errc type, const provider_name& provider, std::string message, timestamp now) {
  alert next{now, type, provider, std::move(message), 1};
  const auto same = std::ranges::find_if(alerts_, [&](const alert& each) {
    return each.type == type && each.provider == provider && each.message == next.message;
  });
  if (same != alerts_.end()) {
    next.count = same->count + 1;
    alerts_.erase(same);
  } else if (alerts_.size() == room) {
    alerts_.pop_front();
  }
  if (std::has_single_bit(next.count)) {
    const std::string often = next.count == 1 ? "" : " (" + std::to_string(next.count) + " times)";
    log().error("alert: {}{}{}: {}{}", to_string(type), provider.empty() ? "" : " at ", provider.str(),
                next.message, often);
  }
  alerts_.push_back(std::move(next));
}

} // namespace weir::actors
