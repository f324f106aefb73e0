// Making, checking and claiming a ledger's folder.
// Knows no LMDB.
#include "storage/ledger_folder.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>

namespace weir::storage {

namespace {

/// Magic numbers of statfs(2): NFS, SMB 1, CIFS, SMB 2, AFS, Coda, Ceph, Lustre.
constexpr std::array<std::uint32_t, 8> network_file_systems{0x6969,     0x517b,     0xff534d42, 0xfe534d42,
                                                            0x5346414f, 0x73757245, 0x00c36400, 0x0bd00bd0};

constexpr const char* note_name = "booker.lock";
constexpr int no_lock = -1;

/// The folders that this process has open, and the descriptor that holds the lock of each that it books in.
struct claims {
  std::mutex lock;
  std::map<std::pair<dev_t, ino_t>, int> taken;
};

claims& all_claims();

/// A forked child shares the descriptors that hold locks: with a child that outlives its parent, nobody could
/// book again. So the child closes them, by which the parent loses nothing.
void drop_locks_in_forked_children() {
  ::pthread_atfork([] { all_claims().lock.lock(); }, [] { all_claims().lock.unlock(); },
                   [] {
                     for (auto& [id, lock] : all_claims().taken)
                       if (lock != no_lock)
                         ::close(std::exchange(lock, no_lock));
                     all_claims().lock.unlock();
                   });
}

/// Never destroyed: a ledger may outlive other statics.
claims& all_claims() {
  static auto* const held = [] {
    drop_locks_in_forked_children();
    return new claims;
  }();
  return *held;
}

failure refuse(const std::filesystem::path& dir, const std::string& problem, const char* place) {
  failure refused = make_failure(errc::storage, "ledger " + dir.string() + ": " + problem, place);
  refused.retryable = false;
  return refused;
}

failure refuse(const std::filesystem::path& dir, int error, const char* place) {
  failure refused = refuse(dir, std::generic_category().message(error), place);
  refused.retryable = error == ENOSPC || error == EDQUOT || error == EIO;
  return refused;
}

/// The folder itself has no other rights than its owner's; parents are as the system makes them.
result<void> make_folder(const std::filesystem::path& dir, mode_t mode) {
  struct stat facts {};
  if (::stat(dir.c_str(), &facts) == 0)
    return {};
  // A trailing slash would make the folder its own parent.
  const auto parent = (dir.has_filename() ? dir : dir.parent_path()).parent_path();
  if (!parent.empty())
    if (auto made = make_folder(parent, 0777); !made)
      return made;
  if (::mkdir(dir.c_str(), mode) != 0)
    return errno == EEXIST ? result<void>{} : refuse(dir, errno, "mkdir");
  return sync_folder(parent.empty() ? "." : parent);
}

result<void> check(const std::filesystem::path& dir, const struct stat& facts) {
  if (!S_ISDIR(facts.st_mode))
    return refuse(dir, "is not a folder", "stat");
  struct statfs disk {};
  if (::statfs(dir.c_str(), &disk) != 0)
    return refuse(dir, errno, "statfs");
  if (std::ranges::find(network_file_systems, static_cast<std::uint32_t>(disk.f_type)) !=
      network_file_systems.end())
    return refuse(dir, "is on a network file system, where LMDB cannot be trusted", "statfs");
  return {};
}

std::string content_of(const std::filesystem::path& file) {
  std::array<char, 256> bytes{};
  const int in = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (in < 0)
    return {};
  const ssize_t got = ::read(in, bytes.data(), bytes.size());
  ::close(in);
  std::string text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  text.erase(std::min(text.find('\n'), text.size()));
  return text;
}

/// Says in the folder who books there: for people, and for who is refused. That it cannot be written is no
/// reason not to book, for the lock is not in this file.
void leave_note(const std::filesystem::path& dir) {
  const std::string text =
      "process " + std::to_string(::getpid()) + " (" + content_of("/proc/self/comm") + ")\n";
  const auto file = dir / note_name;
  const int out = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (out < 0)
    return;
  if (::fchmod(out, 0600) == 0 && ::ftruncate(out, 0) == 0) {
    [[maybe_unused]] const ssize_t ignored = ::write(out, text.data(), text.size());
  }
  ::close(out);
}

/// Who has the lock, in words: the time since when is that of the note.
std::string describe_holder(const std::filesystem::path& dir) {
  const auto file = dir / note_name;
  struct stat facts {};
  const std::string name = content_of(file);
  if (!name.starts_with("process ") || ::stat(file.c_str(), &facts) != 0)
    return "another process books here";
  std::array<char, 32> since{};
  struct tm utc {};
  ::gmtime_r(&facts.st_mtime, &utc);
  (void)std::strftime(since.data(), since.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return name + " books here since " + since.data();
}

} // namespace

result<ledger_folder> ledger_folder::claim(const std::filesystem::path& dir, folder_use use) {
  if (dir.empty())
    return refuse(dir, "the folder has no name", "ledger_options.dir");
  if (use != folder_use::read)
    if (auto made = make_folder(dir, 0700); !made)
      return made.error();
  struct stat facts {};
  if (::stat(dir.c_str(), &facts) != 0)
    return refuse(dir, errno, "stat");
  if (auto usable = check(dir, facts); !usable)
    return usable.error();
  const identity id{facts.st_dev, facts.st_ino};
  {
    claims& all = all_claims();
    const std::lock_guard hold(all.lock);
    if (!all.taken.try_emplace(id, no_lock).second)
      return refuse(dir, "is open already in this process", "ledger::open");
  }
  ledger_folder claimed{id};
  if (use == folder_use::book)
    if (auto locked = claimed.lock_for_booking(dir); !locked)
      return locked.error();
  return claimed;
}

result<void> ledger_folder::lock_for_booking(const std::filesystem::path& dir) {
  claims& all = all_claims();
  const std::lock_guard hold(all.lock); // no fork between the opening and the noting of the descriptor
  // The folder itself is locked, since a file in it could be deleted, and another one locked in its place.
  const int lock = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0)
    return refuse(dir, errno, note_name);
  struct stat facts {};
  const bool same = ::fstat(lock, &facts) == 0 && identity{facts.st_dev, facts.st_ino} == id_;
  if (!same || ::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int error = same ? errno : ESTALE;
    ::close(lock);
    if (error == EWOULDBLOCK)
      return refuse(dir, describe_holder(dir) + "; give this one a usage_data_dir of its own", note_name);
    return refuse(dir, error, note_name);
  }
  all.taken[id_] = lock;
  leave_note(dir);
  return {};
}

ledger_folder::ledger_folder(ledger_folder&& other) noexcept
    : id_(other.id_), held_(std::exchange(other.held_, false)) {}

ledger_folder::~ledger_folder() {
  if (!held_)
    return;
  claims& all = all_claims();
  const std::lock_guard hold(all.lock);
  const auto found = all.taken.find(id_);
  if (found == all.taken.end())
    return;
  if (found->second != no_lock)
    ::close(found->second);
  all.taken.erase(found);
}

bool is_full(const std::filesystem::path& dir) noexcept {
  struct statvfs disk {};
  return ::statvfs(dir.c_str(), &disk) == 0 && disk.f_bavail == 0;
}

result<void> sync_folder(const std::filesystem::path& dir) {
  const int file = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0)
    return refuse(dir, errno, "open");
  const int error = ::fsync(file) == 0 ? 0 : errno;
  ::close(file);
  if (error != 0)
    return refuse(dir, error, "fsync");
  return {};
}

} // namespace weir::storage
