// Exact money by examples worked out by hand.
// Random figures stand in the property tests.
#include <weir/money.hpp>
#include <weir/usage.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <limits>

using namespace weir;

namespace {

pricing prices_of(const char* input, const char* output) {
  pricing prices;
  prices.unit = *currency::parse("USD");
  prices.input = *parse_price(input, price_unit::million_tokens);
  prices.output = *parse_price(output, price_unit::million_tokens);
  return prices;
}

token_usage usage_of(std::uint64_t prompt, std::uint64_t completion) {
  token_usage usage;
  usage.prompt_tokens = prompt;
  usage.completion_tokens = completion;
  usage.total_tokens = prompt + completion;
  return usage;
}

} // namespace

BOOST_AUTO_TEST_SUITE(money_test)

BOOST_AUTO_TEST_CASE(prints_plain_decimals) {
  BOOST_TEST(to_decimal(int128{0}) == "0");
  BOOST_TEST(to_decimal(int128{1}) == "0.000000000001");
  BOOST_TEST(to_decimal(int128{-1}) == "-0.000000000001");
  BOOST_TEST(to_decimal(int128{1'500'000'000'000}) == "1.5");
  BOOST_TEST(to_decimal(int128{720'000'000}) == "0.00072");
  BOOST_TEST(to_decimal(int128{120} * picos_per_unit) == "120");
  BOOST_TEST(to_decimal(std::numeric_limits<int128>::min()) == "-170141183460469231731687303.715884105728");
  BOOST_TEST(to_decimal(int128{INT64_MAX} * 1'000'000) == "9223372036854.775807");
}

BOOST_AUTO_TEST_CASE(the_design_example_costs_what_it_costs_by_hand) {
  // 22 · 30/10^6 + 3 · 60/10^6 = 0.00066 + 0.00018
  const auto cost = cost_of(usage_of(22, 3), prices_of("30.0", "60.0"));
  BOOST_REQUIRE(cost.has_value());
  BOOST_TEST(to_decimal(*cost) == "0.00084");
  BOOST_TEST(cost->unit.str() == "USD");
}

BOOST_AUTO_TEST_CASE(cached_and_written_tokens_are_not_counted_twice) {
  // Anthropic's recording: 6 plain, 1069 read, 85 written, 110 out at 3 / 0.3 / 3.75 / 15 per million.
  pricing prices = prices_of("3", "15");
  prices.cached_input = *parse_price("0.3", price_unit::million_tokens);
  prices.cache_write = *parse_price("3.75", price_unit::million_tokens);
  token_usage usage = usage_of(1160, 110);
  usage.cached_tokens = 1069;
  usage.cache_write_tokens = 85;
  BOOST_TEST(to_decimal(*cost_of(usage, prices)) == "0.00230745");
}

BOOST_AUTO_TEST_CASE(parts_larger_than_the_whole_have_no_cost) {
  token_usage usage = usage_of(10, 1);
  usage.cached_tokens = 11;
  BOOST_TEST(!cost_of(usage, prices_of("1", "1")).has_value());
  usage.cached_tokens = 6;
  usage.cache_write_tokens = 5;
  BOOST_TEST(!cost_of(usage, prices_of("1", "1")).has_value());
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_has_no_cost) {
  BOOST_TEST(!cost_of(usage_of(1ULL << 53U, 0), prices_of("9000000", "0")).has_value());
  BOOST_TEST(!cost_of(usage_of(UINT64_MAX, 0), prices_of("1", "1")).has_value());
}

BOOST_AUTO_TEST_CASE(the_largest_amount_fits_and_the_next_does_not) {
  pricing prices;
  prices.input.picos_per_million = INT64_MAX;
  prices.output.picos_per_million = 1'000'000;
  BOOST_TEST(cost_of(usage_of(1'000'000, 0), prices)->picos == INT64_MAX);
  BOOST_TEST(!cost_of(usage_of(1'000'000, 1), prices).has_value());
}

BOOST_AUTO_TEST_CASE(rounds_half_to_even_once) {
  // One token at 0.0000005 per million is half a pico; three are one and a half.
  const pricing prices = prices_of("0.0000005", "0");
  BOOST_TEST(cost_of(usage_of(1, 0), prices)->picos == 0);
  BOOST_TEST(cost_of(usage_of(3, 0), prices)->picos == 2);
  BOOST_TEST(cost_of(usage_of(5, 0), prices)->picos == 2);
  BOOST_TEST(cost_of(usage_of(7, 0), prices)->picos == 4);
}

BOOST_AUTO_TEST_CASE(prices_are_read_exactly_in_every_spelling) {
  const auto million = [](const char* text) {
    return parse_price(text, price_unit::million_tokens).value().picos_per_million;
  };
  BOOST_TEST(million("30") == 30'000'000'000'000);
  BOOST_TEST(million("30.0") == 30'000'000'000'000);
  BOOST_TEST(million("3e1") == 30'000'000'000'000);
  BOOST_TEST(million("0.0375") == 37'500'000'000);
  BOOST_TEST(million("1_000.5") == 1'000'500'000'000'000);
  BOOST_TEST(million("1e+00001") == 10'000'000'000'000); // TOML lets an exponent have zeros before it
  BOOST_TEST(million("1e0_3") == million("1000"));       // and underscores in it
  BOOST_TEST(million("0e9999") == 0);
  BOOST_TEST(million("9223372.036854775807") == INT64_MAX);
  BOOST_TEST(million("0.1") == 100'000'000'000);
  BOOST_TEST(parse_price("1.5e-05", price_unit::tokens)->picos_per_million == 15'000'000'000'000);
  BOOST_TEST(parse_price("0.000000000001", price_unit::million_tokens)->picos_per_million == 1);
}

BOOST_AUTO_TEST_CASE(what_is_no_price_is_refused_with_its_text) {
  for (const char* text : {"",
                           "-1",
                           "abc",
                           "1,5",
                           "nan",
                           "inf",
                           "1e",
                           "1e99999",
                           ".5",
                           "5.",
                           "1__0",
                           "1e3.5",
                           "0x10",
                           "0.0000000000001",
                           "9999999999999999999",
                           "9223372.036854775808",
                           "1e",
                           "1e+",
                           "1e-",
                           "1e+-1",
                           "1e1_",
                           "1e_1",
                           "1e1__0",
                           "1e10000",
                           "1_.5",
                           "1._5",
                           "1_",
                           "_1",
                           "1..5",
                           "1.5.5",
                           "1e5e5",
                           "++1",
                           " 1",
                           "1 ",
                           "1e99999999999999999999"}) {
    const auto read = parse_price(text, price_unit::million_tokens);
    BOOST_TEST(read.has_error(), text);
    if (read.has_error())
      BOOST_TEST((read.error().type == errc::config));
  }
}

BOOST_AUTO_TEST_CASE(amounts_of_two_currencies_are_never_added) {
  money_sum sum;
  BOOST_TEST(sum.add(money{5, *currency::parse("USD")}));
  BOOST_TEST(!sum.add(money{7, *currency::parse("EUR")}));
  BOOST_TEST((sum.picos() == 5));
  BOOST_TEST(!currency::parse("usd").has_value());
  BOOST_TEST(!currency::parse("USDT").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
