// A file that appears whole or not at all: written under another name, synced, then renamed.
// Knows no format and no record: whoever writes decides what it says.
#pragma once

#include <weir/error.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace weir::storage {

/// A file on its way, beside its target as `<target>.tmp-<process>-<number>`. Whatever happens
/// before `commit` has succeeded leaves the target as it was, and the temporary file goes with this object. A
/// target that is a symbolic link is written where it leads to, and one that is there already keeps its
/// permissions. All failures are `storage` and name the file
/// in `place`; a full disk is `retryable`.
class export_file {
public:
  /// Errors besides those of the system: the target is a folder, a device or another thing that is no file.
  static result<export_file> create(const std::filesystem::path& target);

  export_file(export_file&& other) noexcept;
  export_file& operator=(export_file&&) = delete;
  ~export_file();

  /// Adds to the file, through a buffer of 256 KiB. After a failure nothing more is written, and each
  /// further call and `commit` fail likewise.
  result<void> write(std::string_view text);

  /// Makes it durable and puts it in the target's place.
  result<void> commit();

  /// How much was written.
  std::uint64_t bytes() const noexcept { return bytes_; }

private:
  export_file(std::filesystem::path target, std::filesystem::path temporary, int file);

  result<void> flush();
  result<void> failed(int error);
  void close() noexcept;

  std::filesystem::path target_;
  std::filesystem::path temporary_; ///< empty: there is none any more
  int file_;
  int error_ = 0; ///< `errno` of the first failure
  std::string buffer_;
  std::uint64_t bytes_ = 0;
};

} // namespace weir::storage
