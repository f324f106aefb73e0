// Catches the calls by which LMDB writes.
// Knows no ledger.
#include "tests/storage/faults.hpp"

#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace {

struct plan {
  bool armed = false;
  std::size_t seen = 0;
  std::size_t first = 0;
  std::size_t count = 0;
  int error = 0;
};

plan current; // tests that use it have one thread

/// Whether this call must fail.
bool strikes(int file) {
  if (!current.armed || file <= STDERR_FILENO)
    return false;
  const std::size_t number = current.seen++;
  if (number < current.first || number - current.first >= current.count)
    return false;
  errno = current.error;
  return true;
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

} // namespace

extern "C" {

ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return strikes(file) ? -1 : call(file, bytes, size, at);
}

ssize_t writev(int file, const iovec* parts, int count) {
  static const auto call = real<ssize_t (*)(int, const iovec*, int)>("writev");
  return strikes(file) ? -1 : call(file, parts, count);
}

int fdatasync(int file) {
  static const auto call = real<int (*)(int)>("fdatasync");
  return strikes(file) ? -1 : call(file);
}

} // extern "C"

namespace weir::storage::testing {

disk_fault::disk_fault(std::size_t first, std::size_t count, int error) {
  current = {true, 0, first, count, error};
}

disk_fault::~disk_fault() {
  current.armed = false;
}

bool disk_fault::happened() const {
  return current.seen > current.first;
}

} // namespace weir::storage::testing
