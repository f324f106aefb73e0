// Patterns: what they match is what ECMA-262 says, and no pattern and no text takes long.
// Where nothing can be said of a pattern, nothing is said.
#include "protocols/text_pattern.hpp"

#include <boost/test/unit_test.hpp>

#include <initializer_list>
#include <string>

using namespace weir::protocols;

namespace {

constexpr std::size_t plenty = 100'000'000;

bool found(std::string_view pattern, std::string_view text) {
  const auto compiled = text_pattern::compile(pattern);
  BOOST_REQUIRE_MESSAGE(compiled.has_value(), pattern);
  std::size_t budget = plenty;
  const auto matched = compiled->found_in(text, budget);
  BOOST_REQUIRE_MESSAGE(matched.has_value(), pattern);
  return *matched;
}

void check(std::string_view pattern, std::initializer_list<std::string_view> good,
           std::initializer_list<std::string_view> bad) {
  for (const std::string_view text : good)
    BOOST_TEST(found(pattern, text), pattern << " in " << text);
  for (const std::string_view text : bad)
    BOOST_TEST(!found(pattern, text), pattern << " in " << text);
}

} // namespace

BOOST_AUTO_TEST_SUITE(text_pattern_test)

BOOST_AUTO_TEST_CASE(a_pattern_is_found_anywhere_unless_it_is_anchored) {
  check("b", {"b", "abc"}, {"", "ac"});
  check("^b", {"b", "bc"}, {"ab"});
  check("b$", {"b", "ab"}, {"bc", "b\n"});
  check("^$", {""}, {"a", "\n"});
  check("", {"", "a"}, {});
  check("a.c", {"abc", "aéc", "a😀c"}, {"ac", "a\nc"});
}

BOOST_AUTO_TEST_CASE(classes_take_what_they_name) {
  check("^[a-cx_-]+$", {"abcx_-"}, {"d", "", "A"});
  check("^[^a-c]$", {"d", "é"}, {"a", "dd"});
  check("^[\\d.]+$", {"1.5"}, {"1,5"});
  check("^\\d{4}-\\d{2}-\\d{2}$", {"2026-11-25"}, {"2026-1-25", "x2026-11-25"});
  check("^\\w+\\s\\W\\S\\D$", {"a_1 -xy"}, {"a b c"});
  check("^[]$", {}, {"", "a"});
  check("^[^]$", {"a", "\n"}, {""});
  check("^[a\\-z]$", {"-", "a"}, {"b"});
  check("^[\\]\\\\]+$", {"]\\"}, {"["});
  check("^[à-ü]$", {"é"}, {"e"});
}

BOOST_AUTO_TEST_CASE(quantifiers_count) {
  check("^a?b*c+$", {"c", "abbcc"}, {"ab", "aac"});
  check("^a{2}$", {"aa"}, {"a", "aaa"});
  check("^a{2,}$", {"aa", "aaaaa"}, {"a"});
  check("^a{1,3}$", {"a", "aaa"}, {"", "aaaa"});
  check("^a{0}b$", {"b"}, {"ab"});
  check("^(ab|c){2}$", {"abc", "cc", "abab"}, {"ab", "abcc"});
  check("^a+?b??$", {"aa", "ab"}, {"b"});
  check("^{a}{,2}$", {"{a}{,2}"}, {"a"});
  check("^(a*)*$", {"", "aaa"}, {"b"});
  check("^(a|b|)+c$", {"c", "abc"}, {"d"});
}

BOOST_AUTO_TEST_CASE(groups_and_alternatives_nest) {
  check("^(?:a|b(?<name>c|d))e$", {"ae", "bce", "bde"}, {"be", "ace"});
  check("^a|b$", {"ax", "xb"}, {"xax"});
  check("\\bcat\\b", {"a cat.", "cat"}, {"cats", "concat"});
  check("\\Bat\\B", {"cats_ats"}, {"cat", "at"});
}

BOOST_AUTO_TEST_CASE(escapes_mean_characters) {
  check("^\\t\\n\\r\\f\\v$", {"\t\n\r\f\v"}, {});
  check("^\\x41\\u0042\\u{1F600}\\ud83d\\ude00$", {"AB😀😀"}, {"AB"});
  check("^\\/\\.\\*\\-\\@$", {"/.*-@"}, {});
  check("^\\$\\^$", {"$^"}, {});
}

BOOST_AUTO_TEST_CASE(what_is_not_understood_is_no_pattern) {
  for (const char* pattern :
       {"(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b",        "(a)\\1", "\\k<n>", "\\p{L}", "(",
        ")",     "a)",    "[a",      "[b-a]",          "*a",     "a**",    "^*",     "a{2,1}",
        "\\",    "\\xg1", "\\u{}",   "\\u{1F6000000}", "\\q",    "(?<n",   "(?x)",   "[\\d-z"})
    BOOST_TEST(!text_pattern::compile(pattern).has_value(), pattern);
}

BOOST_AUTO_TEST_CASE(a_pattern_that_is_too_large_is_none) {
  BOOST_TEST(!text_pattern::compile(std::string(1001, 'a')).has_value());
  BOOST_TEST(!text_pattern::compile("a{100000}").has_value());
  BOOST_TEST(!text_pattern::compile("((((a{9}){9}){9}){9}){9}").has_value());
  BOOST_TEST(!text_pattern::compile(std::string(100, '(') + "a" + std::string(100, ')')).has_value());
  BOOST_TEST(text_pattern::compile("(((){99999}){99999}){99999}").has_value());
}

BOOST_AUTO_TEST_CASE(no_text_makes_it_run_away) {
  const std::string many(20'000, 'a');
  check("^(a+)+$", {many}, {many + "b"});
  check("^(a|aa)+$", {many}, {many + "b"});
  check("(x+x+)+y", {}, {std::string(20'000, 'x')});
}

BOOST_AUTO_TEST_CASE(a_budget_that_is_used_up_says_nothing) {
  const auto pattern = text_pattern::compile("b");
  std::size_t budget = 100;
  BOOST_TEST(!pattern->found_in(std::string(1000, 'a'), budget).has_value());
  budget = 100'000;
  BOOST_TEST(*pattern->found_in(std::string(1000, 'a') + "b", budget));
  BOOST_TEST(budget < 100'000U);
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_no_danger) {
  check("^.+$", {"\xff\xfe", "a\xe2\x82", "\xf0\x9f\x98"}, {});
  BOOST_TEST(text_pattern::compile("\xff[\xe2-\xe3]").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
