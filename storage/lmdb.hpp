// LMDB's C interface in owners: what is opened here is closed here.
// Knows nothing of records; says what LMDB answered, and decides nothing about it.
#pragma once

#include <weir/error.hpp>

#include <lmdb.h>

#include <cstdint>
#include <filesystem>
#include <span>

namespace weir::storage::lmdb {

using bytes_view = std::span<const std::uint8_t>;

/// What an LMDB call answered: LMDB's code or an `errno`, and the call's name.
struct [[nodiscard]] status {
  int code = MDB_SUCCESS;
  const char* call = "";

  bool ok() const noexcept { return code == MDB_SUCCESS; }
};

/// The status as a `storage` failure about a folder; `place` is the call. `retryable` when it may pass by
/// itself (a full or failing disk, no memory, no free reader), and not when somebody must act.
failure to_failure(const status& answer, const std::filesystem::path& dir);

/// An open environment: the map of one folder.
class environment {
public:
  environment() = default;
  environment(environment&& other) noexcept;
  environment& operator=(environment&& other) noexcept;
  ~environment() { close(); }

  /// Opens with the flags `MDB_NOTLS | MDB_NORDAHEAD`, and `MDB_RDONLY` to read only: any other flag would
  /// give up durability or safety.
  static status open(const std::filesystem::path& dir, std::uint64_t map_bytes, bool read_only,
                     environment& opened);

  /// There must be no transaction.
  void close() noexcept;

  /// Frees the reader slots of processes that died: until then, no page that they may have seen is used
  /// again. `dead` becomes their number.
  status clear_dead_readers(int& dead) const noexcept;

  bool is_open() const noexcept { return handle_ != nullptr; }
  MDB_env* handle() const noexcept { return handle_; }

  std::uint64_t map_bytes() const noexcept;
  std::uint64_t page_bytes() const noexcept;
  std::uint64_t used_bytes() const noexcept; ///< pages that were ever in use, times their size
  std::uint64_t file_bytes() const noexcept; ///< the data file's length; 0 when it cannot be told

  /// Makes the file as long as the map, sparsely: it takes no disk. So no page lies beyond its end, not even
  /// one that a transaction took and gave back, which LMDB counts and never writes. To be called in a writing
  /// transaction, so that no other process lengthens the file meanwhile. The process's limit on file sizes is
  /// respected.
  status lengthen_file() const noexcept;

private:
  MDB_env* handle_ = nullptr;
};

enum class access : std::uint8_t { read, write };

/// A transaction; aborted unless committed.
class transaction {
public:
  transaction() = default;
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction() { abort(); }

  /// A closed environment answers `MDB_PANIC`, like a broken one.
  status begin(const environment& env, access kind);
  status commit();
  void abort() noexcept;

  /// Opens a named table, or the unnamed one that holds the names; `flags` may be `MDB_CREATE`.
  status open_table(const char* name, unsigned flags, MDB_dbi& table);
  status count(MDB_dbi table, std::uint64_t& entries);
  /// The pages that a table takes now; table 0 is LMDB's list of free pages, 1 that of the tables.
  status pages(MDB_dbi table, std::uint64_t& pages);

  /// `MDB_NOTFOUND` when it is not there. The value lives until the next write or the end.
  status find(MDB_dbi table, bytes_view key, bytes_view& value);

  /// `MDB_KEYEXIST`, and what is there, when the key is taken.
  status insert(MDB_dbi table, bytes_view key, bytes_view value, bytes_view& there);
  status replace(MDB_dbi table, bytes_view key, bytes_view value);
  /// `MDB_NOTFOUND` when it is not there.
  status erase(MDB_dbi table, bytes_view key);

  MDB_txn* handle() const noexcept { return handle_; }

private:
  MDB_txn* handle_ = nullptr;
};

/// A place in one table, in a transaction that must outlive it: a writing one may be committed only after.
class cursor {
public:
  cursor() = default;
  cursor(const cursor&) = delete;
  cursor& operator=(const cursor&) = delete;
  ~cursor();

  status open(const transaction& txn, MDB_dbi table);

  /// To this key; `MDB_NOTFOUND` when it is not there.
  status find(bytes_view key);
  /// To the first key that is not less; `MDB_NOTFOUND` after the last.
  status seek(bytes_view key);
  status next();
  status first();

  /// Like those of the transaction, and quicker where the keys of a batch are near each other.
  status insert(bytes_view key, bytes_view value, bytes_view& there);
  /// Replaces the value of the row that the cursor is at, whose key this is.
  status replace(bytes_view key, bytes_view value);
  /// Deletes the row that the cursor is at; `next` goes to the one after it.
  status erase();

  bytes_view key() const noexcept { return key_; }
  bytes_view value() const noexcept { return value_; }

private:
  status move(bytes_view key, MDB_cursor_op operation);

  MDB_cursor* handle_ = nullptr;
  bytes_view key_;
  bytes_view value_;
};

} // namespace weir::storage::lmdb
