// The folder of a ledger: made, checked, and claimed by one opener in the process; and by one process of all
// that would book. Knows no LMDB.
#pragma once

#include <weir/error.hpp>

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <utility>

namespace weir::storage {

/// What an opener is going to do.
enum class folder_use : std::uint8_t {
  read,     ///< makes nothing
  maintain, ///< writes, beside a process that books
  book,     ///< is the one process that books
};

/// The claim on a folder, given back when it goes. LMDB must not open a folder twice in one process: closing
/// either of the two would drop the locks of both.
class ledger_folder {
public:
  /// Makes the folder (0700) and its parents unless it is for reading only. Failures are `storage`: not a
  /// folder, not allowed, on a network file system (LMDB's map and locks do not work there), claimed already.
  /// To `book` is refused beside another process that does, with that process's name. The kernel keeps that
  /// lock and drops it with the process, however it ends; the file `booker.lock` only says who has it.
  static result<ledger_folder> claim(const std::filesystem::path& dir, folder_use use);

  ledger_folder(ledger_folder&& other) noexcept;
  ledger_folder& operator=(ledger_folder&&) = delete;
  ~ledger_folder();

private:
  using identity = std::pair<dev_t, ino_t>;
  explicit ledger_folder(identity id) : id_(id), held_(true) {}

  result<void> lock_for_booking(const std::filesystem::path& dir);

  identity id_;
  bool held_;
};

/// Whether the folder's disk has no room left for anybody but root.
bool is_full(const std::filesystem::path& dir) noexcept;

/// Makes the names in a folder durable: who makes or renames a file must do so, or a power cut takes it away
/// with all that was synced in it.
result<void> sync_folder(const std::filesystem::path& dir);

} // namespace weir::storage
