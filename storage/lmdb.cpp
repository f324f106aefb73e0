// The owners of LMDB's handles, and its error codes in words.
// Knows nothing of records.
#include "storage/lmdb.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace weir::storage::lmdb {

namespace {

constexpr mode_t file_mode = 0600;
constexpr MDB_dbi max_tables = 12; // six are in use; a later version may have more

MDB_val to_val(bytes_view bytes) noexcept {
  return {bytes.size(), const_cast<std::uint8_t*>(bytes.data())}; // LMDB writes through no key and no value
}

bytes_view to_view(const MDB_val& value) noexcept {
  return {static_cast<const std::uint8_t*>(value.mv_data), value.mv_size};
}

bool may_pass(int code) noexcept {
  switch (code) {
  case ENOSPC:
  case EDQUOT:
  case EIO:
  case ENOMEM:
  case EAGAIN:
  case EMFILE:
  case ENFILE:
  case MDB_PANIC:
  case MDB_MAP_RESIZED:
  case MDB_READERS_FULL:
    return true;
  default:
    return false;
  }
}

std::string describe(int code) {
  switch (code) {
  case ENOSPC:
  case EDQUOT:
    return "the disk is full";
  case EIO:
    return "the disk failed (input/output error)";
  case ENOENT:
    return "there is no ledger";
  case ENOMEM:
    return "no memory or address space for the map";
  case MDB_INVALID:
    return "data.mdb is not an LMDB file, or is damaged";
  case MDB_VERSION_MISMATCH:
    return "data.mdb was written by another version of LMDB";
  case MDB_PANIC:
    return "the disk failed earlier, and the ledger is closed until it opens again";
  case MDB_READERS_FULL:
    return "too many readers at once";
  default:
    return mdb_strerror(code);
  }
}

/// Takes the disk that LMDB's list of readers needs. LMDB writes it through memory, where a full disk is no
/// error but the process's end (SIGBUS). Who may not write here is left to LMDB's judgement.
status reserve_lock_file(const std::filesystem::path& dir) {
  constexpr off_t needed = 8192;
  const int file = ::open((dir / "lock.mdb").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode);
  if (file < 0)
    return {};
  const int code = ::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, needed) == 0 ? 0 : errno;
  ::close(file);
  return code == ENOSPC || code == EDQUOT ? status{code, "fallocate"} : status{};
}

/// LMDB writes the first two pages at once. If the disk was full in their middle, what is there would be no
/// LMDB file for ever. A file that another process has begun meanwhile has both.
void forget_half_a_beginning(const std::filesystem::path& file) {
  struct stat facts {};
  const off_t beginning = 2 * ::sysconf(_SC_PAGESIZE);
  if (::stat(file.c_str(), &facts) == 0 && facts.st_size > 0 && facts.st_size < beginning) {
    [[maybe_unused]] const int ignored = ::truncate(file.c_str(), 0);
  }
}

} // namespace

failure to_failure(const status& answer, const std::filesystem::path& dir) {
  failure failed =
      make_failure(errc::storage, "ledger " + dir.string() + ": " + describe(answer.code), answer.call);
  failed.retryable = may_pass(answer.code);
  return failed;
}

environment::environment(environment&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

environment& environment::operator=(environment&& other) noexcept {
  if (this != &other) {
    close();
    handle_ = std::exchange(other.handle_, nullptr);
  }
  return *this;
}

status environment::open(const std::filesystem::path& dir, std::uint64_t map_bytes, bool read_only,
                         environment& opened) {
  environment made;
  if (const int code = mdb_env_create(&made.handle_); code != MDB_SUCCESS)
    return {code, "mdb_env_create"};
  if (const int code = mdb_env_set_maxdbs(made.handle_, max_tables); code != MDB_SUCCESS)
    return {code, "mdb_env_set_maxdbs"};
  if (const int code = mdb_env_set_mapsize(made.handle_, map_bytes); code != MDB_SUCCESS)
    return {code, "mdb_env_set_mapsize"};
  const unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (read_only ? MDB_RDONLY : 0U);
  if (const status answer = read_only ? status{} : reserve_lock_file(dir); !answer.ok())
    return answer;
  if (const int code = mdb_env_open(made.handle_, dir.c_str(), flags, file_mode); code != MDB_SUCCESS) {
    if (code == ENOSPC || code == EDQUOT || code == EIO)
      forget_half_a_beginning(dir / "data.mdb");
    return {code, "mdb_env_open"};
  }
  int dead = 0;
  if (const status answer = made.clear_dead_readers(dead); !answer.ok())
    return answer;
  opened = std::move(made);
  return {};
}

status environment::clear_dead_readers(int& dead) const noexcept {
  return {mdb_reader_check(handle_, &dead), "mdb_reader_check"};
}

void environment::close() noexcept {
  if (handle_ != nullptr)
    mdb_env_close(std::exchange(handle_, nullptr));
}

std::uint64_t environment::map_bytes() const noexcept {
  MDB_envinfo info{};
  mdb_env_info(handle_, &info);
  return info.me_mapsize;
}

std::uint64_t environment::page_bytes() const noexcept {
  MDB_stat pages{};
  mdb_env_stat(handle_, &pages);
  return pages.ms_psize;
}

std::uint64_t environment::used_bytes() const noexcept {
  MDB_envinfo info{};
  MDB_stat pages{};
  mdb_env_info(handle_, &info);
  mdb_env_stat(handle_, &pages);
  return (info.me_last_pgno + 1) * pages.ms_psize;
}

std::uint64_t environment::file_bytes() const noexcept {
  mdb_filehandle_t file = -1;
  struct stat facts {};
  if (mdb_env_get_fd(handle_, &file) != MDB_SUCCESS || ::fstat(file, &facts) != 0)
    return 0;
  return static_cast<std::uint64_t>(facts.st_size);
}

status environment::lengthen_file() const noexcept {
  mdb_filehandle_t file = -1;
  if (const int code = mdb_env_get_fd(handle_, &file); code != MDB_SUCCESS)
    return {code, "mdb_env_get_fd"};
  std::uint64_t length = map_bytes();
  struct rlimit most {};
  if (::getrlimit(RLIMIT_FSIZE, &most) == 0) // to pass it would end the process (SIGXFSZ)
    length = std::min<std::uint64_t>(length, most.rlim_cur);
  if (file_bytes() < length && ::ftruncate(file, static_cast<off_t>(length)) != 0)
    return {errno, "ftruncate"};
  return {};
}

status transaction::begin(const environment& env, access kind) {
  if (!env.is_open())
    return {MDB_PANIC, "mdb_txn_begin"};
  const unsigned flags = kind == access::read ? MDB_RDONLY : 0U;
  return {mdb_txn_begin(env.handle(), nullptr, flags, &handle_), "mdb_txn_begin"};
}

status transaction::commit() {
  return {mdb_txn_commit(std::exchange(handle_, nullptr)), "mdb_txn_commit"};
}

void transaction::abort() noexcept {
  if (handle_ != nullptr)
    mdb_txn_abort(std::exchange(handle_, nullptr));
}

status transaction::open_table(const char* name, unsigned flags, MDB_dbi& table) {
  return {mdb_dbi_open(handle_, name, flags, &table), "mdb_dbi_open"};
}

status transaction::count(MDB_dbi table, std::uint64_t& entries) {
  MDB_stat facts{};
  const int code = mdb_stat(handle_, table, &facts);
  entries = facts.ms_entries;
  return {code, "mdb_stat"};
}

status transaction::pages(MDB_dbi table, std::uint64_t& pages) {
  MDB_stat facts{};
  const int code = mdb_stat(handle_, table, &facts);
  pages = facts.ms_branch_pages + facts.ms_leaf_pages + facts.ms_overflow_pages;
  return {code, "mdb_stat"};
}

status transaction::find(MDB_dbi table, bytes_view key, bytes_view& value) {
  MDB_val wanted = to_val(key);
  MDB_val found{};
  const int code = mdb_get(handle_, table, &wanted, &found);
  value = to_view(found);
  return {code, "mdb_get"};
}

status transaction::insert(MDB_dbi table, bytes_view key, bytes_view value, bytes_view& there) {
  MDB_val wanted = to_val(key);
  MDB_val stored = to_val(value);
  const int code = mdb_put(handle_, table, &wanted, &stored, MDB_NOOVERWRITE);
  there = to_view(stored);
  return {code, "mdb_put"};
}

status transaction::replace(MDB_dbi table, bytes_view key, bytes_view value) {
  MDB_val wanted = to_val(key);
  MDB_val stored = to_val(value);
  return {mdb_put(handle_, table, &wanted, &stored, 0), "mdb_put"};
}

status transaction::erase(MDB_dbi table, bytes_view key) {
  MDB_val wanted = to_val(key);
  return {mdb_del(handle_, table, &wanted, nullptr), "mdb_del"};
}

cursor::~cursor() {
  if (handle_ != nullptr)
    mdb_cursor_close(handle_);
}

status cursor::open(const transaction& txn, MDB_dbi table) {
  return {mdb_cursor_open(txn.handle(), table, &handle_), "mdb_cursor_open"};
}

status cursor::find(bytes_view key) {
  return move(key, MDB_SET_KEY);
}

status cursor::seek(bytes_view key) {
  return move(key, MDB_SET_RANGE);
}

status cursor::next() {
  return move({}, MDB_NEXT);
}

status cursor::first() {
  return move({}, MDB_FIRST);
}

status cursor::insert(bytes_view key, bytes_view value, bytes_view& there) {
  MDB_val wanted = to_val(key);
  MDB_val stored = to_val(value);
  const int code = mdb_cursor_put(handle_, &wanted, &stored, MDB_NOOVERWRITE);
  there = to_view(stored);
  return {code, "mdb_cursor_put"};
}

status cursor::replace(bytes_view key, bytes_view value) {
  MDB_val at = to_val(key);
  MDB_val stored = to_val(value);
  return {mdb_cursor_put(handle_, &at, &stored, MDB_CURRENT), "mdb_cursor_put"};
}

status cursor::erase() {
  return {mdb_cursor_del(handle_, 0), "mdb_cursor_del"};
}

status cursor::move(bytes_view key, MDB_cursor_op operation) {
  MDB_val found_key = to_val(key);
  MDB_val found_value{};
  const int code = mdb_cursor_get(handle_, &found_key, &found_value, operation);
  key_ = to_view(found_key);
  value_ = to_view(found_value);
  return {code, "mdb_cursor_get"};
}

} // namespace weir::storage::lmdb
