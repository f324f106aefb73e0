// Stands between LMDB and the C library, and notes what passes.
// Knows no ledger.
#include "tests/durability/write_log.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>

namespace weir::durability {

namespace {

struct open_file {
  bool folder = false;
  bool durable = false; ///< each write is synced by itself
};

struct log_state {
  std::string dir;
  std::string file;
  unsigned unsafe_flags = 0;
  std::map<int, open_file> open;
  std::vector<event> events;
  ino_t synced_elsewhere = 0; ///< the file that was synced last, when nothing was written to any since
};

log_state* current = nullptr;

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

const open_file* watched(int file) {
  if (current == nullptr)
    return nullptr;
  const auto found = current->open.find(file);
  return found == current->open.end() ? nullptr : &found->second;
}

[[noreturn]] void not_understood(const char* call) {
  std::fprintf(stderr, "the recorder does not understand this use of %s on the data file\n", call);
  std::abort();
}

void note_opened(const char* path, int flags, bool was_there, int file) {
  if (current == nullptr || file < 0)
    return;
  if (current->dir == path)
    current->open[file] = {true, false};
  if (current->file != path)
    return;
  current->open[file] = {false, (flags & (O_DSYNC | O_SYNC)) != 0};
  if (!was_there)
    current->events.push_back({event::kind::created});
  if ((flags & O_TRUNC) != 0)
    not_understood("open");
}

void note_written(const open_file& file, std::uint64_t offset, const void* bytes, ssize_t size) {
  const auto* first = static_cast<const std::uint8_t*>(bytes);
  if (size > 0)
    current->events.push_back({event::kind::written, file.durable, offset, {first, first + size}});
}

/// A file that was written under another name has the data file's now. Whether it was synced is known of the
/// last file that was.
void note_moved_in() {
  std::ifstream in(current->file, std::ios::binary);
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
  struct stat facts {};
  const bool synced = ::stat(current->file.c_str(), &facts) == 0 && facts.st_ino == current->synced_elsewhere;
  current->events.push_back({event::kind::written, synced, 0, std::move(bytes)});
  current->events.push_back({event::kind::created});
}

void note_written_elsewhere() {
  if (current != nullptr)
    current->synced_elsewhere = 0;
}

void note_synced_elsewhere(int file, int answer) {
  struct stat facts {};
  if (current != nullptr && answer == 0 && ::fstat(file, &facts) == 0 && S_ISREG(facts.st_mode))
    current->synced_elsewhere = facts.st_ino;
}

void note_synced(int file, int answer) {
  if (watched(file) == nullptr)
    note_synced_elsewhere(file, answer);
  if (const open_file* known = watched(file); known != nullptr && answer == 0)
    current->events.push_back({known->folder ? event::kind::named : event::kind::synced});
}

} // namespace

recording::recording(const std::filesystem::path& dir, unsigned unsafe_flags) {
  current = new log_state{dir.string(), (dir / "data.mdb").string(), unsafe_flags, {}, {}, 0};
}

recording::~recording() {
  delete std::exchange(current, nullptr);
}

void recording::mark(event::kind what, std::uint64_t step) {
  current->events.push_back({what, false, step});
}

std::vector<event> recording::take() {
  return std::exchange(current->events, {});
}

} // namespace weir::durability

using weir::durability::current;
using weir::durability::event;
using weir::durability::not_understood;
using weir::durability::note_moved_in;
using weir::durability::note_opened;
using weir::durability::note_synced;
using weir::durability::note_written;
using weir::durability::note_written_elsewhere;
using weir::durability::real;
using weir::durability::watched;

extern "C" {

int open(const char* path, int flags, ...) {
  static const auto call = real<int (*)(const char*, int, ...)>("open");
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  const bool was_there = ::access(path, F_OK) == 0;
  const int file = call(path, flags, mode);
  note_opened(path, flags, was_there, file);
  return file;
}

int close(int file) {
  static const auto call = real<int (*)(int)>("close");
  if (watched(file) != nullptr)
    current->open.erase(file);
  return call(file);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  const ssize_t done = call(file, bytes, size, at);
  if (const auto* known = watched(file))
    note_written(*known, static_cast<std::uint64_t>(at), bytes, done);
  else
    note_written_elsewhere();
  return done;
}

ssize_t write(int file, const void* bytes, size_t size) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t)>("write");
  const auto* known = watched(file);
  const off_t at = known != nullptr ? ::lseek(file, 0, SEEK_CUR) : 0;
  const ssize_t done = call(file, bytes, size);
  if (known != nullptr)
    note_written(*known, static_cast<std::uint64_t>(at), bytes, done);
  else
    note_written_elsewhere();
  return done;
}

ssize_t writev(int file, const iovec* parts, int count) {
  static const auto call = real<ssize_t (*)(int, const iovec*, int)>("writev");
  const auto* known = watched(file);
  off_t at = known != nullptr ? ::lseek(file, 0, SEEK_CUR) : 0;
  const ssize_t done = call(file, parts, count);
  if (known == nullptr)
    note_written_elsewhere();
  ssize_t left = known != nullptr ? done : 0;
  for (const iovec* part = parts; left > 0; ++part) {
    const ssize_t size = std::min(left, static_cast<ssize_t>(part->iov_len));
    note_written(*known, static_cast<std::uint64_t>(at), part->iov_base, size);
    at += size;
    left -= size;
  }
  return done;
}

int ftruncate(int file, off_t length) noexcept {
  static const auto call = real<int (*)(int, off_t)>("ftruncate");
  const int answer = call(file, length);
  if (watched(file) != nullptr && answer == 0)
    current->events.push_back({event::kind::resized, false, static_cast<std::uint64_t>(length)});
  return answer;
}

int fallocate(int file, int mode, off_t offset, off_t length) {
  static const auto call = real<int (*)(int, int, off_t, off_t)>("fallocate");
  if (watched(file) != nullptr && mode != FALLOC_FL_KEEP_SIZE)
    not_understood("fallocate");
  return call(file, mode, offset, length);
}

int truncate(const char* path, off_t length) noexcept {
  static const auto call = real<int (*)(const char*, off_t)>("truncate");
  if (current != nullptr && current->file == path)
    not_understood("truncate");
  return call(path, length);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  static const auto call = real<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  const int answer = call(from_folder, from, to_folder, to, flags);
  if (current != nullptr && answer == 0 && current->file == to)
    note_moved_in();
  return answer;
}

int rename(const char* from, const char* to) noexcept {
  static const auto call = real<int (*)(const char*, const char*)>("rename");
  if (current != nullptr && (current->file == to || current->file == from))
    not_understood("rename");
  return call(from, to);
}

void* mmap(void* at, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  static const auto call = real<void* (*)(void*, size_t, int, int, int, off_t)>("mmap");
  if (watched(file) != nullptr && (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0)
    not_understood("mmap");
  return call(at, size, protection, flags, file, offset);
}

int fdatasync(int file) {
  static const auto call = real<int (*)(int)>("fdatasync");
  const int answer = call(file);
  note_synced(file, answer);
  return answer;
}

int fsync(int file) {
  static const auto call = real<int (*)(int)>("fsync");
  const int answer = call(file);
  note_synced(file, answer);
  return answer;
}

int mdb_env_open(MDB_env* env, const char* path, unsigned flags, mdb_mode_t mode) {
  static const auto call = real<int (*)(MDB_env*, const char*, unsigned, mdb_mode_t)>("mdb_env_open");
  return call(env, path, flags | (current != nullptr ? current->unsafe_flags : 0U), mode);
}

} // extern "C"
