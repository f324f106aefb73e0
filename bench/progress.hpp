// A line on standard error that says how far a run is: the one place for all scenarios.
// Knows no scenario: what is counted is asked for.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

namespace weir::bench {

/// Tells until it is destroyed: each second over and over in one line of a terminal, which it erases at the
/// end; elsewhere a line every ten seconds, so that a short run writes nothing into a file.
class progress_line {
public:
  /// `chat, 64 in flight: 123 calls in 4 s, ends after 6 s` for a `what` of `chat, 64 in flight`, a `unit` of
  /// `calls` and an `end` of `ends after 6 s`; `done` is asked on a thread of the line's own.
  progress_line(std::string what, std::string unit, std::string end, std::function<std::uint64_t()> done)
      : what_(std::move(what)), unit_(std::move(unit)), end_(std::move(end)), done_(std::move(done)),
        teller_([this](const std::stop_token& stop) { tell(stop); }) {}
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

private:
  void tell(const std::stop_token& stop) {
    using std::chrono::seconds;
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    const seconds step{terminal ? 1 : 10};
    const auto begin = std::chrono::steady_clock::now();
    std::unique_lock hold(lock_);
    auto time = step;
    for (;; time += step) {
      wake_.wait_until(hold, stop, begin + time, [] { return false; });
      if (stop.stop_requested())
        break;
      const std::string text =
          fmt::format("{}: {} {} in {} s, {}", what_, done_(), unit_, time.count(), end_);
      write(terminal ? "\r" + text + "\033[K" : text + "\n");
    }
    if (terminal && time != step)
      write("\r\033[K");
  }

  static void write(const std::string& text) {
    [[maybe_unused]] const auto written = std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }

  std::string what_;
  std::string unit_;
  std::string end_;
  std::function<std::uint64_t()> done_;
  std::mutex lock_;
  std::condition_variable_any wake_;
  std::jthread teller_; ///< the last member: ended before what it looks at
};

} // namespace weir::bench
