// Forking the workers, hearing them, and burying them.
// Knows no state.
#include "tests/durability/crew.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <iostream>
#include <stdexcept>

namespace weir::durability {

namespace {

constexpr std::size_t shown = 10;
constexpr unsigned most_seconds_a_state = 20; // then it hangs, and dies by SIGALRM

/// One worker, and what it has said so far: a line for each state.
struct member {
  pid_t pid = -1;
  int said = -1;
  std::string unread;
  std::uint64_t done = 0;
};

[[noreturn]] void be_a_worker(unsigned number, std::uint64_t done, int out, const share_of_work& work) {
  for (const int each : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
    std::signal(each, SIG_DFL);
  const rlimit no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDERR_FILENO); // LMDB's last words; how the worker died is told by who hears it
  std::string lines;
  std::uint64_t at = 0;
  const auto say = [&] {
    if (::write(out, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size()))
      ::_exit(4);
    lines.clear();
  };
  try {
    work(number, [&](const std::function<verdict()>& judge) {
      if (at++ < done)
        return;
      ::alarm(most_seconds_a_state);
      verdict found;
      try {
        found = judge();
      } catch (const std::exception& error) {
        found = std::string("exception: ") + error.what();
      }
      std::ranges::replace(found, '\n', ' ');
      lines += found + '\n';
      say(); // at once: should the next one kill us, this one must be known
    });
  } catch (const std::exception& error) {
    std::cout << "worker: " << error.what() << std::endl;
    ::_exit(3);
  }
  ::_exit(0);
}

void start(member& each, unsigned number, const share_of_work& work) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    throw std::runtime_error("no pipe");
  each.pid = ::fork();
  if (each.pid == 0) {
    ::close(ends[0]);
    be_a_worker(number, each.done, ends[1], work);
  }
  ::close(ends[1]);
  each.said = ends[0];
}

void note(findings& all, member& each, const std::string& said) {
  ++each.done;
  ++all.looked_at;
  if (said.empty())
    return;
  ++all.failed;
  ++all.kinds[said.substr(0, said.find(':'))];
  if (all.first.size() < shown)
    all.first.push_back(said);
}

/// Whether there is more to hear.
bool hear(findings& all, member& each) {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(each.said, buffer.data(), buffer.size());
  if (got <= 0)
    return false;
  each.unread.append(buffer.data(), static_cast<std::size_t>(got));
  std::size_t from = 0;
  for (auto end = each.unread.find('\n'); end != std::string::npos; end = each.unread.find('\n', from)) {
    note(all, each, each.unread.substr(from, end - from));
    from = end + 1;
  }
  each.unread.erase(0, from);
  return true;
}

/// How a worker came to its end: true when its share is done.
bool bury(findings& all, member& each) {
  ::close(each.said);
  int status = 0;
  ::waitpid(each.pid, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return true;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
    throw std::runtime_error("a worker could not work");
  const std::string cause = WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status))
                                                : "exit code " + std::to_string(WEXITSTATUS(status));
  note(all, each, "died (" + cause + "): state " + std::to_string(each.done) + " of a worker's share");
  return false;
}

} // namespace

findings run_crew(unsigned workers, const share_of_work& work) {
  findings all;
  std::vector<member> crew(workers);
  for (unsigned number = 0; number != workers; ++number)
    start(crew[number], number, work);
  for (unsigned living = workers; living != 0;) {
    std::vector<pollfd> ears;
    for (const member& each : crew)
      ears.push_back({each.said, POLLIN, 0});
    ::poll(ears.data(), ears.size(), -1);
    for (unsigned number = 0; number != workers; ++number) {
      member& each = crew[number];
      if (each.said < 0 || (ears[number].revents & (POLLIN | POLLHUP)) == 0 || hear(all, each))
        continue;
      if (bury(all, each)) {
        each.said = -1;
        --living;
      } else {
        start(each, number, work);
      }
    }
  }
  return all;
}

void tell(const std::string& what, const findings& found, std::chrono::nanoseconds time) {
  std::cout << what << ": " << found.looked_at << " states in "
            << std::chrono::duration_cast<std::chrono::milliseconds>(time).count() << " ms, " << found.failed
            << " failed" << std::endl;
  for (const auto& [kind, count] : found.kinds)
    std::cout << "  " << count << " x " << kind << std::endl;
  for (const std::string& each : found.first)
    std::cout << "  e.g. " << each << std::endl;
}

} // namespace weir::durability
