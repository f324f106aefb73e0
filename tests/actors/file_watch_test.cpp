// The real watch against the ways in which files are saved: in place, by rename, by a link that is swapped.
#include "actors/file_watch.hpp"

#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <stdlib.h>

using namespace weir;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A folder with a watched file in it.
class watched {
public:
  watched() {
    std::string pattern = (fs::temp_directory_path() / "weir-watch-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~watched() {
    watch_.reset();
    fs::remove_all(folder);
  }

  void start(const fs::path& file) {
    auto started = actors::watch_file(file, [this] {
      const std::lock_guard hold(lock_);
      ++changes_;
      wake_.notify_all();
    });
    BOOST_REQUIRE(started.has_value());
    watch_ = std::move(*started);
  }
  void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
  /// Whether something was told since the last time that this was asked; waits for it.
  bool told(std::chrono::seconds patience = 2s) {
    std::unique_lock hold(lock_);
    const bool seen = wake_.wait_for(hold, patience, [this] { return changes_ != seen_; });
    seen_ = changes_;
    return seen;
  }

  fs::path folder;

private:
  std::mutex lock_;
  std::condition_variable wake_;
  int changes_ = 0;
  int seen_ = 0;
  std::unique_ptr<actors::file_watch> watch_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(file_watch_test)

BOOST_AUTO_TEST_CASE(a_file_written_in_place_is_seen) {
  watched here;
  here.write(here.folder / "weir.toml", "1");
  here.start(here.folder / "weir.toml");
  here.write(here.folder / "weir.toml", "2");
  BOOST_TEST(here.told());
}

BOOST_AUTO_TEST_CASE(an_editors_rename_is_seen_and_the_next_one_too) {
  watched here;
  here.write(here.folder / "weir.toml", "1");
  here.start(here.folder / "weir.toml");
  for (int n = 0; n != 3; ++n) {
    here.write(here.folder / "weir.toml.new", "2");
    fs::rename(here.folder / "weir.toml.new", here.folder / "weir.toml");
    BOOST_TEST(here.told());
  }
}

BOOST_AUTO_TEST_CASE(a_link_that_is_swapped_is_seen) {
  // As a mounted ConfigMap: weir.toml -> ..data/weir.toml, and ..data -> a folder with the time in its name.
  watched here;
  for (const char* version : {"v1", "v2"}) {
    fs::create_directory(here.folder / version);
    here.write(here.folder / version / "weir.toml", version);
  }
  fs::create_directory_symlink("v1", here.folder / "..data");
  fs::create_symlink("..data/weir.toml", here.folder / "weir.toml");
  here.start(here.folder / "weir.toml");
  fs::create_directory_symlink("v2", here.folder / "..new");
  fs::rename(here.folder / "..new", here.folder / "..data");
  BOOST_TEST(here.told());
}

BOOST_AUTO_TEST_CASE(a_link_further_up_that_is_swapped_is_seen_within_seconds) {
  watched here;
  for (const char* version : {"1", "2"}) {
    fs::create_directories(here.folder / "releases" / version);
    here.write(here.folder / "releases" / version / "weir.toml", version);
  }
  fs::create_directory_symlink("releases/1", here.folder / "current");
  here.start(here.folder / "current" / "weir.toml");
  fs::create_directory_symlink("releases/2", here.folder / "new");
  fs::rename(here.folder / "new", here.folder / "current");
  BOOST_TEST(here.told(8s));
  here.write(here.folder / "releases" / "2" / "weir.toml", "3"); // and its new place is watched
  BOOST_TEST(here.told());
}

BOOST_AUTO_TEST_CASE(a_linked_file_is_seen_where_it_really_is) {
  watched here;
  watched there;
  there.write(there.folder / "real.toml", "1");
  fs::create_symlink(there.folder / "real.toml", here.folder / "weir.toml");
  here.start(here.folder / "weir.toml");
  there.write(there.folder / "real.toml.new", "2");
  fs::rename(there.folder / "real.toml.new", there.folder / "real.toml");
  BOOST_TEST(here.told());
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_is_a_typed_failure) {
  const auto started = actors::watch_file("/nowhere/weir.toml", [] {});
  BOOST_REQUIRE(started.has_error());
  BOOST_TEST((started.error().type == errc::config));
}

BOOST_AUTO_TEST_SUITE_END()
