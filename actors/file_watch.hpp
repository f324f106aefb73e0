// Tells when a file may have changed, whichever way it was saved.
// Knows nothing of what is in the file; reads nothing.
#pragma once

#include <weir/error.hpp>

#include <filesystem>
#include <functional>
#include <memory>

namespace weir::actors {

/// Watches until destroyed.
class file_watch {
public:
  file_watch() = default;
  file_watch(const file_watch&) = delete;
  file_watch& operator=(const file_watch&) = delete;
  virtual ~file_watch() = default;
};

/// Watches by inotify the folder of a file, and the folder of the file that it links to: a watch on the file
/// itself is dead after the first save by an editor that renames. `changed` is called on a thread of the
/// watch's for anything that happens there, often more than once a save, sometimes for another file, and
/// every five seconds in any case, since not all swaps of links and folders further up make an event: who
/// listens looks for himself. Errors: `config` (no such folder, no inotify left).
result<std::unique_ptr<file_watch>> watch_file(const std::filesystem::path& file,
                                               std::function<void()> changed);

} // namespace weir::actors
