// What people type and what they read: times, sizes, groups, sparklines, shares, amounts in a column.
// Knows no ledger: whole answers are looked at in tests/acceptance/usage.py.
#include "tools/graphs.hpp"
#include "tools/table.hpp"
#include "tools/terminal.hpp"
#include "tools/time_words.hpp"
#include "tools/usage_question.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace weir;
using namespace weir::tools;
using namespace std::chrono_literals;

namespace {

const currency usd = *currency::parse("USD");
const currency jpy = *currency::parse("JPY");

timestamp moment(const std::string& text) {
  return parse_timestamp(text).value();
}

const timestamp now = moment("2026-11-26T10:40:00Z");

std::string read_moment(std::string_view text, const std::string& zone = "UTC") {
  const auto read = parse_moment(text, now, time_zone::find(zone).value());
  return read ? to_string(*read).substr(0, 16) : "no";
}

money_cell amount(int128 picos, currency unit = usd, std::string words = {}) {
  return {.words = std::move(words), .amount = money_sum(picos, unit)};
}

} // namespace

BOOST_AUTO_TEST_SUITE(usage_words_test)

BOOST_AUTO_TEST_CASE(a_span_means_so_long_ago) {
  BOOST_TEST(read_moment("7d") == "2026-11-19T10:40");
  BOOST_TEST(read_moment("24h") == "2026-11-25T10:40");
  BOOST_TEST(read_moment("90m") == "2026-11-26T09:10");
  BOOST_TEST(read_moment("2w") == "2026-11-12T10:40");
  BOOST_TEST(read_moment("now") == "2026-11-26T10:40");
}

BOOST_AUTO_TEST_CASE(days_and_months_begin_where_the_zone_says) {
  BOOST_TEST(read_moment("today") == "2026-11-26T00:00");
  BOOST_TEST(read_moment("yesterday") == "2026-11-25T00:00");
  BOOST_TEST(read_moment("this-month") == "2026-11-01T00:00");
  BOOST_TEST(read_moment("last-month") == "2026-10-01T00:00");
  BOOST_TEST(read_moment("this-hour") == "2026-11-26T10:00");
  BOOST_TEST(read_moment("today", "Europe/Berlin") == "2026-11-25T23:00");
  BOOST_TEST(read_moment("last-month", "Europe/Berlin") == "2026-09-30T22:00"); // summer time
  BOOST_TEST(read_moment("today", "America/New_York") == "2026-11-26T05:00");
}

BOOST_AUTO_TEST_CASE(a_date_alone_is_midnight_in_the_zone) {
  BOOST_TEST(read_moment("2026-11-24") == "2026-11-24T00:00");
  BOOST_TEST(read_moment("2026-11-24", "Europe/Berlin") == "2026-11-23T23:00");
  BOOST_TEST(read_moment("2026-07-24", "Europe/Berlin") == "2026-07-23T22:00");
  BOOST_TEST(read_moment("2026-11-24", "Pacific/Kiritimati") == "2026-11-23T10:00"); // 14 hours ahead
  BOOST_TEST(read_moment("2026-11-24", "Pacific/Pago_Pago") == "2026-11-24T11:00");  // 11 hours behind
  BOOST_TEST(read_moment("2026-11-24T12:00:00Z", "Europe/Berlin") == "2026-11-24T12:00");
  BOOST_TEST(read_moment("1764000000", "Europe/Berlin") == "2025-11-24T16:00");
}

BOOST_AUTO_TEST_CASE(what_is_no_time_is_refused_with_what_was_expected) {
  for (const char* text :
       {"", "d", "7x", "-7d", "7 d", "tomorrow", "99999999999w", "2026-13-01", "7dd", "1e3s"})
    BOOST_TEST(read_moment(text) == "no", text);
  const auto read = parse_moment("soon", now, {});
  BOOST_REQUIRE(!read);
  BOOST_TEST(read.error().message.starts_with("'soon' is no time; expected "));
  BOOST_TEST((read.error().type == errc::invalid_request));
}

BOOST_AUTO_TEST_CASE(spans_and_sizes_need_their_units) {
  BOOST_TEST((parse_span("90d").value() == 90 * 24h));
  BOOST_TEST((parse_span("500ms").value() == 500ms));
  for (const char* text : {"", "90", "0d", "d90", "90 d", "36526d", "18446744073709551616s"})
    BOOST_TEST(!parse_span(text), text);
  BOOST_TEST(parse_size("2GiB").value() == 2ULL << 30U);
  BOOST_TEST(parse_size("500MB").value() == 500'000'000U);
  BOOST_TEST(parse_size("4096").value() == 4096U);
  for (const char* text : {"", "0", "0GiB", "2gib", "GiB", "20000000TiB", "-1"})
    BOOST_TEST(!parse_size(text), text);
  BOOST_TEST(size_words(12) == "12 B");
  BOOST_TEST(size_words(1536) == "1.5 KiB");
  BOOST_TEST(size_words(2ULL << 30U) == "2.0 GiB");
  BOOST_TEST(size_words(UINT64_MAX) == "16777215.9 TiB");
}

BOOST_AUTO_TEST_CASE(a_sparkline_reaches_its_top_once_and_shows_the_smallest) {
  BOOST_TEST(sparkline({0, 1, 2, 3, 4, 5, 6, 7, 8}) == ".▁▂▃▄▅▆▇█");
  BOOST_TEST(sparkline({1, 1'000'000}) == "▁█");
  BOOST_TEST(sparkline({0, 0}) == "..");
  BOOST_TEST(sparkline({5, 5}) == "██");
  BOOST_TEST(sparkline({-3, 2}) == ".█");
  BOOST_TEST(sparkline({}).empty());
  const int128 huge = int128{1} << 126;
  BOOST_TEST(sparkline({huge, huge / 2, 1}) == "█▄▁");
}

BOOST_AUTO_TEST_CASE(a_bar_is_as_long_as_the_share) {
  BOOST_TEST(share_bar(1000, 4) == "████");
  BOOST_TEST(share_bar(500, 4) == "██");
  BOOST_TEST(share_bar(0, 4).empty());
  BOOST_TEST(share_bar(1, 4) == "▏"); // there at all
  BOOST_TEST(share_bar(2000, 4) == "████");
  BOOST_TEST(filled_bar(500, 4) == "██░░");
  BOOST_TEST(filled_bar(0, 2) == "░░");
  BOOST_TEST(filled_bar(1000, 2) == "██");
}

BOOST_AUTO_TEST_CASE(shares_are_rounded_half_up) {
  BOOST_TEST(percent(permille_of(1, 3)) == "33.3 %");
  BOOST_TEST(percent(permille_of(2, 3)) == "66.7 %");
  BOOST_TEST(percent(permille_of(1, 2000)) == "0.1 %");
  BOOST_TEST(percent(permille_of(1, 2001)) == "0.0 %");
  BOOST_TEST(percent(permille_of(0, 0)) == "0.0 %");
  BOOST_TEST(percent(permille_of(int128{1} << 125, int128{1} << 126)) == "50.0 %");
}

BOOST_AUTO_TEST_CASE(decimal_points_stand_below_each_other) {
  const auto cells = aligned({amount(1'234'500'000'000'000),
                              amount(720'000'000),
                              amount(0),
                              {.words = "unknown"},
                              amount(900, usd, "up to")});
  BOOST_TEST(cells[0] == "1,234.50         USD");
  BOOST_TEST(cells[1] == "0.00072      USD");
  BOOST_TEST(cells[3] == "unknown");
  BOOST_TEST(cells[4] == "up to 0.0000000009 USD");
  std::size_t width = 0;
  for (const std::string& each : cells)
    width = std::max(width, each.size());
  std::vector<std::size_t> points;
  for (const std::string& each : cells)
    if (const auto point = each.find('.'); point != std::string::npos)
      points.push_back(width - each.size() + point);
  BOOST_TEST(points == std::vector<std::size_t>(4, points.front()));
}

BOOST_AUTO_TEST_CASE(amounts_are_exact_and_as_their_currency_is_written) {
  BOOST_TEST(money_words(money_sum(1'234'500'000'000'000, usd)) == "1,234.50 USD");
  BOOST_TEST(money_words(money_sum(1, usd)) == "0.000000000001 USD");
  BOOST_TEST(money_words(money_sum(-1'500'000'000'000, usd)) == "-1.50 USD");
  BOOST_TEST(money_words(money_sum(int128{-123'456} * picos_per_unit, usd)) == "-123,456.00 USD");
  BOOST_TEST(money_words(money_sum(int128{1234} * picos_per_unit, jpy)) == "1,234 JPY");
  BOOST_TEST(aligned({amount(int128{1234} * picos_per_unit, jpy), amount(picos_per_unit)}) ==
             std::vector<std::string>({"1,234    JPY", "1.00 USD"}));
}

BOOST_AUTO_TEST_CASE(a_narrow_terminal_does_without_what_is_needed_least) {
  const std::vector<column> columns{
      {.title = "NAME"}, {.title = "LESS", .number = true, .spare = 2}, {.title = "SOME", .spare = 1}};
  const table_rows rows{{"a", "1", "x"}};
  const auto wide = draw_table(columns, rows, {});
  BOOST_TEST(wide.text == "NAME LESS SOME\na       1 x\n");
  BOOST_TEST(wide.left_out.empty());
  table_layout narrow;
  narrow.on.width = 9;
  const auto less = draw_table(columns, rows, narrow);
  BOOST_TEST(less.text == "NAME SOME\na    x\n");
  BOOST_TEST(less.left_out == std::vector<std::string>{"LESS"});
  narrow.on.width = 1;
  BOOST_TEST(draw_table(columns, rows, narrow).text == "NAME\na\n");
  BOOST_TEST(left_out_words({"A", "B"}) == "no room for A, B; a wider terminal or a pipe shows all\n");
}

BOOST_AUTO_TEST_CASE(pieces_of_a_table_have_the_same_columns) {
  const std::vector<column> columns{{.title = "A"}, {.title = "B", .number = true}};
  table_layout layout;
  layout.widest = {"wide cell", "1,000"};
  BOOST_TEST(draw_table(columns, {{"x", "1"}}, layout).text == "A             B\nx             1\n");
  layout.titles = false;
  BOOST_TEST(draw_table(columns, {{"y", "20"}}, layout).text == "y            20\n");
}

BOOST_AUTO_TEST_CASE(groups_are_read_and_named_when_wrong) {
  const auto read = parse_grouping("day,provider,tag:agent,tag:agent,error", "Europe/Berlin").value();
  BOOST_TEST(read.provider);
  BOOST_TEST(!read.model);
  BOOST_TEST(read.error_type);
  BOOST_TEST((read.step == time_step::day));
  BOOST_TEST(read.tags == std::vector<std::string>{"agent"});
  BOOST_TEST(read.time_zone == "Europe/Berlin");
  BOOST_TEST(parse_grouping("none", "UTC").value().tags.empty());
  for (const char* words : {"", "provider,", ",provider", "day,hour", "tag:", "vendor", "none,model"})
    BOOST_TEST(!parse_grouping(words, "UTC"), words);
  BOOST_TEST(parse_grouping("vendor", "UTC").error().message.starts_with("'vendor' is no group; expected "));
}

BOOST_AUTO_TEST_CASE(a_wrong_option_is_named) {
  const auto place = [](usage_question question) {
    const auto filter = make_filter(question, now);
    return filter ? std::string("none") : filter.error().place;
  };
  BOOST_TEST(place({}) == "none");
  BOOST_TEST(place({.since = "soon"}) == "--since");
  BOOST_TEST(place({.until = "later"}) == "--until");
  BOOST_TEST(place({.status = "good"}) == "--status");
  BOOST_TEST(place({.error = "none"}) == "--error");
  BOOST_TEST(place({.tags = {"agent"}}) == "--tag");
  BOOST_TEST(place({.tags = {"=x"}}) == "--tag");
  BOOST_TEST(place({.zone = "Mars/Base"}) == "--time-zone");
  BOOST_TEST(place({.since = "1h", .until = "2h"}) == "--since, --until");
  const auto both = make_filter({.since = "1h", .until = "2h"}, now);
  BOOST_TEST(both.error().message ==
             "--since 2026-11-26T09:40:00.000000Z is after --until 2026-11-26T08:40:00.000000Z");
}

BOOST_AUTO_TEST_CASE(what_steers_a_terminal_is_not_shown) {
  BOOST_TEST(harmless("a\x1b[2Jb\r\n\x7f") == "a?[2Jb???");
  BOOST_TEST(harmless("\xc2\x9b"
                      "2J") == "??2J");
  BOOST_TEST(harmless("grün ▁") == "grün ▁");
}

BOOST_AUTO_TEST_CASE(progress_says_how_far_how_fast_and_how_long) {
  BOOST_TEST(progress_text("exporting", 420'000, 420, 2000ms, false) ==
             "exporting  42 %  420,000 rows  210,000/s  3 s left");
  BOOST_TEST(progress_text("deleting", 10, std::nullopt, 0ms, true) == "deleting  10 rows  10,000/s");
  BOOST_TEST(progress_text("x", 1, 1000, 1000ms, true).find("████████████████████████  100 %") !=
             std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
