// Making, checking and claiming a ledger's folder.
// Knows no LMDB.
#include "storage/ledger_folder.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <system_error>

namespace weir::storage {

namespace {

/// Magic numbers of statfs(2): NFS, SMB 1, CIFS, SMB 2, AFS, Coda, Ceph, Lustre.
constexpr std::array<std::uint32_t, 8> network_file_systems{0x6969,     0x517b,     0xff534d42, 0xfe534d42,
                                                            0x5346414f, 0x73757245, 0x00c36400, 0x0bd00bd0};

struct claims {
  std::mutex lock;
  std::set<std::pair<dev_t, ino_t>> taken;
};

/// Never destroyed: a ledger may outlive other statics.
claims& all_claims() {
  static auto* const held = new claims;
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

result<void> make_folder(const std::filesystem::path& dir) {
  std::error_code problem;
  // A trailing slash would make the folder its own parent.
  const auto parent = (dir.has_filename() ? dir : dir.parent_path()).parent_path();
  if (!parent.empty())
    std::filesystem::create_directories(parent, problem);
  if (problem)
    return refuse(dir, problem.value(), "mkdir");
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return refuse(dir, errno, "mkdir");
  return {};
}

} // namespace

result<ledger_folder> ledger_folder::claim(const std::filesystem::path& dir, bool read_only) {
  if (dir.empty())
    return refuse(dir, "the folder has no name", "ledger_options.dir");
  if (!read_only)
    if (auto made = make_folder(dir); !made)
      return made.error();
  struct stat facts {};
  if (::stat(dir.c_str(), &facts) != 0)
    return refuse(dir, errno, "stat");
  if (!S_ISDIR(facts.st_mode))
    return refuse(dir, "is not a folder", "stat");
  struct statfs disk {};
  if (::statfs(dir.c_str(), &disk) != 0)
    return refuse(dir, errno, "statfs");
  if (std::ranges::find(network_file_systems, static_cast<std::uint32_t>(disk.f_type)) !=
      network_file_systems.end())
    return refuse(dir, "is on a network file system, where LMDB cannot be trusted", "statfs");
  const identity id{facts.st_dev, facts.st_ino};
  claims& all = all_claims();
  const std::lock_guard hold(all.lock);
  if (!all.taken.insert(id).second)
    return refuse(dir, "is open already in this process", "ledger::open");
  return ledger_folder{id};
}

ledger_folder::ledger_folder(ledger_folder&& other) noexcept
    : id_(other.id_), held_(std::exchange(other.held_, false)) {}

ledger_folder::~ledger_folder() {
  if (!held_)
    return;
  claims& all = all_claims();
  const std::lock_guard hold(all.lock);
  all.taken.erase(id_);
}

bool is_full(const std::filesystem::path& dir) noexcept {
  struct statvfs disk {};
  return ::statvfs(dir.c_str(), &disk) == 0 && disk.f_bavail == 0;
}

} // namespace weir::storage
