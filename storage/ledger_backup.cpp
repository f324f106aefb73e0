// Copying a ledger beside its writer, and putting a copy in a ledger's place.
// Knows no record: a copy is of LMDB's pages, and whether it is sound is asked of the ledger itself.
#include "storage/ledger.hpp"
#include "storage/ledger_environment.hpp"
#include "storage/ledger_folder.hpp"
#include "storage/out_of_memory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace weir::storage {

namespace {

namespace fs = std::filesystem;

failure refuse(const fs::path& dir, const std::string& problem, const char* place) {
  failure refused = make_failure(errc::storage, "ledger " + dir.string() + ": " + problem, place);
  refused.retryable = false;
  return refused;
}

failure refuse(const fs::path& dir, int error, const char* place) {
  return lmdb::to_failure({error, place}, dir);
}

/// Without the slash at the end, and absolute: so that it has a parent, and a neighbour's name can be made.
fs::path plain(const fs::path& dir) {
  std::error_code ignored;
  fs::path whole = fs::absolute(dir, ignored).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

fs::path beside(const fs::path& dir, const char* suffix) {
  fs::path name = dir;
  name += suffix;
  return name;
}

bool is_there(const fs::path& name) {
  struct stat facts {};
  return ::lstat(name.c_str(), &facts) == 0;
}

/// A new folder under a name that nobody else has; gone again, with what is in it, unless it was kept.
class unfinished_folder {
public:
  explicit unfinished_folder(const fs::path& dir) {
    std::string name = beside(dir, ".partial-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr)
      path_ = name;
    else
      error_ = errno;
  }
  unfinished_folder(const unfinished_folder&) = delete;
  unfinished_folder& operator=(const unfinished_folder&) = delete;
  ~unfinished_folder() {
    std::error_code ignored;
    if (!path_.empty())
      fs::remove_all(path_, ignored);
  }

  int error() const { return error_; }
  const fs::path& path() const { return path_; }
  void keep() { path_.clear(); }

private:
  fs::path path_;
  int error_ = 0;
};

/// Writes a copy into a new file, synced. A compact one if it can be: LMDB refuses that when pages were lost.
lmdb::status copy_to(const lmdb::environment& env, const fs::path& name) {
  for (const unsigned flags : {static_cast<unsigned>(MDB_CP_COMPACT), 0U}) {
    const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
      return {errno, "open"};
    lmdb::status answer{mdb_env_copyfd2(env.handle(), file, flags), "mdb_env_copyfd2"};
    if (answer.ok() && ::fsync(file) != 0)
      answer = {errno, "fsync"};
    if (::close(file) != 0 && answer.ok())
      answer = {errno, "close"};
    if (answer.code != MDB_INCOMPATIBLE)
      return answer;
  }
  return {MDB_INCOMPATIBLE, "mdb_env_copyfd2"};
}

result<void> move(const fs::path& from, const fs::path& to, unsigned flags) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0)
    return {};
  if (errno == EEXIST || errno == ENOTEMPTY)
    return refuse(to, "is there already", "rename");
  if (flags == RENAME_EXCHANGE && (errno == EINVAL || errno == ENOSYS || errno == EXDEV))
    return refuse(to, "its file system cannot exchange two folders in one step", "rename");
  return refuse(to, errno, "rename");
}

/// Whether a process has the ledger open, as LMDB's own lock says: then that process's id.
std::optional<pid_t> opener_of(const fs::path& dir) {
  const int file = ::open((dir / "lock.mdb").c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0)
    return std::nullopt;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  const bool told = ::fcntl(file, F_GETLK, &lock) == 0;
  ::close(file); // nothing of ours can be lost by it: who has the claim knows that we have not opened it
  return told && lock.l_type != F_UNLCK ? std::optional(lock.l_pid) : std::nullopt;
}

/// The backup, checked from end to end and copied into a new folder.
result<void> copy_sound(const fs::path& backup, const fs::path& to) {
  auto source = ledger::open({.dir = backup, .read_only = true});
  if (!source)
    return source.error();
  const auto found = (*source)->verify([](std::uint64_t) { return true; });
  if (!found)
    return found.error();
  if (found->problem_count != 0)
    return refuse(backup,
                  "is damaged: " + std::to_string(found->problem_count) + " problems" +
                      (found->problems.empty() ? "" : ", the first: " + found->problems.front()),
                  "ledger::verify");
  return (*source)->backup(to);
}

/// Puts a copy in the place of a ledger that is claimed by us.
result<void> swap_in(const fs::path& copy, const fs::path& dir, const fs::path& old) {
  if (auto swapped = move(copy, dir, RENAME_EXCHANGE); !swapped) {
    std::error_code ignored;
    fs::remove_all(copy, ignored);
    return swapped;
  }
  // What is at the copy's name now is the old ledger.
  if (auto synced = sync_folder(dir.parent_path()); !synced)
    return synced;
  if (auto kept = move(copy, old, RENAME_NOREPLACE); !kept)
    return kept;
  return sync_folder(dir.parent_path());
}

} // namespace

result<void> ledger::backup(const std::filesystem::path& to) const {
  return with_memory([&]() -> result<void> {
    if (to.empty())
      return refuse(to, "the folder has no name", "ledger::backup");
    const fs::path target = plain(to);
    std::error_code missing;
    if (is_there(target) && !(fs::is_directory(target, missing) && fs::is_empty(target, missing)))
      return refuse(target, "is there already, and not an empty folder", "ledger::backup");
    unfinished_folder made(target);
    if (made.error() != 0)
      return refuse(target, made.error(), "mkdtemp");
    lmdb::status written;
    auto copied = env_->run([&](const environment::lease& held) {
      written = held.env->is_open() ? copy_to(*held.env, made.path() / "data.mdb")
                                    : lmdb::status{MDB_PANIC, "mdb_env_copyfd2"};
      // Only what is wrong with the ledger itself is to be healed, and not a full disk where the copy goes.
      const bool curable = written.code == MDB_PANIC || written.code == MDB_MAP_RESIZED;
      return curable ? written : lmdb::status{};
    });
    if (!copied)
      return copied;
    if (!written.ok())
      return lmdb::to_failure(written, target);
    if (auto synced = sync_folder(made.path()); !synced)
      return synced;
    if (auto moved = move(made.path(), target, 0); !moved)
      return moved;
    made.keep();
    return sync_folder(target.parent_path());
  });
}

result<void> restore(const std::filesystem::path& backup, const std::filesystem::path& dir) {
  return with_memory([&]() -> result<void> {
    if (dir.empty())
      return refuse(dir, "the folder has no name", "storage::restore");
    const fs::path place = plain(dir);
    const fs::path old = beside(place, ".before-restore");
    const fs::path copy = beside(place, ".restoring");
    if (is_there(old))
      return refuse(old, "is there already: move it away, for the ledger of now is to go there",
                    "storage::restore");
    if (is_there(copy))
      return refuse(
          copy, "is there: a restore was interrupted. It is the new or the old ledger, whole; move it away",
          "storage::restore");
    if (!is_there(place)) {
      if (auto copied = copy_sound(backup, copy); !copied)
        return copied;
      if (auto moved = move(copy, place, RENAME_NOREPLACE); !moved)
        return moved;
      return sync_folder(place.parent_path());
    }
    const auto claimed = ledger_folder::claim(place, folder_use::book);
    if (!claimed)
      return claimed.error();
    if (const auto opener = opener_of(place))
      return refuse(place, "process " + std::to_string(*opener) + " has it open", "storage::restore");
    if (auto copied = copy_sound(backup, copy); !copied)
      return copied;
    return swap_in(copy, place, old);
  });
}

} // namespace weir::storage
