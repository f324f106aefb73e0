// What differs between two lists, and which lists are not believed.
#include <weir/prices.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>

using namespace weir;
using kind = name_rule::kind;

namespace {

const timestamp now = *parse_timestamp("2026-11-26T12:00:00Z");

price dollars(std::int64_t millis) {
  return price{millis * 1'000'000'000};
}

/// A list of a hundred models of one provider, each at 1 and 2 USD.
std::vector<listed_provider> hundred() {
  listed_provider provider;
  provider.name = "a";
  pricing prices;
  prices.unit = *currency::parse("USD");
  prices.input = dollars(1000);
  prices.output = dollars(2000);
  for (int n = 0; n != 100; ++n) {
    const std::string name = "m" + std::to_string(n);
    provider.entries.push_back({name, *name_rule::make(kind::equals, name), {{.prices = prices}}});
  }
  return {provider};
}

using edit = std::function<void(listed_provider&)>;

price_book edited(const edit& change) {
  auto list = hundred();
  change(list.front());
  return price_book(std::move(list));
}

pricing& prices_in(listed_provider& list, std::size_t n) {
  return *list.entries[n].periods.front().prices;
}

std::string words(const std::vector<price_change>& changes) {
  std::string all;
  for (const price_change& each : changes)
    all += each.provider + "/" + each.entry + " " + each.field + " " + each.before + "->" + each.after +
           (each.permille ? " " + std::to_string(*each.permille) : "") + (each.from ? " later" : "") + "\n";
  return all;
}

std::string changes(const edit& change) {
  return words(changes_between(price_book(hundred()), edited(change), now));
}

std::string why_not(const edit& change, const snapshot* used = nullptr, std::uint32_t permille = 10'000) {
  const price_book before(hundred());
  const auto refused = implausible(&before, edited(change), {permille, now, used});
  return refused ? refused->message : "good";
}

} // namespace

BOOST_AUTO_TEST_SUITE(price_changes_test)

BOOST_AUTO_TEST_CASE(every_difference_is_told_once) {
  BOOST_TEST(changes([](listed_provider&) {}).empty());
  BOOST_TEST(changes([](listed_provider& list) { prices_in(list, 3).input = dollars(1500); }) ==
             "a/m3 input_price 1->1.5 1500\n");
  BOOST_TEST(changes([](listed_provider& list) { prices_in(list, 3).reasoning = dollars(3); }) ==
             "a/m3 reasoning_price ->0.003\n");
  BOOST_TEST(changes([](listed_provider& list) { prices_in(list, 3).request_fee = 1; }) ==
             "a/m3 request_fee ->0.000000000001\n");
  BOOST_TEST(changes([](listed_provider& list) {
               prices_in(list, 3).tiers.push_back({.above = 200'000, .input = dollars(2000)});
             }) == "a/m3 above 200000: input_price ->2\n");
  BOOST_TEST(changes([](listed_provider& list) { prices_in(list, 3).unit = *currency::parse("EUR"); }) ==
             "a/m3 currency USD->EUR\n");
  BOOST_TEST(changes([](listed_provider& list) { list.entries.pop_back(); }) == "a/m99 entry 1/2 USD->\n");
  BOOST_TEST(changes([](listed_provider& list) { list.entries[99].name = "n"; }) ==
             "a/m99 entry 1/2 USD->\na/n entry ->1/2 USD\n");
  BOOST_TEST(changes([](listed_provider& list) { list.entries[0].periods.front().prices.reset(); }) ==
             "a/m0 entry 1/2 USD->\n");
}

BOOST_AUTO_TEST_CASE(a_price_that_begins_later_is_told_too) {
  BOOST_TEST(changes([](listed_provider& list) {
               price_period later = list.entries[3].periods.front();
               later.from = now + std::chrono::hours{24};
               later.prices->input = dollars(4000);
               list.entries[3].periods.push_back(later);
             }) == "a/m3 input_price 1->4 4000 later\n");
}

BOOST_AUTO_TEST_CASE(a_price_that_jumps_is_not_believed) {
  const auto to = [](std::int64_t millis) {
    return [millis](listed_provider& list) { prices_in(list, 7).output = dollars(millis); };
  };
  BOOST_TEST(why_not(to(20'000)) == "good");
  BOOST_TEST(why_not(to(20'001)) == "good"); // by less than a thousandth
  BOOST_TEST(why_not(to(20'002)).find("a/m7 output_price was 2 and is 20.002, more than the factor 10") !=
             std::string::npos);
  BOOST_TEST(why_not(to(200)) == "good");
  BOOST_TEST(why_not(to(198)).find("is 0.198") != std::string::npos);
  BOOST_TEST(why_not(to(0)).find("is 0,") != std::string::npos);
  BOOST_TEST(why_not(to(4'000), nullptr, 2'000) == "good");
  BOOST_TEST(why_not(to(5'000), nullptr, 2'000).find("factor 2 ") != std::string::npos);
  BOOST_TEST(why_not([](listed_provider& list) {
               prices_in(list, 7).unit = *currency::parse("EUR");
             }).find("was USD and is EUR") != std::string::npos);
  BOOST_TEST(why_not([](listed_provider& list) {
               price_period later = list.entries[3].periods.front();
               later.from = now + std::chrono::hours{24};
               later.prices->input = dollars(400'000);
               list.entries[3].periods.push_back(later);
             }).find("is 400") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_price_that_was_nothing_may_begin) {
  auto free_list = hundred();
  prices_in(free_list.front(), 7).input = price{};
  const price_book before(std::move(free_list));
  BOOST_TEST(!implausible(&before, price_book(hundred()), {10'000, now, nullptr}).has_value());
}

BOOST_AUTO_TEST_CASE(a_list_that_has_lost_many_models_is_not_believed) {
  const auto without = [](std::size_t count) {
    return [count](listed_provider& list) {
      list.entries.resize(list.entries.size() - count, list.entries.front());
    };
  };
  BOOST_TEST(why_not(without(5)) == "good");
  BOOST_TEST(why_not(without(6)).find("lost 6 of 100") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_model_that_is_used_must_not_be_lost) {
  snapshot config;
  provider_config provider;
  provider.name = provider_name("p");
  provider.price_list = "a";
  model_config model;
  model.name = model_name("m3");
  provider.models.push_back(model);
  config.providers.push_back(provider);
  const auto lose = [](listed_provider& list) { list.entries.erase(list.entries.begin() + 3); };
  BOOST_TEST(why_not(lose) == "good");
  BOOST_TEST(why_not(lose, &config).find("lost the price of p/m3") != std::string::npos);
  config.providers[0].models[0].prices = pricing{}; // it has a price of its own
  BOOST_TEST(why_not(lose, &config) == "good");
  config.providers[0].models.clear();
  route_config way;
  way.candidates.push_back({provider_name("p"), model_name("m3"), 1});
  config.routes.push_back(way);
  BOOST_TEST(why_not(lose, &config).find("lost the price of p/m3") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_first_list_is_believed) {
  BOOST_TEST(!implausible(nullptr, price_book(hundred()), {}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
