// Numbers to the last bit, text that is always UTF-8, and what is written is always JSON.
#include "protocols/json.hpp"

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>

using namespace weir;
using namespace weir::protocols;

namespace {

double number_of(const std::string& text) {
  const auto parsed = json_document::parse("[" + text + "]");
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), text);
  const json_value& value = parsed->root()[0];
  BOOST_REQUIRE_MESSAGE(value.IsNumber(), text);
  return value.GetDouble();
}

std::string again(const std::string& text) {
  const auto parsed = json_document::parse(text);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), text);
  return to_json_text(parsed->root());
}

} // namespace

BOOST_AUTO_TEST_SUITE(json_test)

BOOST_AUTO_TEST_CASE(numbers_are_read_to_the_last_bit) {
  std::mt19937_64 dice(7);
  for (int n = 0; n != 20'000; ++n) {
    const double value = std::bit_cast<double>(dice());
    if (!std::isfinite(value))
      continue;
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", value);
    const double read = number_of(text);
    BOOST_REQUIRE_MESSAGE(std::bit_cast<std::uint64_t>(read) == std::bit_cast<std::uint64_t>(value), text);
  }
  for (const char* text :
       {"0.1", "123456789012345678", "3.141592653589793238462643383279", "-2.5e-3", "1E+2"})
    BOOST_TEST(number_of(text) == std::strtod(text, nullptr), text);
}

BOOST_AUTO_TEST_CASE(a_zero_is_a_zero_however_it_is_written) {
  for (const char* text : {"0", "-0", "0.0", "-0.0", "0e308", "0.0e-30", "0E+1",
                           "0.00000000000000000000000000", "0.000000000000000000000000000000000000000000e5"})
    BOOST_TEST(number_of(text) == 0.0, text);
}

BOOST_AUTO_TEST_CASE(what_no_double_holds_is_the_nearest_that_one_does) {
  constexpr double largest = std::numeric_limits<double>::max();
  BOOST_TEST(number_of("1.7976931348623159e308") == largest);
  BOOST_TEST(number_of("-1.7976931348623159e308") == -largest);
  BOOST_TEST(number_of("0.1e-400") == 0.0);
  BOOST_TEST(number_of("-1e-99999999999999999999") == 0.0);
  BOOST_TEST(!json_document::parse("[1e309]").has_value());
  BOOST_TEST(!json_document::parse("[" + std::string(320, '9') + "]").has_value());
  BOOST_TEST(number_of("0." + std::string(400, '0') + "1") == 0.0);
  // And nothing behind it is lost.
  BOOST_TEST(again(R"({"a":1.7976931348623159e308,"b":1})").ends_with(R"(,"b":1})"));
}

BOOST_AUTO_TEST_CASE(whole_numbers_are_exact) {
  const auto parsed = json_document::parse(
      "[18446744073709551615,-9223372036854775808,4294967296,-2147483648,-2147483649,18446744073709551616]");
  BOOST_REQUIRE(parsed.has_value());
  const json_value& all = parsed->root();
  BOOST_TEST(all[0].GetUint64() == 18446744073709551615U);
  BOOST_TEST(all[1].GetInt64() == std::numeric_limits<std::int64_t>::min());
  BOOST_TEST(all[2].GetUint64() == 4294967296U);
  BOOST_TEST(all[3].GetInt() == std::numeric_limits<int>::min());
  BOOST_TEST(!all[4].IsInt());
  BOOST_TEST(!all[5].IsUint64());
  BOOST_TEST(all[5].GetDouble() == 18446744073709551616.0);
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf_8_are_read_as_the_mark_for_them) {
  BOOST_TEST(again("{\"a\xff\":\"b\xc3\",\"c\":\"\xe2\x82\xac\"}") ==
             "{\"a\xef\xbf\xbd\":\"b\xef\xbf\xbd\",\"c\":\"\xe2\x82\xac\"}");
}

BOOST_AUTO_TEST_CASE(every_control_character_is_escaped_and_none_is_read_wherever_it_stands) {
  for (std::size_t before = 0; before != 40; ++before) {
    for (int letter = 0; letter != 0x80; ++letter) {
      const std::string text = std::string(before, 'x') + static_cast<char>(letter) + std::string(20, 'y');
      rapidjson::StringBuffer buffer;
      json_writer out(buffer);
      write_text(out, text);
      const std::string written(buffer.GetString(), buffer.GetSize());
      for (const char each : written)
        BOOST_REQUIRE(static_cast<unsigned char>(each) >= 0x20);
      const auto read = json_document::parse(written);
      BOOST_REQUIRE_MESSAGE(read.has_value(), letter);
      BOOST_REQUIRE(text_of(&read->root()) == text);
      const bool plain = letter >= 0x20 && letter != '"' && letter != '\\';
      BOOST_REQUIRE(plain_json(text) == (plain ? text.size() : before));
      BOOST_REQUIRE_MESSAGE(json_document::parse("\"" + text + "\"").has_value() == plain, letter);
    }
  }
}

BOOST_AUTO_TEST_CASE(half_a_surrogate_pair_is_read_as_the_mark_for_it) {
  const auto read = [](const std::string& text) {
    const auto parsed = json_document::parse("[\"" + text + "\"]");
    BOOST_REQUIRE_MESSAGE(parsed.has_value(), text);
    return std::string(text_of(&parsed->root()[0]));
  };
  const std::string mark = "\xef\xbf\xbd";
  BOOST_TEST(read(R"(\ud83d\ude00)") == "\xf0\x9f\x98\x80");
  BOOST_TEST(read(R"(\uD83D\uDE00\ud83d)") == "\xf0\x9f\x98\x80" + mark);
  BOOST_TEST(read(R"(a\ud83d)") == "a" + mark);
  BOOST_TEST(read(R"(\ude00b)") == mark + "b");
  BOOST_TEST(read(R"(\ud83dx\ude00)") == mark + "x" + mark);
  BOOST_TEST(read(R"(\ud83d\ud83d\ude00)") == mark + "\xf0\x9f\x98\x80");
  BOOST_TEST(read(R"(\ud66d\ude00)") == "\xed\x99\xad" + mark);
  BOOST_TEST(read(R"(\\ud83d)") == R"(\ud83d)"); // no escape but a backslash before letters
  BOOST_TEST(!json_document::parse(R"(["\ud8"])").has_value());
  BOOST_TEST(!json_document::parse(R"(["\u-800"])").has_value());
}

BOOST_AUTO_TEST_CASE(documents_may_be_many_at_once_and_outlive_each_other) {
  std::vector<json_document> kept;
  for (int n = 0; n != 50; ++n) {
    auto one =
        json_document::parse("{\"n\":\"" + std::string(static_cast<std::size_t>(n) * 997, 'x') + "\"}");
    BOOST_REQUIRE(one.has_value());
    BOOST_TEST(!json_document::parse("{\"n\":").has_value());
    if (n % 3 != 0)
      kept.push_back(std::move(*one));
  }
  std::size_t at = 0;
  for (int n = 0; n != 50; ++n)
    if (n % 3 != 0)
      BOOST_TEST(text_of(find_member(kept[at++].root(), "n")).size() == static_cast<std::size_t>(n) * 997);
}

BOOST_AUTO_TEST_CASE(a_string_has_its_place_in_the_text) {
  const std::string text = R"({"a":{"b":"wor\nds"},"n":1})";
  const auto parsed = json_document::parse(text);
  BOOST_REQUIRE(parsed.has_value());
  BOOST_TEST(parsed->place_of(*find_member(parsed->root(), "a", "b")).value_or(0) == text.find("wor"));
  const auto mended = json_document::parse("{\"a\":\"\xff\"}");
  BOOST_TEST(!mended->place_of(*find_member(mended->root(), "a")).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
