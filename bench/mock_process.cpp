// Starting and ending the child.
#include "bench/mock_process.hpp"

#include <array>
#include <cstdio>
#include <filesystem>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::bench {

result<std::unique_ptr<mock_process>> mock_process::start(const std::vector<std::string>& arguments) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "weir";
  std::array<int, 2> pipe{};
  if (error || !std::filesystem::exists(program) || ::pipe(pipe.data()) != 0)
    return make_failure(errc::config, "cannot find the program that plays the provider", program.string());
  std::vector<std::string> words{program.string(), "mock", "--port", "0", "--exit-with-parent"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  std::unique_ptr<mock_process> mock(new mock_process);
  mock->child_ = ::fork();
  if (mock->child_ == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::close(pipe[0]);
    ::close(pipe[1]);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  // Its first line names the address, the last word of it.
  std::string line;
  for (char letter = 0; ::read(pipe[0], &letter, 1) == 1 && letter != '\n';)
    line += letter;
  ::close(pipe[0]);
  mock->base_url_ = line.substr(line.rfind(' ') + 1);
  if (!mock->base_url_.starts_with("http://"))
    return make_failure(errc::config, "the mock provider did not start", program.string());
  return mock;
}

mock_process::~mock_process() {
  if (child_ <= 0)
    return;
  ::kill(child_, SIGTERM);
  ::waitpid(child_, nullptr, 0);
}

} // namespace weir::bench
