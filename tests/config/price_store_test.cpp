// The last good list: kept, compared with, and never replaced by one that is not believed.
#include "config/price_store.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <sys/stat.h>
#include <unistd.h>

using namespace weir;

namespace {

const timestamp noon{std::chrono::seconds{1'764'000'000}};

class folder {
public:
  folder() : path_(std::filesystem::temp_directory_path() / ("weir-prices-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    config.usage_data_dir = path_ / "books";
    config.price_source.source = "https://prices.example/list.json";
  }
  ~folder() { std::filesystem::remove_all(path_); }

  std::filesystem::path file() const { return config::price_store_of(config); }
  config::price_intake take(const std::string& text, bool accept = false) const {
    return config::take_in(text, config.price_source, file(), nullptr,
                           {config.price_source.max_change_permille, noon, &config}, accept);
  }
  std::string stored() const {
    const auto read = config::stored_prices(file(), config.price_source);
    return read ? std::to_string((*read)->entry_count()) : read.error().message;
  }

  snapshot config;

private:
  std::filesystem::path path_;
};

/// A list with one model at that price.
std::string list(const std::string& input) {
  return R"({"m":{"litellm_provider":"a","input_cost_per_token":)" + input +
         R"(,"output_cost_per_token":"1e-6","mode":"chat"}})";
}

} // namespace

BOOST_AUTO_TEST_SUITE(price_store_test)

BOOST_AUTO_TEST_CASE(a_list_that_is_believed_is_kept_for_its_owner_only) {
  const folder here;
  const auto taken = here.take(list("1e-6"));
  BOOST_REQUIRE(taken.book);
  BOOST_TEST(!taken.error.has_value());
  BOOST_TEST(!taken.before);
  BOOST_TEST(here.stored() == "1");
  struct stat status {};
  BOOST_REQUIRE(::stat(here.file().c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777U) == 0600U);
  BOOST_TEST(!std::filesystem::exists(here.file().string() + ".new"));
  const auto again = config::stored_prices(here.file(), here.config.price_source);
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST((*again)->version() == taken.book->version());
}

BOOST_AUTO_TEST_CASE(the_last_good_list_stays_when_a_worse_one_comes) {
  const folder here;
  const auto good = here.take(list("1e-6"));
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("<html>"), list("11e-6"), list("0"),
        std::string(R"({"n":{"litellm_provider":"a","input_cost_per_token":1,"output_cost_per_token":1}})"),
        list("1e-6").substr(0, 40)}) {
    const auto taken = here.take(bad);
    BOOST_TEST(!taken.book, bad);
    BOOST_TEST(taken.error.has_value(), bad);
    BOOST_REQUIRE(taken.before);
    BOOST_TEST(taken.before->version() == good.book->version());
    BOOST_TEST((*config::stored_prices(here.file(), here.config.price_source))->version() ==
               good.book->version());
  }
  BOOST_TEST(here.take(list("9e-6")).book != nullptr);
}

BOOST_AUTO_TEST_CASE(a_list_can_be_accepted_by_hand) {
  const folder here;
  BOOST_TEST(here.take(list("1e-6")).book != nullptr);
  BOOST_TEST(here.take(list("1e-3")).book == nullptr);
  BOOST_TEST(here.take(list("1e-3"), true).book != nullptr);
  BOOST_TEST(here.take(list("1e-3")).book != nullptr); // it is the last good one now
}

BOOST_AUTO_TEST_CASE(a_list_of_another_source_and_a_damaged_one_are_none) {
  folder here;
  BOOST_TEST(here.stored().find("cannot be read") != std::string::npos);
  BOOST_TEST(here.take(list("1e-6")).book != nullptr);
  here.config.price_source.source = "https://prices.example/other.json";
  BOOST_TEST(here.stored().find("another source") != std::string::npos);
  // A first list of another source has nothing to be compared with.
  BOOST_TEST(here.take(list("1e-3")).book != nullptr);
  std::ofstream(here.file()) << "{\"source\":";
  BOOST_TEST(here.stored().find("no JSON") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_list_that_cannot_be_kept_is_used_all_the_same) {
  folder here;
  std::filesystem::create_directories(here.file()); // in the place of the file
  const auto taken = here.take(list("1e-6"));
  BOOST_TEST(taken.book != nullptr);
  BOOST_REQUIRE(taken.error.has_value());
  BOOST_TEST((taken.error->type == errc::storage));
}

BOOST_AUTO_TEST_CASE(what_is_known_without_asking_is_there_at_the_start) {
  folder here;
  BOOST_TEST(!config::prices_at_start(here.config, noon));
  BOOST_TEST(here.take(list("1e-6")).book != nullptr);
  BOOST_TEST(config::prices_at_start(here.config, noon) != nullptr); // the URL is not asked
  const std::string file = (here.file().parent_path() / "list.json").string();
  here.config.price_source.source = file;
  BOOST_TEST(!config::prices_at_start(here.config, noon));
  std::ofstream(file) << list("2e-6");
  BOOST_REQUIRE(config::prices_at_start(here.config, noon));
  std::ofstream(file) << "garbage";
  BOOST_TEST(config::prices_at_start(here.config, noon) != nullptr); // the last good one
}

BOOST_AUTO_TEST_SUITE_END()
