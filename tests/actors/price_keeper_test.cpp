// Prices on a virtual clock: fetched, believed or not, handed to calls, and kept over reloads.
#include "config/price_store.hpp"
#include "stage.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

#include <unistd.h>

using namespace weir;
using namespace std::chrono_literals;

namespace {

/// A list in which `a` sells `m` at that price for input.
std::string list(const std::string& input) {
  return R"({"m":{"litellm_provider":"a","input_cost_per_token":)" + input +
         R"(,"output_cost_per_token":2e-6}})";
}

/// A stage whose provider has no prices of its own and reads them from a URL.
class market {
public:
  explicit market(const std::function<void(snapshot&)>& change = {}) : config_(tests::providers({"a"})) {
    std::filesystem::remove_all(folder_);
    config_->usage_data_dir = folder_;
    config_->price_source.source = "https://prices.example/list.json";
    config_->price_source.refresh = 2s;
    config_->providers[0].price_list = "a";
    config_->providers[0].models[0].prices.reset();
    if (change)
      change(*config_);
    here.emplace(config_);
  }
  ~market() {
    here.reset();
    std::filesystem::remove_all(folder_);
  }

  void tell(int status, const std::string& body) {
    BOOST_REQUIRE(!here->network->wire.empty());
    here->network->answer(status, body);
    here->run();
  }
  /// What the next call is booked at.
  std::string cost_of_call() {
    here->call();
    here->run();
    BOOST_REQUIRE(here->network->complete(10, 5));
    here->run();
    const usage_record& record = here->books().back();
    return record.cost ? to_decimal(*record.cost) : "unknown";
  }
  std::size_t fetches() const {
    return static_cast<std::size_t>(std::ranges::count(here->network->hosts, "prices.example"));
  }
  price_report refresh(const std::string& body) {
    const auto answer = here->ask_later<price_report>(refresh_prices{});
    tell(200, body);
    BOOST_REQUIRE(answer->has_value());
    return **answer;
  }
  const std::filesystem::path& folder() const { return folder_; }
  std::shared_ptr<snapshot> config() const { return config_; }

  std::optional<tests::stage> here;

private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("weir-keeper-" + std::to_string(::getpid()));
  std::shared_ptr<snapshot> config_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(price_keeper_test)

BOOST_AUTO_TEST_CASE(a_list_is_fetched_at_start_and_calls_are_priced_by_it) {
  market there;
  BOOST_TEST(there.fetches() == 1U);
  const http_request& asked = there.here->network->wire.front().request;
  BOOST_TEST(asked.head->text().starts_with("GET /list.json HTTP/1.1\r\n"));
  BOOST_TEST(asked.head->text().find("uthorization") == std::string_view::npos);
  there.tell(200, list("1e-6"));
  BOOST_TEST(there.cost_of_call() == "0.00002");
  const usage_record& record = there.here->books().back();
  BOOST_TEST(record.price_version ==
             (*config::stored_prices(config::price_store_of(*there.config()), there.config()->price_source))
                 ->version());
}

BOOST_AUTO_TEST_CASE(the_configurations_own_prices_come_first) {
  market there([](snapshot& config) {
    config.providers[0].models[0].prices = pricing{.unit = *currency::parse("USD"),
                                                   .input = {},
                                                   .output = {},
                                                   .cached_input = {},
                                                   .cache_write = {},
                                                   .cache_write_1h = {}};
  });
  there.tell(200, list("1e-6"));
  BOOST_TEST(there.cost_of_call() == "0");
  BOOST_TEST(there.here->books().back().price_version == 0U);
}

BOOST_AUTO_TEST_CASE(until_there_is_a_list_the_cost_is_unknown) {
  market there;
  there.tell(500, "oops");
  BOOST_TEST(there.cost_of_call() == "unknown");
}

BOOST_AUTO_TEST_CASE(the_list_is_read_again_on_schedule_and_a_new_price_holds_from_then_on) {
  market there;
  there.tell(200, list("1e-6"));
  BOOST_TEST(there.cost_of_call() == "0.00002");
  there.here->advance(1700ms); // the question before took 100 ms
  BOOST_TEST(there.fetches() == 1U);
  there.here->advance(300ms);
  BOOST_TEST(there.fetches() == 2U);
  there.tell(200, list("2e-6"));
  BOOST_TEST(there.cost_of_call() == "0.00003");
}

BOOST_AUTO_TEST_CASE(a_list_that_is_not_believed_changes_nothing_and_says_why) {
  market there;
  there.tell(200, list("1e-6"));
  for (const std::string& bad : {list("1"), std::string("<html>"), std::string("{}")}) {
    const price_report told = there.refresh(bad);
    BOOST_TEST(told.error.has_value(), bad);
    BOOST_TEST(!told.changed);
    BOOST_TEST(told.models == 1U);
    BOOST_TEST(there.cost_of_call() == "0.00002");
  }
}

BOOST_AUTO_TEST_CASE(who_asks_gets_the_answer_of_the_next_look) {
  market there;
  there.tell(200, list("1e-6"));
  const price_report same = there.refresh(list("1e-6"));
  BOOST_TEST(!same.changed);
  BOOST_TEST(!same.error.has_value());
  BOOST_TEST(same.source == "https://prices.example/list.json");
  const price_report other = there.refresh(list("3e-6"));
  BOOST_TEST(other.changed);
  BOOST_TEST(other.version != same.version);
}

BOOST_AUTO_TEST_CASE(a_source_that_cannot_be_reached_leaves_the_last_good_list) {
  market there;
  there.tell(200, list("1e-6"));
  const auto answer = there.here->ask_later<price_report>(refresh_prices{});
  there.here->network->fail(errc::network, outcome::not_sent);
  there.here->run();
  BOOST_REQUIRE(answer->has_value());
  BOOST_TEST(((*answer)->error->type == errc::network));
  BOOST_TEST(there.cost_of_call() == "0.00002");
}

BOOST_AUTO_TEST_CASE(a_reload_keeps_the_prices_and_another_source_is_read_at_once) {
  market there;
  there.tell(200, list("1e-6"));
  auto next = std::make_shared<snapshot>(*there.config());
  next->version = 2;
  caf::anon_send(there.here->manager, snapshot_ptr(next));
  there.here->run();
  BOOST_TEST(there.fetches() == 1U);
  BOOST_TEST(there.cost_of_call() == "0.00002");
  auto other = std::make_shared<snapshot>(*next);
  other->price_source.source = "https://prices.example/other.json";
  caf::anon_send(there.here->manager, snapshot_ptr(other));
  there.here->run();
  BOOST_TEST(there.fetches() == 2U);
  there.tell(200, list("1e-3")); // has nothing to do with the first list but who asks
  BOOST_TEST(there.cost_of_call() == "0.00002");
  auto none = std::make_shared<snapshot>(*next);
  none->price_source = {};
  caf::anon_send(there.here->manager, snapshot_ptr(none));
  there.here->run();
  BOOST_TEST(there.cost_of_call() == "unknown");
}

BOOST_AUTO_TEST_CASE(offline_no_socket_is_opened) {
  market there([](snapshot& config) { config.mode = run_mode::offline; });
  BOOST_TEST(there.fetches() == 0U);
  const auto told = there.here->ask<price_report>(refresh_prices{});
  BOOST_REQUIRE(told.has_value());
  BOOST_TEST((told->error->type == errc::offline));
  BOOST_TEST(there.fetches() == 0U);
}

BOOST_AUTO_TEST_CASE(a_file_is_read_when_it_is_asked_for) {
  const auto file =
      std::filesystem::temp_directory_path() / ("weir-list-" + std::to_string(::getpid()) + ".json");
  std::ofstream(file) << list("1e-6");
  {
    market there([&](snapshot& config) { config.price_source.source = file.string(); });
    BOOST_TEST(there.fetches() == 0U);
    BOOST_TEST(there.cost_of_call() == "0.00002");
    std::ofstream(file) << list("2e-6");
    BOOST_TEST(there.cost_of_call() == "0.00002");
    const auto told = there.here->ask<price_report>(refresh_prices{});
    BOOST_REQUIRE(told.has_value());
    BOOST_TEST(told->changed);
    BOOST_TEST(there.cost_of_call() == "0.00003");
  }
  std::filesystem::remove(file);
}

BOOST_AUTO_TEST_CASE(without_a_source_there_is_nothing_to_read) {
  market there([](snapshot& config) { config.price_source = {}; });
  BOOST_TEST(there.fetches() == 0U);
  BOOST_TEST(!there.here->ask<price_report>(refresh_prices{}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
