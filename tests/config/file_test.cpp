// What load_config makes of what it is pointed to: files, folders, devices, pipes.
#include <weir/config.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

using namespace weir;

namespace {

const std::string good = "[llm]\n[llm.providers.p]\ntype = \"openai\"\napi_key = \"k\"\n";

/// A new folder with files in it, gone at the end of the scope.
class scratch {
public:
  scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-config-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::filesystem::path file(const std::string& text) const {
    const auto path = folder_ / "weir.toml";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

private:
  std::filesystem::path folder_;
};

std::string words(const std::filesystem::path& file) {
  const auto loaded = load_config(file);
  return loaded ? std::string("good") : to_string(loaded.error().front());
}

} // namespace

BOOST_AUTO_TEST_SUITE(file_test)

BOOST_AUTO_TEST_CASE(a_file_that_is_none_is_refused_in_words) {
  BOOST_TEST(words("/nowhere/weir.toml") == "/nowhere/weir.toml: there is no such file");
  BOOST_TEST(words("/tmp") == "/tmp: is a folder; expected a TOML file");
  // Opens, and fails at the first byte.
  BOOST_TEST(words("/proc/self/mem") == "/proc/self/mem: cannot be read");
  const scratch folder;
  const auto file = folder.file(good);
  std::filesystem::permissions(file, std::filesystem::perms::none);
  if (::geteuid() != 0) // who may read everything
    BOOST_TEST(words(file) == file.string() + ": cannot be read");
}

BOOST_AUTO_TEST_CASE(a_device_without_an_end_is_refused_after_one_mebibyte) {
  BOOST_TEST(words("/dev/zero") == "/dev/zero: is larger than 1 MiB");
}

BOOST_AUTO_TEST_CASE(a_file_of_one_mebibyte_is_read_and_one_byte_more_is_not) {
  const scratch folder;
  std::string text = good + '#';
  text.resize(1 << 20, '.');
  BOOST_TEST(words(folder.file(text)) == "good");
  const auto file = folder.file(text + '.');
  BOOST_TEST(words(file) == file.string() + ": is larger than 1 MiB");
}

BOOST_AUTO_TEST_CASE(a_snapshot_says_which_text_it_was_loaded_from) {
  BOOST_TEST(content_hash("") == 0xcbf29ce484222325U);
  BOOST_TEST(content_hash("foobar") == 0x85944171f73967e8U); // the algorithm's published vector
  BOOST_TEST(snapshot{}.source_hash == 0U);
  const scratch folder;
  const std::string text = "\xef\xbb\xbf# \xce\xbc\r\n" + good; // as it stands in the file, byte for byte
  const auto loaded = load_config(folder.file(text));
  BOOST_REQUIRE(loaded.has_value());
  BOOST_TEST((*loaded)->source_hash == content_hash(text));
  const auto edited = load_config(folder.file(text + '\n'));
  BOOST_REQUIRE(edited.has_value());
  BOOST_TEST((*edited)->source_hash != (*loaded)->source_hash);
}

BOOST_AUTO_TEST_SUITE_END()
