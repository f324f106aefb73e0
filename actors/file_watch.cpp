// inotify on folders, read by one thread.
#include "actors/file_watch.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace weir::actors {

namespace {

namespace fs = std::filesystem;

/// How often to look anyway: a link or folder further up that was swapped, or a file system that says
/// nothing, makes no event.
constexpr int poll_ms = 5000;

constexpr std::uint32_t interesting =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_ATTRIB;

/// A file descriptor with an owner.
class descriptor {
public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number_ >= 0)
      ::close(number_);
  }
  int number() const noexcept { return number_; }

private:
  int number_;
};

class inotify_watch final : public file_watch {
public:
  inotify_watch(fs::path file, std::function<void()> changed)
      : file_(std::move(file)), changed_(std::move(changed)),
        events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), stop_(::eventfd(0, EFD_CLOEXEC)) {}

  ~inotify_watch() override {
    if (!thread_.joinable())
      return;
    const std::uint64_t one = 1;
    // An event counter takes eight bytes at once; it cannot be full here.
    [[maybe_unused]] const auto written = ::write(stop_.number(), &one, sizeof one);
    thread_.join();
  }

  result<void> start() {
    if (events_.number() < 0 || stop_.number() < 0 || !watch_folders())
      return make_failure(errc::config,
                          std::string("cannot watch the configuration: ") + std::strerror(errno),
                          file_.string());
    thread_ = std::thread([this] { run(); });
    return {};
  }

private:
  /// Watching a folder twice is one watch; a folder that a link newly leads to is added.
  bool watch_folders() {
    std::error_code none;
    const fs::path folder = file_.has_parent_path() ? file_.parent_path() : fs::path(".");
    if (::inotify_add_watch(events_.number(), folder.c_str(), interesting) < 0)
      return false;
    const fs::path target = fs::weakly_canonical(file_, none);
    if (!none && target.has_parent_path())
      ::inotify_add_watch(events_.number(), target.parent_path().c_str(), interesting);
    return true;
  }

  void run() {
    alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
    std::array<pollfd, 2> waiting{{{events_.number(), POLLIN, 0}, {stop_.number(), POLLIN, 0}}};
    for (;;) {
      if (::poll(waiting.data(), waiting.size(), poll_ms) < 0 && errno != EINTR)
        return;
      if (waiting[1].revents != 0)
        return;
      // What happened to which name does not matter: an overflow tells as much as an event.
      while (::read(events_.number(), buffer.data(), buffer.size()) > 0) {
      }
      watch_folders();
      changed_();
    }
  }

  fs::path file_;
  std::function<void()> changed_;
  descriptor events_;
  descriptor stop_;
  std::thread thread_;
};

} // namespace

result<std::unique_ptr<file_watch>> watch_file(const fs::path& file, std::function<void()> changed) {
  auto watch = std::make_unique<inotify_watch>(file, std::move(changed));
  if (auto started = watch->start(); !started)
    return started.error();
  return std::unique_ptr<file_watch>(std::move(watch));
}

} // namespace weir::actors
