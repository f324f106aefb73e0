// Splitting text: classes of characters, faulty UTF-8, and both vocabularies' patterns case by case.
// That the pieces are tiktoken's for any text is what tests/acceptance/tokens.py shows.
#include "protocols/pretokenize.hpp"

#include "protocols/unicode_classes.hpp"
#include "protocols/utf8.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace weir::protocols;

namespace {

/// The pieces, with bars between them.
std::string pieces(split_rule rule, std::string_view text) {
  const pretokenizer splitter(rule);
  std::string all;
  for (std::size_t begin = 0; begin != text.size();) {
    const std::size_t end = splitter.piece_end(text, begin);
    BOOST_REQUIRE(end > begin);
    BOOST_REQUIRE(end <= text.size());
    all.append(begin == 0 ? "" : "|").append(text.substr(begin, end - begin));
    begin = end;
  }
  return all;
}

std::string in_o200k(std::string_view text) {
  return pieces(split_rule::o200k, text);
}
std::string in_cl100k(std::string_view text) {
  return pieces(split_rule::cl100k, text);
}

} // namespace

BOOST_AUTO_TEST_SUITE(pretokenize_test)

BOOST_AUTO_TEST_CASE(characters_have_the_classes_of_unicode_16) {
  using namespace character;
  const unicode_classes& table = unicode_classes::table();
  const std::vector<std::pair<char32_t, std::uint8_t>> known{
      {U'A', upper},
      {U'z', lower},
      {U'0', number},
      {U' ', space},
      {U'\n', space | newline},
      {U'\r', space | newline},
      {U'\t', space},
      {0x1c, other},
      {0x85, space},
      {0xa0, space},
      {0xaa, caseless},
      {0xb2, number},
      {0xdf, lower},
      {0x1c5, upper},
      {0x2b0, caseless},
      {0x301, mark},
      {0x663, number},
      {0x2028, space},
      {0x200b, other},
      {0x3000, space},
      {0x4e2d, caseless},
      {0xd800, other},
      {0xfeff, other},
      {0x1f600, other},
      {0x1d400, upper},
      {0x1d7d8, number},
      {0x16d40, caseless}, // the last one is new in 16.0
      {0xe0100, mark},
      {0x10ffff, other}};
  for (const auto& [point, kind] : known)
    BOOST_TEST(static_cast<int>(table.of(point)) == static_cast<int>(kind),
               static_cast<std::uint32_t>(point));
}

BOOST_AUTO_TEST_CASE(faulty_utf8_becomes_what_a_browser_makes_of_it) {
  const std::vector<std::pair<std::string, int>> faults{
      {"\x80", 1},         {"\xc0\xaf", 2},         {"\xe0\x80\xaf", 3},     {"\xe4\xb8", 1},
      {"\xf0\x9f\x98", 1}, {"\xf0\x9f", 1},         {"\xed\xa0\x80", 3},     {"\xf4\x90\x80\x80", 4},
      {"\xff\xfe", 2},     {"\xf0\x80\x80\x80", 4}, {"\xf0\x9f\xf0\x9f", 2}, {"\xe4\xb8\xc3", 2}};
  for (const auto& [bytes, count] : faults) {
    std::string expected = "ab";
    for (int n = 0; n != count; ++n)
      expected += "\xef\xbf\xbd";
    BOOST_TEST(repaired_utf8("ab" + bytes + "cd\xc3\xa9") == expected + "cd\xc3\xa9");
    BOOST_TEST(valid_utf8("12345678ab" + bytes) == 10U);
  }
  const std::string good = "a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80 twelve ASCII letters";
  BOOST_TEST(valid_utf8(good) == good.size());
  BOOST_TEST(repaired_utf8(good) == good);
  BOOST_TEST(repaired_utf8("").empty());
}

BOOST_AUTO_TEST_CASE(o200k_splits_words_by_their_capitals) {
  BOOST_TEST(in_o200k("Hello world") == "Hello| world");
  BOOST_TEST(in_o200k("camelCaseXMLParser") == "camel|Case|XMLParser");
  BOOST_TEST(in_o200k("HTTP2Server") == "HTTP|2|Server");
  BOOST_TEST(in_o200k("(foo)bar_Baz") == "(foo|)bar|_Baz");
  BOOST_TEST(in_o200k("ABC") == "ABC");
  BOOST_TEST(in_o200k("A\u4e2dB\u4e2d") == "A\u4e2dB\u4e2d");
  BOOST_TEST(in_o200k("\u4e2dAB") == "\u4e2d|AB"); // capitals are given back up to the letter without case
  BOOST_TEST(in_o200k("\u01c5x") == "\u01c5x");
}

BOOST_AUTO_TEST_CASE(o200k_keeps_contractions_with_their_words) {
  BOOST_TEST(in_o200k("It's WE'RE I'd don't") == "It's| WE'RE| I'd| don't");
  BOOST_TEST(in_o200k("they'LL've") == "they'LL|'ve");
  BOOST_TEST(in_o200k("it'\u017f it'x") == "it'\u017f| it|'x");
  BOOST_TEST(in_o200k("a'r a'l a' '") == "a|'r| a|'l| a|'| '");
  BOOST_TEST(in_o200k("7's") == "7|'s");
}

BOOST_AUTO_TEST_CASE(o200k_takes_marks_for_words) {
  BOOST_TEST(in_o200k("e\u0301te\u0301") == "e\u0301te\u0301");
  BOOST_TEST(in_o200k("\u0301AB") == "\u0301|AB");
  BOOST_TEST(in_o200k("\u0301Ab") == "\u0301Ab");
  BOOST_TEST(in_o200k("\u0301's") == "\u0301's");
  BOOST_TEST(in_o200k("!\u0301!") == "!\u0301|!");
  BOOST_TEST(in_o200k("1\u0301") == "1|\u0301");
}

BOOST_AUTO_TEST_CASE(cl100k_splits_words_contractions_and_signs) {
  BOOST_TEST(in_cl100k("Hello world") == "Hello| world");
  BOOST_TEST(in_cl100k("camelCaseXMLParser") == "camelCaseXMLParser");
  BOOST_TEST(in_cl100k("It's WE'RE they'LL've") == "It|'s| WE|'RE| they|'LL|'ve");
  BOOST_TEST(in_cl100k("'sand 'tis it'\u017f") == "'s|and| '|tis| it|'\u017f");
  BOOST_TEST(in_cl100k("e\u0301te\u0301") == "e|\u0301te|\u0301");
  BOOST_TEST(in_cl100k("(foo)bar()") == "(foo|)bar|()");
}

BOOST_AUTO_TEST_CASE(numbers_come_in_threes) {
  for (const auto& split : {in_o200k, in_cl100k}) {
    BOOST_TEST(split("1234567") == "123|456|7");
    BOOST_TEST(split(" 12") == " |12");
    BOOST_TEST(split("\u0661\u0662\u0663\u0664") == "\u0661\u0662\u0663|\u0664");
    BOOST_TEST(split("\u00bd\u2167") == "\u00bd\u2167");
  }
}

BOOST_AUTO_TEST_CASE(signs_take_a_space_before_and_line_breaks_behind) {
  BOOST_TEST(in_o200k("a ==\r\nb") == "a| ==\r\n|b");
  BOOST_TEST(in_o200k("*//\n/x") == "*//\n/|x");
  BOOST_TEST(in_cl100k("*//\n/x") == "*//\n|/x");
  BOOST_TEST(in_o200k("  !") == " | !");
  BOOST_TEST(in_o200k("\t!") == "\t|!");
  BOOST_TEST(in_o200k("\U0001f600\u200d!") == "\U0001f600\u200d!");
}

BOOST_AUTO_TEST_CASE(white_space_leaves_its_last_character_to_the_next_word) {
  for (const auto& split : {in_o200k, in_cl100k}) {
    BOOST_TEST(split("a   b") == "a|  | b");
    BOOST_TEST(split("a   ") == "a|   ");
    BOOST_TEST(split("a \n \n  b") == "a| \n \n| | b");
    BOOST_TEST(split(" \t1") == " |\t|1");
    BOOST_TEST(split("\n\n\n") == "\n\n\n");
    BOOST_TEST(split("\u3000\u3000\u4e2d") == "\u3000|\u3000\u4e2d");
    BOOST_TEST(split(" ") == " ");
    BOOST_TEST(split("").empty());
  }
}

BOOST_AUTO_TEST_CASE(every_byte_is_in_one_piece_whatever_the_text) {
  std::mt19937 random(7);
  const std::vector<std::string> letters{"A",  "a",      "\u00aa", "\u0301", "7", " ", "\n",
                                         "\r", "\u00a0", "'",      "s",      "/", ".", "\U0001f600"};
  for (int round = 0; round != 2000; ++round) {
    std::string text;
    for (std::size_t n = random() % 30; n != 0; --n)
      text += letters[random() % letters.size()];
    for (const auto& split : {in_o200k, in_cl100k}) {
      std::string whole = split(text);
      std::erase(whole, '|');
      BOOST_REQUIRE(whole == text);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
