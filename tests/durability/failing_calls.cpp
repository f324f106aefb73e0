// Stands before the C library's calls that may fail.
// Knows no ledger.
#include "tests/durability/failing_calls.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <utility>

namespace weir::durability {

namespace {

struct plan {
  call_kind kind{};
  std::uint64_t seen = 0;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  int error = 0;
};

plan current;
thread_local bool armed = false;

bool strikes(call_kind kind) {
  if (!armed || current.kind != kind)
    return false;
  const std::uint64_t number = current.seen++;
  if (number < current.first || number - current.first >= current.count)
    return false;
  errno = current.error;
  return true;
}

bool strikes_file(int file) {
  return file > STDERR_FILENO && strikes(call_kind::disk);
}

template <class Function>
Function real(const char* name) {
  const respite no_counting; // dlsym takes memory
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

} // namespace

failing_calls::failing_calls(call_kind kind, std::uint64_t first, std::uint64_t count, int error) {
  current = {kind, 0, first, count, error};
  armed = true;
}

failing_calls::~failing_calls() {
  armed = false;
}

bool failing_calls::happened() const {
  return current.seen > current.first;
}

respite::respite() : was_armed_(std::exchange(armed, false)) {}

respite::~respite() {
  armed = was_armed_;
}

} // namespace weir::durability

using weir::durability::call_kind;
using weir::durability::real;
using weir::durability::strikes;
using weir::durability::strikes_file;

extern "C" {

// The C library's own, under the names that it keeps for who replaces them.
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  return strikes(call_kind::memory) ? nullptr : __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  return strikes(call_kind::memory) ? nullptr : __libc_calloc(count, size);
}

void* realloc(void* old, size_t size) {
  return strikes(call_kind::memory) ? nullptr : __libc_realloc(old, size);
}

int posix_memalign(void** made, size_t alignment, size_t size) {
  if (strikes(call_kind::memory))
    return ENOMEM;
  *made = __libc_memalign(alignment, size);
  return *made == nullptr ? ENOMEM : 0;
}

int open(const char* path, int flags, ...) {
  static const auto call = real<int (*)(const char*, int, ...)>("open");
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return strikes(call_kind::disk) ? -1 : call(path, flags, mode);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return strikes_file(file) ? -1 : call(file, bytes, size, at);
}

ssize_t write(int file, const void* bytes, size_t size) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t)>("write");
  return strikes_file(file) ? -1 : call(file, bytes, size);
}

ssize_t writev(int file, const iovec* parts, int count) {
  static const auto call = real<ssize_t (*)(int, const iovec*, int)>("writev");
  return strikes_file(file) ? -1 : call(file, parts, count);
}

int ftruncate(int file, off_t length) noexcept {
  static const auto call = real<int (*)(int, off_t)>("ftruncate");
  return strikes_file(file) ? -1 : call(file, length);
}

int fallocate(int file, int mode, off_t offset, off_t length) {
  static const auto call = real<int (*)(int, int, off_t, off_t)>("fallocate");
  return strikes_file(file) ? -1 : call(file, mode, offset, length);
}

int fdatasync(int file) {
  static const auto call = real<int (*)(int)>("fdatasync");
  return strikes_file(file) ? -1 : call(file);
}

int fsync(int file) {
  static const auto call = real<int (*)(int)>("fsync");
  return strikes_file(file) ? -1 : call(file);
}

} // extern "C"
