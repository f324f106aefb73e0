// The folder of a ledger: made, checked, and claimed by one opener in the process.
// Knows no LMDB.
#pragma once

#include <weir/error.hpp>

#include <sys/types.h>

#include <filesystem>
#include <utility>

namespace weir::storage {

/// The claim on a folder, given back when it goes. LMDB must not open a folder twice in one process: closing
/// either of the two would drop the locks of both.
class ledger_folder {
public:
  /// Makes the folder (0700) and its parents unless `read_only`. Failures are `storage`: not a folder, not
  /// allowed, on a network file system (LMDB's map and locks do not work there), claimed already.
  static result<ledger_folder> claim(const std::filesystem::path& dir, bool read_only);

  ledger_folder(ledger_folder&& other) noexcept;
  ledger_folder& operator=(ledger_folder&&) = delete;
  ~ledger_folder();

private:
  using identity = std::pair<dev_t, ino_t>;
  explicit ledger_folder(identity id) : id_(id), held_(true) {}

  identity id_;
  bool held_;
};

/// Whether the folder's disk has no room left for anybody but root.
bool is_full(const std::filesystem::path& dir) noexcept;

} // namespace weir::storage
