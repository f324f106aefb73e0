// Rules for names, periods, and whose models a provider offers.
#include <weir/prices.hpp>

#include <boost/test/unit_test.hpp>

using namespace weir;
using kind = name_rule::kind;

namespace {

name_rule rule(kind how, const std::string& text) {
  return *name_rule::make(how, text);
}

timestamp at(const char* moment) {
  return *parse_timestamp(moment);
}

pricing costs(std::int64_t input) {
  pricing prices;
  prices.unit = *currency::parse("USD");
  prices.input = price{input};
  return prices;
}

std::int64_t input_of(const price_entry& entry, const char* moment) {
  const pricing* const prices = entry.at(at(moment));
  return prices == nullptr ? -1 : prices->input.picos_per_million;
}

price_book book_of(std::vector<std::string> names) {
  std::vector<listed_provider> providers;
  for (std::string& each : names) {
    listed_provider& made = providers.emplace_back();
    made.name = each;
    made.entries.push_back({"m", rule(kind::equals, "m"), {{.prices = costs(1)}}});
  }
  return price_book(std::move(providers));
}

std::string owner(const price_book& book, const provider_config& provider) {
  const listed_provider* const found = book.provider_of(provider);
  return found == nullptr ? "nobody" : found->name;
}

} // namespace

BOOST_AUTO_TEST_SUITE(prices_test)

BOOST_AUTO_TEST_CASE(a_rule_matches_as_its_word_says_without_case) {
  BOOST_TEST(rule(kind::equals, "GPT-4o").matches("gpt-4o"));
  BOOST_TEST(!rule(kind::equals, "gpt-4o").matches("gpt-4o-mini"));
  BOOST_TEST(rule(kind::starts_with, "gpt").matches("gpt-4o"));
  BOOST_TEST(!rule(kind::starts_with, "pt").matches("gpt-4o"));
  BOOST_TEST(rule(kind::ends_with, "4O").matches("gpt-4o"));
  BOOST_TEST(rule(kind::contains, "t-4").matches("gpt-4o"));
  BOOST_TEST(rule(kind::regex, "^(?![^/]+/)(?:labs-)?mistral").matches("mistral-large"));
  BOOST_TEST(!rule(kind::regex, "^(?![^/]+/)(?:labs-)?mistral").matches("a/mistral-large"));
  BOOST_TEST(rule(kind::regex, "O[134]").matches("o3-mini"));
  std::vector<name_rule> parts{rule(kind::contains, "a"), rule(kind::contains, "b")};
  BOOST_TEST(name_rule::make(kind::any, parts).matches("b"));
  BOOST_TEST(!name_rule::make(kind::all, parts).matches("b"));
  BOOST_TEST(name_rule::make(kind::all, parts).matches("ab"));
  BOOST_TEST(!name_rule::make(kind::regex, "(").has_value());
}

BOOST_AUTO_TEST_CASE(a_rule_that_would_take_for_ever_matches_nothing) {
  const name_rule slow = rule(kind::regex, "^(a+)+$");
  BOOST_TEST(slow.matches("aaaa"));
  BOOST_TEST(!slow.matches(std::string(200, 'a') + "b"));
  BOOST_TEST(!rule(kind::regex, "a").matches(std::string(10'000, 'a')));
}

BOOST_AUTO_TEST_CASE(the_last_period_that_holds_counts) {
  price_entry entry{"m", rule(kind::equals, "m"), {}};
  entry.periods.push_back({.prices = costs(1)});
  entry.periods.push_back({.from = at("2026-01-01"), .until = at("2026-02-01"), .prices = costs(2)});
  entry.periods.push_back({.from = at("2026-01-31"), .prices = std::nullopt});
  entry.periods.push_back(
      {.daily_from = std::chrono::hours{22}, .daily_until = std::chrono::hours{2}, .prices = costs(4)});
  BOOST_TEST(input_of(entry, "2025-12-31T21:59:59.999999Z") == 1);
  BOOST_TEST(input_of(entry, "2026-01-01T02:00:00Z") == 2);
  BOOST_TEST(input_of(entry, "2026-01-01T01:59:59.999999Z") == 4); // over midnight
  BOOST_TEST(input_of(entry, "2026-01-01T22:00:00Z") == 4);
  BOOST_TEST(input_of(entry, "2026-01-31T12:00:00Z") == -1); // not known, rather than what it was
  entry.periods.erase(entry.periods.begin());
  BOOST_TEST(input_of(entry, "2025-12-31T12:00:00Z") == -1);
}

BOOST_AUTO_TEST_CASE(a_provider_is_found_by_name_address_preset_and_home) {
  listed_provider acme;
  acme.name = "acme";
  acme.address = rule(kind::regex, "^(?:https://api\\.acme\\.(?:com|io))");
  acme.match = rule(kind::contains, "acme");
  std::vector<listed_provider> all;
  all.push_back(acme);
  for (const char* name : {"openai", "groq", "anthropic"}) {
    all.emplace_back();
    all.back().name = name;
  }
  const price_book book(std::move(all));
  provider_config provider;
  provider.base_url = "https://api.acme.io/v1";
  BOOST_TEST(owner(book, provider) == "acme");
  provider.price_list = "Groq";
  BOOST_TEST(owner(book, provider) == "groq");
  provider.price_list = "acme-europe";
  BOOST_TEST(owner(book, provider) == "acme");
  provider.price_list = "unheard-of"; // a name that is none is not replaced by a guess
  BOOST_TEST(owner(book, provider) == "nobody");
  provider.price_list.clear();
  provider.base_url = "https://api.groq.com/openai/v1";
  BOOST_TEST(owner(book, provider) == "nobody");
  provider.preset = "groq";
  BOOST_TEST(owner(book, provider) == "groq");
  provider = {};
  provider.base_url = "https://api.openai.com/v1";
  BOOST_TEST(owner(book, provider) == "openai");
  provider.base_url = "https://api.anthropic.com/v1";
  BOOST_TEST(owner(book, provider) == "anthropic");
}

BOOST_AUTO_TEST_CASE(a_server_of_ones_own_is_not_paid_openais_prices) {
  const price_book book = book_of({"openai", "anthropic"});
  provider_config provider; // of type openai
  for (const char* address : {"http://localhost:8000/v1", "https://api.openai.com.example/v1", ""}) {
    provider.base_url = address;
    BOOST_TEST(owner(book, provider) == "nobody", address);
  }
}

BOOST_AUTO_TEST_CASE(a_model_is_found_at_its_provider_then_at_the_fallbacks) {
  std::vector<listed_provider> all(2);
  all[0].name = "azure";
  all[0].fallback = {"missing", "openai"};
  all[0].entries.push_back({"own", rule(kind::equals, "gpt-4o"), {}});
  all[1].name = "openai";
  all[1].entries.push_back({"first", rule(kind::starts_with, "gpt"), {}});
  all[1].entries.push_back({"second", rule(kind::equals, "gpt-5"), {}});
  all[1].entries.push_back({"dated", rule(kind::equals, "o3-2025-04-16"), {}});
  const price_book book(std::move(all));
  const auto name = [&book](const char* model) {
    const price_entry* const entry = book.find(book.providers()[0], model);
    return entry == nullptr ? std::string("none") : entry->name;
  };
  BOOST_TEST(name("GPT-4o") == "own");
  BOOST_TEST(name("gpt-5") == "first"); // the first that matches counts
  BOOST_TEST(name("o3-20250416") == "dated");
  BOOST_TEST(name("o3-20251416") == "none");
  BOOST_TEST(name("o3") == "none");
}

BOOST_AUTO_TEST_SUITE_END()
