// A new data file is made in a folder of its own, synced, and moved to its place.
// Knows LMDB's file; knows no table.
#include "storage/new_data_file.hpp"

#include "storage/ledger_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

namespace weir::storage {

namespace {

constexpr const char* data_name = "data.mdb";
constexpr mode_t file_mode = 0600;

lmdb::status make_empty(const std::filesystem::path& dir, std::uint64_t map_bytes) {
  MDB_env* env = nullptr;
  if (const int code = mdb_env_create(&env); code != MDB_SUCCESS)
    return {code, "mdb_env_create"};
  lmdb::status answer{mdb_env_set_mapsize(env, map_bytes), "mdb_env_set_mapsize"};
  if (answer.ok())
    answer = {mdb_env_open(env, dir.c_str(), MDB_NOLOCK, file_mode), "mdb_env_open"};
  if (answer.ok())
    answer = {mdb_env_sync(env, 1), "mdb_env_sync"};
  mdb_env_close(env);
  return answer;
}

lmdb::status move_in(const std::filesystem::path& file, const std::filesystem::path& name) {
  if (::renameat2(AT_FDCWD, file.c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0 || errno == EEXIST)
    return {}; // another process may have been quicker
  if (errno != EINVAL && errno != ENOSYS)
    return {errno, "rename"};
  return ::link(file.c_str(), name.c_str()) == 0 || errno == EEXIST ? lmdb::status{}
                                                                    : lmdb::status{errno, "link"};
}

} // namespace

result<void> make_data_file(const std::filesystem::path& dir, std::uint64_t map_bytes) {
  const auto name = dir / data_name;
  struct stat facts {};
  if (::stat(name.c_str(), &facts) == 0)
    return {};
  std::string place = (dir / "new-XXXXXX").string();
  if (::mkdtemp(place.data()) == nullptr)
    return lmdb::to_failure({errno, "mkdtemp"}, dir);
  lmdb::status answer = make_empty(place, map_bytes);
  if (answer.ok())
    answer = move_in(std::filesystem::path(place) / data_name, name);
  std::error_code ignored;
  std::filesystem::remove_all(place, ignored);
  if (!answer.ok())
    return lmdb::to_failure(answer, dir);
  return sync_folder(dir);
}

} // namespace weir::storage
