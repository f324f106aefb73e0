// Exact money over random figures. The oracle is schoolbook arithmetic on decimal digits, written without the
// code under test and without 128-bit integers.
#include <weir/money.hpp>
#include <weir/usage.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

using namespace weir;

namespace {

constexpr int rounds = 20'000;

/// A generator that prints its seed, so that a failure can be repeated.
std::mt19937_64 seeded() {
  const auto seed = std::random_device{}();
  BOOST_TEST_MESSAGE("seed " << seed);
  return std::mt19937_64(seed);
}

/// A number of any magnitude up to `bits` bits: small and large ones are equally likely.
std::uint64_t any_size(std::mt19937_64& random, unsigned bits) {
  return random() >> (64U - bits + random() % bits);
}

std::string without_zeros_before(std::string text) {
  text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
  return text;
}

std::string added(std::string a, std::string b) {
  a.insert(0, std::max(a.size(), b.size()) - a.size() + 1, '0');
  b.insert(0, a.size() - b.size(), '0');
  int carry = 0;
  for (std::size_t at = a.size(); at-- > 0;) {
    const int sum = (a[at] - '0') + (b[at] - '0') + carry;
    a[at] = static_cast<char>('0' + sum % 10);
    carry = sum / 10;
  }
  return without_zeros_before(a);
}

std::string multiplied(std::uint64_t left, std::uint64_t right) {
  const std::string a = std::to_string(left);
  std::string product = "0";
  for (const char digit : std::to_string(right)) {
    product += '0';
    for (char times = '0'; times != digit; ++times)
      product = added(product, a);
  }
  return without_zeros_before(product);
}

/// Without the last six digits, rounded half to even.
std::string millionth(std::string digits) {
  digits.insert(0, digits.size() < 7 ? 7 - digits.size() : 0, '0');
  const std::string rest = digits.substr(digits.size() - 6);
  const std::string whole = digits.substr(0, digits.size() - 6);
  const bool odd = (whole.back() - '0') % 2 != 0;
  const bool up = rest > "500000" || (rest == "500000" && odd);
  return added(whole, up ? "1" : "0");
}

/// digits / 10^places as a plain decimal without trailing zeros.
std::string pointed(std::string digits, std::size_t places) {
  digits.insert(0, digits.size() <= places ? places + 1 - digits.size() : 0, '0');
  std::string fraction = digits.substr(digits.size() - places);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  const std::string whole = without_zeros_before(digits.substr(0, digits.size() - places));
  return fraction.empty() ? whole : whole + "." + fraction;
}

bool fits(const std::string& digits) {
  const std::string most = std::to_string(std::numeric_limits<std::int64_t>::max());
  return digits.size() < most.size() || (digits.size() == most.size() && digits <= most);
}

price random_price(std::mt19937_64& random) {
  return price{static_cast<std::int64_t>(any_size(random, 63))};
}

/// Underscores at random places between two digits.
std::string underscored(const std::string& text, std::mt19937_64& random) {
  std::string spelled;
  for (const char letter : text) {
    const bool between =
        !spelled.empty() && spelled.back() >= '0' && spelled.back() <= '9' && letter >= '0' && letter <= '9';
    if (between && random() % 3 == 0)
      spelled += '_';
    spelled += letter;
  }
  return spelled;
}

} // namespace

BOOST_AUTO_TEST_SUITE(money_property_test)

BOOST_AUTO_TEST_CASE(the_oracle_can_count) {
  BOOST_TEST(added("999", "1") == "1000");
  BOOST_TEST(multiplied(UINT64_MAX, UINT64_MAX) == "340282366920938463426481119284349108225");
  BOOST_TEST(millionth("500000") == "0");
  BOOST_TEST(millionth("1500000") == "2");
  BOOST_TEST(millionth("500001") == "1");
  BOOST_TEST(pointed("1", 12) == "0.000000000001");
  BOOST_TEST(pointed("30000000000000", 12) == "30");
}

BOOST_AUTO_TEST_CASE(every_price_comes_back_from_its_decimal) {
  auto random = seeded();
  for (int round = 0; round != rounds; ++round) {
    const price made = random_price(random);
    const std::string digits = std::to_string(made.picos_per_million);
    BOOST_REQUIRE_EQUAL(to_decimal(made), pointed(digits, 12));
    BOOST_REQUIRE((*parse_price(to_decimal(made), price_unit::million_tokens) == made));
    // Per token the same price has six more decimals.
    BOOST_REQUIRE((*parse_price(pointed(digits, 18), price_unit::tokens) == made));
  }
}

BOOST_AUTO_TEST_CASE(a_price_does_not_depend_on_its_spelling) {
  auto random = seeded();
  for (int round = 0; round != rounds; ++round) {
    const price made = random_price(random);
    const std::string digits = std::to_string(made.picos_per_million);
    const auto places = static_cast<std::size_t>(random() % 24);
    // digits / 10^places · 10^(places - 12)
    const int exponent = static_cast<int>(places) - 12;
    std::string power = std::to_string(exponent < 0 ? -exponent : exponent);
    power.insert(0, random() % 8, '0');
    const std::string text = std::string(random() % 2, '+') + underscored(pointed(digits, places), random) +
                             (random() % 2 == 0 ? "e" : "E") + (exponent < 0 ? "-" : "") +
                             underscored(power, random);
    const auto read = parse_price(text, price_unit::million_tokens);
    BOOST_REQUIRE_MESSAGE(read.has_value() && *read == made, text << " is not " << digits);
  }
}

BOOST_AUTO_TEST_CASE(one_digit_more_than_a_price_can_hold_is_refused) {
  auto random = seeded();
  for (int round = 0; round != rounds; ++round) {
    const std::string digits = std::to_string(any_size(random, 62)) + std::to_string(random() % 9 + 1);
    BOOST_REQUIRE_MESSAGE(parse_price(pointed(digits, 13), price_unit::million_tokens).has_error(), digits);
    BOOST_REQUIRE_MESSAGE(parse_price(pointed(digits, 19), price_unit::tokens).has_error(), digits);
  }
}

BOOST_AUTO_TEST_CASE(costs_agree_with_longhand_to_the_last_digit) {
  auto random = seeded();
  int priced = 0;
  for (int round = 0; round != rounds; ++round) {
    token_usage usage;
    const std::uint64_t plain = any_size(random, 40);
    const std::uint64_t cached = any_size(random, 40);
    const std::uint64_t short_writes = any_size(random, 40);
    const std::uint64_t long_writes = any_size(random, 40);
    usage.prompt_tokens = plain + cached + short_writes + long_writes;
    usage.completion_tokens = any_size(random, 40);
    usage.cached_tokens = cached;
    usage.cache_write_tokens = short_writes + long_writes;
    usage.cache_write_1h_tokens = long_writes;
    pricing prices;
    prices.unit = *currency::parse("USD");
    // From all figures small to all too large, so that both ends of the range are met.
    const unsigned bits = 1U + static_cast<unsigned>(random() % 63);
    const auto one = [&] { return price{static_cast<std::int64_t>(any_size(random, bits))}; };
    prices.input = one();
    prices.output = one();
    if (random() % 2 == 0)
      prices.cached_input = one();
    if (random() % 2 == 0)
      prices.cache_write = one();
    if (random() % 2 == 0)
      prices.cache_write_1h = one();
    const auto part = [](std::uint64_t tokens, price each) {
      return multiplied(tokens, static_cast<std::uint64_t>(each.picos_per_million));
    };
    const price write = prices.cache_write.value_or(prices.input);
    std::string sum = part(plain, prices.input);
    sum = added(sum, part(cached, prices.cached_input.value_or(prices.input)));
    sum = added(sum, part(short_writes, write));
    sum = added(sum, part(long_writes, prices.cache_write_1h.value_or(write)));
    sum = added(sum, part(usage.completion_tokens, prices.output));
    const std::string expected = millionth(sum);
    const auto cost = cost_of(usage, prices);
    BOOST_REQUIRE_EQUAL(cost.has_value(), fits(expected));
    if (cost) {
      BOOST_REQUIRE_EQUAL(std::to_string(cost->picos), expected);
      ++priced;
    }
  }
  BOOST_TEST(priced > rounds / 4);
  BOOST_TEST(priced < rounds);
}

BOOST_AUTO_TEST_CASE(halves_go_to_the_even_neighbour) {
  auto random = seeded();
  for (int round = 0; round != rounds; ++round) {
    // An odd number of half picos: 500,000 millionths.
    const std::uint64_t odd = any_size(random, 40) | 1U;
    pricing prices;
    prices.output.picos_per_million = 500'000;
    token_usage usage;
    usage.completion_tokens = odd;
    const auto cost = cost_of(usage, prices);
    BOOST_REQUIRE(cost.has_value());
    BOOST_REQUIRE_EQUAL(cost->picos % 2, 0);
    BOOST_REQUIRE_EQUAL(std::to_string(cost->picos), millionth(multiplied(odd, 500'000)));
  }
}

BOOST_AUTO_TEST_CASE(sums_agree_with_longhand_past_64_bits) {
  auto random = seeded();
  const currency usd = *currency::parse("USD");
  money_sum sum;
  std::string expected = "0";
  for (int round = 0; round != rounds; ++round) {
    const auto picos = static_cast<std::int64_t>(any_size(random, 63));
    BOOST_REQUIRE(sum.add(money{picos, usd}));
    expected = added(expected, std::to_string(picos));
  }
  BOOST_TEST(!fits(expected)); // otherwise the test shows nothing
  BOOST_TEST(to_decimal(sum) == pointed(expected, 12));
}

BOOST_AUTO_TEST_SUITE_END()
