// fork, a pipe, and wait.
#include "tools/guarded_child.hpp"

#include "tools/ending_signals.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::tools {

namespace {

constexpr int patience_ms = 100;

/// The child's part; does not return. What sanitizers and libraries would make of a fault is not wanted here:
/// the fault itself is the news.
[[noreturn]] void be_child(int out, const std::function<int(const send_line&)>& work) {
  for (const int fault : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
    std::signal(fault, SIG_DFL);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const int code = work([out](std::string line) {
    std::ranges::replace(line, '\n', ' ');
    line += '\n';
    for (std::string_view rest = line; !rest.empty();) {
      const auto written = ::write(out, rest.data(), rest.size());
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return false;
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  });
  ::_exit(code);
}

/// Hears every line until the child closes its end; false when a signal came first.
bool listen(int in, const std::function<void(const std::string&)>& hear, const ending_signals& signals) {
  std::string gathered;
  std::array<char, 4096> piece{};
  for (;;) {
    if (signals.came())
      return false;
    pollfd waiting{.fd = in, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, patience_ms) <= 0)
      continue;
    const auto size = ::read(in, piece.data(), piece.size());
    if (size < 0 && errno == EINTR)
      continue;
    if (size <= 0)
      return true;
    gathered.append(piece.data(), static_cast<std::size_t>(size));
    for (std::size_t end = gathered.find('\n'); end != std::string::npos; end = gathered.find('\n')) {
      hear(gathered.substr(0, end));
      gathered.erase(0, end + 1);
    }
  }
}

} // namespace

result<child_end> run_in_child(const std::function<int(const send_line&)>& work,
                               const std::function<void(const std::string&)>& hear,
                               const ending_signals& signals) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return make_failure(errc::storage, std::strerror(errno), "pipe2");
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    return make_failure(errc::storage, std::strerror(error), "fork");
  }
  if (child == 0) {
    ::close(ends[0]);
    be_child(ends[1], work);
  }
  ::close(ends[1]);
  child_end end;
  end.ended = !listen(ends[0], hear, signals);
  if (end.ended)
    ::kill(child, SIGKILL);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    end.signal = WTERMSIG(status);
  else
    end.exit_code = WEXITSTATUS(status);
  return end;
}

} // namespace weir::tools
