// Catches the calls by which LMDB writes, and the call before which something may come between.
// Knows no ledger.
#include "tests/storage/faults.hpp"

#include <dlfcn.h>
#include <lmdb.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <utility>

namespace {

struct plan {
  bool armed = false;
  std::size_t seen = 0;
  std::size_t first = 0;
  std::size_t count = 0;
  int error = 0; ///< 0: the process ends
};

plan current; // tests that use it have one thread

std::function<void()> before_begin;

constexpr int any_file = STDERR_FILENO + 1;

/// Whether this call must fail.
bool strikes(int file) {
  if (!current.armed || file <= STDERR_FILENO)
    return false;
  const std::size_t number = current.seen++;
  if (number < current.first || number - current.first >= current.count)
    return false;
  if (current.error == 0)
    ::kill(::getpid(), SIGKILL);
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

int fsync(int file) {
  static const auto call = real<int (*)(int)>("fsync");
  return strikes(file) ? -1 : call(file);
}

ssize_t write(int file, const void* bytes, size_t size) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t)>("write");
  return strikes(file) ? -1 : call(file, bytes, size);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  static const auto call = real<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  return strikes(any_file) ? -1 : call(from_folder, from, to_folder, to, flags);
}

int mdb_txn_begin(MDB_env* env, MDB_txn* parent, unsigned flags, MDB_txn** txn) {
  static const auto call = real<int (*)(MDB_env*, MDB_txn*, unsigned, MDB_txn**)>("mdb_txn_begin");
  if (const auto work = std::exchange(before_begin, nullptr))
    work();
  return call(env, parent, flags, txn);
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

interruption::interruption(std::function<void()> work) {
  before_begin = std::move(work);
}

interruption::~interruption() {
  before_begin = nullptr;
}

} // namespace weir::storage::testing
