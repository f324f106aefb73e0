// The vocabularies that a file names: loaded with it, told apart from what is none, shown, read once.
#include "tests/config/loading.hpp"

#include "config/show.hpp"
#include "tests/protocols/made_vocabulary.hpp"

#include <weir/tokens.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

using namespace weir;
using namespace weir::tests;

namespace {

/// A new folder with vocabularies in it, gone at the end of the scope.
class vocabularies {
public:
  vocabularies() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-vocabularies-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
  }
  vocabularies(const vocabularies&) = delete;
  vocabularies& operator=(const vocabularies&) = delete;
  ~vocabularies() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string file(const std::string& name, const std::string& text = test::rank_file({"ab"})) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return path(name);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

private:
  std::filesystem::path folder_;
};

std::string naming(const std::string& list) {
  return with("", "[llm.tokens]\nvocabularies = [" + list + "]\n");
}

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

const std::string place = "7:16 llm.tokens.vocabularies names ";

} // namespace

BOOST_AUTO_TEST_SUITE(tokens_test)

BOOST_AUTO_TEST_CASE(a_file_without_the_table_names_no_vocabulary) {
  BOOST_TEST((*load(with("")))->vocabularies.empty());
  BOOST_TEST((*load(with("", "[llm.tokens]\n")))->vocabularies.empty());
  BOOST_TEST((*load(naming("")))->vocabularies.empty());
}

BOOST_AUTO_TEST_CASE(what_is_named_is_loaded_and_not_installed) {
  const vocabularies folder;
  const std::string newer = folder.file("o200k_base.tiktoken");
  const std::string older = folder.file("cl100k_base.tiktoken", test::rank_file({"abab"}));
  const std::string text = naming(quoted(newer) + ", " + quoted(older));
  const auto loaded = load(text);
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), only_fault(text));
  const auto& read = (*loaded)->vocabularies;
  BOOST_REQUIRE_EQUAL(read.size(), 2U);
  BOOST_TEST(read[0].file == newer);
  BOOST_TEST(read[0].vocabulary->vocabulary() == "o200k_base");
  BOOST_TEST(read[0].vocabulary->count("abab") == 2U);
  BOOST_TEST(read[1].file == older);
  BOOST_TEST(read[1].vocabulary->count("abab") == 1U);
  BOOST_TEST(installed_vocabulary("o200k_base") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_path_may_hold_variables) {
  const vocabularies folder;
  const std::string file = folder.file("o200k_base.tiktoken");
  const auto loaded =
      config::load_text(naming(R"("${DIRECTORY}/o200k_base.tiktoken")"), "weir.toml",
                        [&](const std::string&) -> std::optional<std::string> { return folder.path("."); });
  BOOST_REQUIRE(loaded.has_value());
  BOOST_TEST((*loaded)->vocabularies.at(0).file == folder.path(".") + "/o200k_base.tiktoken");
  is_fault(naming(R"("${NOT_SET}/x")"), "7:17 llm.tokens.vocabularies", "NOT_SET, which is not set");
}

BOOST_AUTO_TEST_CASE(what_is_no_vocabulary_is_a_fault_of_the_key) {
  const vocabularies folder;
  const std::string good = folder.file("o200k_base.tiktoken");
  const std::string missing = folder.path("cl100k_base.tiktoken");
  is_fault(naming(quoted(missing)), place + quoted(missing),
           "which cannot be used: the vocabulary cannot be read: No such file");
  is_fault(naming(quoted(good) + ", " + quoted(missing)), place + quoted(missing), "cannot be read");
  const std::string damaged = folder.file("cl100k_base.tiktoken", "IQ== 0\nIg== zero\n");
  is_fault(naming(quoted(damaged)), place + quoted(damaged), "which cannot be used: line 2: ");
  const std::string other = folder.file("mine.tiktoken");
  is_fault(naming(quoted(other)), place + quoted(other), "o200k_base and cl100k_base, not 'mine'");
  is_fault(naming(quoted(good) + ", " + quoted(folder.path("./o200k_base.tiktoken"))), place,
           "a second o200k_base");
  is_fault(naming(quoted(folder.path("."))), place, "cannot be read");
  is_fault(naming(quoted("")), place + "\"\"", "no path");
  is_fault(naming(quoted(std::string(5000, 'x'))), place, "no path");
  BOOST_TEST(only_fault(naming(quoted(std::string(500'000, 'x')))).size() < 5000U);
  is_fault(naming("1"), "7:16 llm.tokens.vocabularies", "expected an array of strings");
  is_fault(with("", "[llm.tokens]\nvocabulary = []\n"), "7:1 llm.tokens.vocabulary",
           "did you mean 'vocabularies'");
}

BOOST_AUTO_TEST_CASE(what_is_shown_loads_again_the_same) {
  const vocabularies folder;
  const std::string file = folder.file("o200k_base.tiktoken");
  const auto loaded = load(naming(quoted(file)));
  BOOST_REQUIRE(loaded.has_value());
  const std::string shown = config::to_toml(**loaded);
  BOOST_TEST(shown.ends_with("\n[llm.tokens]\nvocabularies = [" + quoted(file) + "]\n"), shown);
  const auto again = load(shown);
  BOOST_REQUIRE_MESSAGE(again.has_value(), only_fault(shown));
  BOOST_TEST((*again)->vocabularies.at(0).file == file);
  // What was made in code has no file to be loaded from.
  snapshot made = **loaded;
  made.vocabularies[0].file.clear();
  BOOST_TEST(config::to_toml(made).ends_with("vocabularies = []\n"));
}

BOOST_AUTO_TEST_CASE(a_vocabulary_that_is_installed_is_not_read_again_but_must_be_there) {
  const vocabularies folder;
  const std::string file = folder.file("o200k_base.tiktoken");
  const pid_t child = ::fork(); // what is installed stays
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    const auto first = load(naming(quoted(file)));
    bool good = first.has_value() && install_vocabulary((*first)->vocabularies.at(0).vocabulary);
    folder.file("o200k_base.tiktoken", "damaged");
    const auto second = load(naming(quoted(file)));
    good = good && second.has_value() &&
           (*second)->vocabularies.at(0).vocabulary == (*first)->vocabularies[0].vocabulary;
    std::filesystem::remove(file);
    good = good && load(naming(quoted(file))).has_error();
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

BOOST_AUTO_TEST_SUITE_END()
