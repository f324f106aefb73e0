// Blocked, and asked for.
#include "tools/ending_signals.hpp"

#include <ctime>

namespace weir::tools {

ending_signals::ending_signals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

ending_signals::~ending_signals() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool ending_signals::came_within(std::chrono::milliseconds time) const {
  if (came_)
    return true;
  const std::timespec patience{time.count() / 1000, time.count() % 1000 * 1'000'000};
  came_ = ::sigtimedwait(&signals_, nullptr, &patience) > 0;
  return came_;
}

} // namespace weir::tools
