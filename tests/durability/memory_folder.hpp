// A throw-away folder in memory where there is one: no disk is worn, and nothing depends on its speed.
// Knows no ledger.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace weir::durability {

/// A new folder, gone at the end of the scope.
class memory_folder {
public:
  memory_folder() {
    std::string name =
        ::access("/dev/shm", W_OK) == 0 ? "/dev/shm/weir-durability-XXXXXX" : "/tmp/weir-durability-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("no folder for the ledgers");
    path_ = name;
  }
  memory_folder(const memory_folder&) = delete;
  memory_folder& operator=(const memory_folder&) = delete;
  ~memory_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

} // namespace weir::durability
