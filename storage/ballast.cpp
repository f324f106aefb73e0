// Taking and giving up a megabyte of disk.
// Knows files; no LMDB.
#include "storage/ballast.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <system_error>

namespace weir::storage {

void ballast::take() const noexcept {
  struct stat facts {};
  if (::stat(file_.c_str(), &facts) == 0)
    return;
  struct statvfs disk {};
  struct rlimit most {};
  if (::statvfs(dir_.c_str(), &disk) != 0 ||
      std::uint64_t{disk.f_bavail} * disk.f_frsize < least_free + bytes)
    return;
  if (::getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur < bytes) // to pass it would end the process
    return;
  const int file = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0)
    return;
  const bool taken = ::posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0;
  ::close(file);
  if (!taken)
    ::unlink(file_.c_str());
}

bool ballast::give_up() const noexcept {
  return ::unlink(file_.c_str()) == 0;
}

} // namespace weir::storage
