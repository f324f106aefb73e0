// `[llm.prices]`, `price_list` and the keys of `[….pricing]`: read exactly, shown again, and refused with
// their place.
#include "config/show.hpp"
#include "loading.hpp"

using namespace weir;
using namespace weir::tests;
using namespace std::chrono_literals;

namespace {

std::string priced(const std::string& lines) {
  return with("[llm.providers.p.models.m.pricing]\ncurrency = \"USD\"\ninput_price = 1\noutput_price = 2\n" +
              lines);
}

} // namespace

BOOST_AUTO_TEST_SUITE(price_schema_test)

BOOST_AUTO_TEST_CASE(a_source_has_a_format_a_schedule_and_a_bound) {
  const auto loaded =
      load(with("price_list = \"azure\"", "[llm.prices]\nsource = \"https://x.example/p.json\"\n"
                                          "format = \"litellm\"\nrefresh = \"1h\"\nmax_change = 2.5\n"));
  BOOST_REQUIRE(loaded.has_value());
  const snapshot& config = **loaded;
  BOOST_TEST(config.providers[0].price_list == "azure");
  BOOST_TEST(config.price_source.source == "https://x.example/p.json");
  BOOST_TEST((config.price_source.format == price_format::litellm));
  BOOST_TEST((config.price_source.refresh == 1h));
  BOOST_TEST(config.price_source.max_change_permille == 2500U);
  const auto again = load(config::to_toml(config));
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST(((*again)->price_source == config.price_source));
  BOOST_TEST((*again)->providers[0].price_list == "azure");
}

BOOST_AUTO_TEST_CASE(without_a_source_there_is_no_list) {
  const auto loaded = load(with(""));
  BOOST_REQUIRE(loaded.has_value());
  BOOST_TEST(((*loaded)->price_source == prices_config{}));
  BOOST_TEST((config::to_toml(**loaded).find("llm.prices") == std::string::npos));
}

BOOST_AUTO_TEST_CASE(a_source_in_the_clear_is_refused) {
  const auto source = [](const std::string& text) {
    return with("", "[llm.prices]\nsource = \"" + text + "\"\n");
  };
  is_fault(source("http://prices.example/p.json"), "7:10 llm.prices.source", "in the clear");
  is_fault(source("ftp://prices.example/p.json"), "7:10 llm.prices.source", "https://");
  BOOST_TEST(load(source("http://127.0.0.1:8080/p.json")).has_value());
  BOOST_TEST(load(source("prices.toml")).has_value());
  is_fault(with("", "[llm.prices]\nformat = \"xml\"\n"), "7:10 llm.prices.format", "genai-prices");
  is_fault(with("", "[llm.prices]\nmax_change = 0.5\n"), "7:14 llm.prices.max_change", "from 1");
}

BOOST_AUTO_TEST_CASE(every_price_of_a_model_is_read_and_shown_again) {
  const auto loaded =
      load(priced("cached_input_price = 0.1\ncache_write_price = 1.25\ncache_write_1h_price = 2\n"
                  "reasoning_price = \"3\"\nrequest_fee = 0.005\nimage_fee = 1e-12\n"
                  "tiers = [{ above = 128_000, input_price = 4 }, { above = 200000, output_price = 8, "
                  "cached_input_price = 0.2, cache_write_price = 2.5, cache_write_1h_price = 4, "
                  "reasoning_price = 6 }]\n"));
  BOOST_REQUIRE_MESSAGE(loaded.has_value(), (loaded ? "" : to_string(loaded.error().front())));
  const pricing& prices = *(*loaded)->providers[0].models[0].prices;
  BOOST_TEST(to_decimal(*prices.reasoning) == "3");
  BOOST_TEST(prices.request_fee == 5'000'000'000);
  BOOST_TEST(prices.image_fee == 1);
  BOOST_REQUIRE(prices.tiers.size() == 2U);
  BOOST_TEST(prices.tiers[0].above == 128'000U);
  BOOST_TEST(to_decimal(*prices.tiers[0].input) == "4");
  BOOST_TEST(!prices.tiers[0].output.has_value());
  BOOST_TEST(to_decimal(*prices.tiers[1].reasoning) == "6");
  const auto again = load(config::to_toml(**loaded));
  BOOST_REQUIRE(again.has_value());
  BOOST_TEST((*(*again)->providers[0].models[0].prices == prices));
}

BOOST_AUTO_TEST_CASE(a_price_that_cannot_be_booked_is_a_fault_at_its_place) {
  const std::string key = "llm.providers.p.models.m.pricing.";
  is_fault(priced("reasoning_price = -1"), "9:19 " + key + "reasoning_price", "negative");
  is_fault(priced("request_fee = 0.0000000000001"), "9:15 " + key + "request_fee", "12 decimals");
  is_fault(priced("image_fee = true"), "9:13 " + key + "image_fee", "decimal");
  is_fault(priced("tiers = [{ input_price = 1 }]"), "9:10 " + key + "tiers.above", "missing");
  is_fault(priced("tiers = [{ above = 5, input_price = 1 }, { above = 5 }]"), "9:9 " + key + "tiers",
           "ascending");
  is_fault(priced("tiers = [{ above = 5, price = 1 }]"), "9:23 " + key + "tiers.price", "unknown");
}

BOOST_AUTO_TEST_SUITE_END()
