// A file that appears whole or not at all, whatever fails.
// Knows no format.
#include "storage/export_file.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include <unistd.h>

using namespace weir;
using namespace weir::storage;

namespace {

/// A folder that goes with its test.
struct temporary {
  temporary() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-export-XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~temporary() { std::filesystem::remove_all(path); }

  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()));
  }
  std::filesystem::path path;
};

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void put(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(export_file_test)

BOOST_AUTO_TEST_CASE(nothing_is_there_before_the_commit_and_all_after_it) {
  const temporary folder;
  const auto target = folder.path / "a.csv";
  auto file = export_file::create(target);
  BOOST_REQUIRE(file.has_value());
  BOOST_TEST(file->write("one,").has_value());
  BOOST_TEST(!std::filesystem::exists(target));
  BOOST_TEST(file->write(std::string(600'000, 'x')).has_value());
  BOOST_REQUIRE(file->commit().has_value());
  BOOST_TEST(text_of(target) == "one," + std::string(600'000, 'x'));
  BOOST_TEST(file->bytes() == 600'004U);
  BOOST_TEST(folder.files() == 1U);
}

BOOST_AUTO_TEST_CASE(who_gives_up_leaves_the_old_file_and_nothing_else) {
  const temporary folder;
  const auto target = folder.path / "a.csv";
  put(target, "old");
  {
    auto file = export_file::create(target);
    BOOST_REQUIRE(file.has_value());
    BOOST_TEST(file->write(std::string(300'000, 'x')).has_value());
    BOOST_TEST(folder.files() == 2U);
  }
  BOOST_TEST(text_of(target) == "old");
  BOOST_TEST(folder.files() == 1U);
}

BOOST_AUTO_TEST_CASE(the_one_that_was_moved_from_removes_nothing) {
  const temporary folder;
  const auto target = folder.path / "a";
  auto file = export_file::create(target);
  BOOST_REQUIRE(file.has_value());
  {
    export_file moved(std::move(*file));
    BOOST_TEST(moved.write("x").has_value());
    BOOST_TEST(moved.commit().has_value());
  }
  BOOST_TEST(text_of(target) == "x");
}

BOOST_AUTO_TEST_CASE(a_file_keeps_its_permissions_and_a_link_its_end) {
  const temporary folder;
  const auto target = folder.path / "a";
  put(target, "old");
  std::filesystem::permissions(target, std::filesystem::perms(0640));
  std::filesystem::create_symlink("a", folder.path / "link");
  auto file = export_file::create(folder.path / "link");
  BOOST_REQUIRE(file.has_value());
  BOOST_TEST(file->write("new").has_value());
  BOOST_REQUIRE(file->commit().has_value());
  BOOST_TEST(std::filesystem::is_symlink(folder.path / "link"));
  BOOST_TEST(text_of(target) == "new");
  BOOST_TEST((std::filesystem::status(target).permissions() == std::filesystem::perms(0640)));
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused_by_name) {
  const temporary folder;
  for (const std::filesystem::path& target : {folder.path, std::filesystem::path("/dev/full"),
                                              folder.path / "none" / "a", std::filesystem::path()}) {
    const auto file = export_file::create(target);
    BOOST_REQUIRE(!file);
    BOOST_TEST((file.error().type == errc::storage));
    if (!target.empty())
      BOOST_TEST(file.error().place == target.string());
  }
}

BOOST_AUTO_TEST_CASE(two_at_once_do_not_meet) {
  const temporary folder;
  auto first = export_file::create(folder.path / "a");
  auto second = export_file::create(folder.path / "a");
  BOOST_REQUIRE((first && second));
  BOOST_TEST(first->write("first").has_value());
  BOOST_TEST(second->write("second").has_value());
  BOOST_TEST(second->commit().has_value());
  BOOST_TEST(first->commit().has_value());
  BOOST_TEST(text_of(folder.path / "a") == "first");
}

BOOST_AUTO_TEST_SUITE_END()
