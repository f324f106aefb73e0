// The signals that end what would otherwise go on: Ctrl-C and a polite kill.
// Knows nothing of what is ended.
#pragma once

#include <chrono>

#include <csignal>

namespace weir::tools {

/// Blocks SIGINT and SIGTERM as long as it lives, so that a file is removed and a folder left in order
/// before the program ends. To be made before any thread is started, so that every thread leaves them to
/// whoever asks for them here.
class ending_signals {
public:
  ending_signals();
  ending_signals(const ending_signals&) = delete;
  ending_signals& operator=(const ending_signals&) = delete;
  ~ending_signals();

  /// Waits so long at most, and says whether one has come, now or at an earlier question.
  bool came_within(std::chrono::milliseconds time) const;
  bool came() const { return came_within(std::chrono::milliseconds{0}); }

private:
  sigset_t signals_{};
  sigset_t before_{};
  mutable bool came_ = false;
};

} // namespace weir::tools
