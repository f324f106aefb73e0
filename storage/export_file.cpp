// write, fsync, rename, fsync of the folder.
// Knows no format.
#include "storage/export_file.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::storage {

namespace {

constexpr std::size_t buffer_bytes = 256U << 10U;
constexpr unsigned most_links = 16;

failure complaint(const std::filesystem::path& file, int error) {
  failure failed = make_failure(errc::storage, std::strerror(error), file.string());
  failed.retryable = error == ENOSPC || error == EDQUOT || error == EIO;
  return failed;
}

/// Where a link leads to in the end, be there a file yet or not.
std::filesystem::path end_of_links(std::filesystem::path path) {
  std::error_code problem;
  for (unsigned links = 0; links != most_links && std::filesystem::is_symlink(path, problem); ++links)
    path = path.parent_path() / std::filesystem::read_symlink(path, problem);
  return path;
}

int sync_folder(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0)
    return errno;
  const int error = ::fsync(opened) == 0 || errno == EINVAL ? 0 : errno; // some file systems cannot
  ::close(opened);
  return error;
}

} // namespace

result<export_file> export_file::create(const std::filesystem::path& target) {
  if (target.empty())
    return make_failure(errc::storage, "the file to write has no name", "export_file");
  std::filesystem::path end = end_of_links(target);
  std::error_code ignored;
  const auto there = std::filesystem::status(end, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    failure refused = make_failure(errc::storage, "is no file that could be replaced", target.string());
    refused.retryable = false;
    return refused;
  }
  static std::atomic<std::uint64_t> number{0};
  std::filesystem::path temporary = end;
  temporary += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0)
    return complaint(target, errno);
  if (std::filesystem::exists(there))
    (void)::fchmod(file, static_cast<mode_t>(there.permissions()) & 0777U);
  return export_file(std::move(end), std::move(temporary), file);
}

export_file::export_file(std::filesystem::path target, std::filesystem::path temporary, int file)
    : target_(std::move(target)), temporary_(std::move(temporary)), file_(file) {
  buffer_.reserve(buffer_bytes);
}

export_file::export_file(export_file&& other) noexcept
    : target_(std::move(other.target_)), temporary_(std::exchange(other.temporary_, {})),
      file_(std::exchange(other.file_, -1)), error_(other.error_), buffer_(std::move(other.buffer_)),
      bytes_(other.bytes_) {}

export_file::~export_file() {
  close();
  if (!temporary_.empty())
    ::unlink(temporary_.c_str());
}

void export_file::close() noexcept {
  if (file_ >= 0)
    ::close(std::exchange(file_, -1));
}

result<void> export_file::failed(int error) {
  if (error_ == 0)
    error_ = error;
  return complaint(target_, error_);
}

result<void> export_file::write(std::string_view text) {
  if (error_ != 0)
    return failed(error_);
  buffer_ += text;
  bytes_ += text.size();
  if (buffer_.size() < buffer_bytes)
    return {};
  return flush();
}

result<void> export_file::flush() {
  for (std::string_view rest = buffer_; !rest.empty();) {
    const auto written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return failed(errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return {};
}

result<void> export_file::commit() {
  if (error_ != 0)
    return failed(error_);
  if (auto flushed = flush(); !flushed)
    return flushed;
  if (::fsync(file_) != 0)
    return failed(errno);
  // Some file systems tell of a failed write only now.
  if (::close(std::exchange(file_, -1)) != 0)
    return failed(errno);
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0)
    return failed(errno);
  temporary_.clear();
  if (const int error = sync_folder(target_); error != 0)
    return failed(error);
  return {};
}

} // namespace weir::storage
