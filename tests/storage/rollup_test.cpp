// Rollups against rows: after any history, whatever is asked, both give the same to the last digit.
#include "storage/ledger.hpp"
#include "tests/storage/fixture.hpp"
#include "tests/storage/history.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

/// The same by a plain count over the records.
std::vector<usage_summary> counted(const ledger& books, const usage_filter& filter,
                                   const usage_grouping& grouping) {
  const time_zone zone = time_zone::find(grouping.time_zone).value();
  using names = std::tuple<std::optional<timestamp>, provider_name, model_name, std::optional<usage_status>,
                           std::optional<errc>, std::vector<std::pair<std::string, std::string>>>;
  std::map<names, usage_summary> groups;
  for (const usage_record& record : all_records(books)) {
    if (!matches(filter, record))
      continue;
    usage_summary names_of;
    if (grouping.provider)
      names_of.provider = record.provider;
    if (grouping.model)
      names_of.model = record.model;
    if (grouping.status)
      names_of.status = status_of(record);
    if (grouping.error_type)
      names_of.error_type = record.error_type;
    for (const std::string& key : grouping.tags) {
      const auto tag = std::ranges::find(record.tags, key, &std::pair<std::string, std::string>::first);
      names_of.tags.emplace_back(key, tag == record.tags.end() ? "" : tag->second);
    }
    if (grouping.step)
      names_of.period = zone.begin_of(record.time, *grouping.step);
    groups
        .try_emplace({names_of.period, names_of.provider, names_of.model, names_of.status,
                      names_of.error_type, names_of.tags},
                     names_of)
        .first->second.add(record);
  }
  std::vector<usage_summary> found;
  for (auto& [key, group] : groups)
    found.push_back(std::move(group));
  return found;
}

void compare(history& past, const usage_filter& filter, const usage_grouping& grouping) {
  const auto by_rows = past.books().summary(filter, grouping, summary_basis::rows);
  const auto by_rollups = past.books().summary(filter, grouping, summary_basis::rollups);
  BOOST_REQUIRE_MESSAGE(by_rows.has_value(), to_string(by_rows.error()));
  BOOST_REQUIRE_MESSAGE(by_rollups.has_value(), to_string(by_rollups.error()));
  BOOST_REQUIRE((*by_rows == counted(past.books(), filter, grouping)));
  BOOST_REQUIRE((*by_rollups == *by_rows));
}

void expect_sound(history& past) {
  const auto report = past.books().verify({});
  BOOST_REQUIRE(report.has_value());
  for (const std::string& each : report->problems)
    BOOST_ERROR(each);
  BOOST_REQUIRE_EQUAL(report->problem_count, 0U);
}

} // namespace

BOOST_AUTO_TEST_SUITE(rollup_test)

BOOST_AUTO_TEST_CASE(rollups_equal_rows_after_any_history) {
  auto random = make_random();
  for (int round = 0; round != 12; ++round) {
    history past(random);
    for (int part = 0; part != 8; ++part) {
      for (int step = 0; step != 6; ++step)
        past.step();
      for (int question = 0; question != 12; ++question)
        compare(past, past.any_filter(), past.any_grouping());
      expect_sound(past);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_row_that_comes_and_goes_in_one_batch_leaves_no_time_behind) {
  scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  usage_record first = plain_record(1);
  first.state = record_state::unknown;
  first.success = false;
  usage_record settled = plain_record(1);
  usage_record later = plain_record(2);
  later.model = first.model;
  later.provider = first.provider;
  later.tags = first.tags;
  later.state = record_state::unknown;
  later.success = false;
  BOOST_REQUIRE_EQUAL(books->append(std::vector{first, settled, later}).value().appended, 3U);
  usage_filter unknown;
  unknown.status = usage_status::unknown;
  for (const summary_basis basis : {summary_basis::rows, summary_basis::rollups}) {
    const auto found = books->summary(unknown, {}, basis).value();
    BOOST_REQUIRE_EQUAL(found.size(), 1U);
    BOOST_TEST((found.front().first_request_time == later.time));
  }
  BOOST_TEST(books->verify({}).value().problem_count == 0U);
}

BOOST_AUTO_TEST_CASE(rollups_are_made_anew_when_they_are_to_be_kept_by_other_tags) {
  auto random = make_random();
  history past(random);
  const std::vector<std::vector<std::string>> lists{{}, {"session"}, {"user", "agent"}, {"agent"}};
  for (const auto& tags : lists) {
    for (int step = 0; step != 12; ++step)
      past.step();
    past.reopen(tags);
    expect_sound(past);
    for (int question = 0; question != 20; ++question)
      compare(past, past.any_filter(), past.any_grouping());
    for (int step = 0; step != 12; ++step)
      past.step();
    expect_sound(past);
  }
}

BOOST_AUTO_TEST_CASE(what_has_gone_from_the_rows_stays_in_the_rollups) {
  auto random = make_random();
  history past(random);
  for (int step = 0; step != 40; ++step)
    past.step();
  usage_grouping by_hour;
  by_hour.step = time_step::hour;
  by_hour.tags = {"user"};
  const auto before = past.books().summary({}, by_hour).value();
  const auto total = past.books().summary({}).value();
  cleanup_bounds bounds;
  bounds.rows_before = at_us(start_us + span_us / 2 + 1'234'567);
  const std::uint64_t rows = past.books().stats().value().records;
  while (past.books().cleanup(bounds).value().more)
    ;
  BOOST_TEST(past.books().stats().value().records < rows);
  BOOST_TEST((past.books().summary({}, by_hour).value() == before));
  BOOST_TEST((past.books().summary({}).value() == total));
  expect_sound(past);
  // Other tags from now on; the hours of which rows are gone keep theirs.
  past.reopen({"session"});
  BOOST_TEST((past.books().summary({}).value() == total));
  expect_sound(past);
  usage_filter since;
  since.since = at_us((start_us + span_us / 2) / 3'600'000'000 * 3'600'000'000 + 2 * 3'600'000'000);
  usage_grouping by_session;
  by_session.tags = {"session"};
  compare(past, since, by_session);
  // An hour that an edge cuts, and of which rows are gone, is counted where it begins: once.
  usage_filter first;
  usage_filter second;
  first.until = second.since = at_us(start_us + span_us / 4 + 777);
  std::uint64_t requests = 0;
  for (const usage_filter& part : {first, second})
    for (const usage_summary& group : past.books().summary(part).value())
      requests += group.total_requests;
  std::uint64_t all = 0;
  for (const usage_summary& group : total)
    all += group.total_requests;
  BOOST_TEST(requests == all);
}

BOOST_AUTO_TEST_CASE(a_time_zone_that_is_none_is_refused) {
  auto random = make_random();
  history past(random);
  usage_grouping grouping;
  grouping.step = time_step::day;
  grouping.time_zone = "Mars/Olympus";
  BOOST_TEST((past.books().summary({}, grouping).error().type == errc::invalid_request));
}

BOOST_AUTO_TEST_CASE(the_ends_of_time_have_rollups_too) {
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  auto batch = plain_batch(0, 3);
  batch[0].time = at_us(least);
  batch[1].time = at_us(most);
  BOOST_REQUIRE(books->append(batch).has_value());
  for (const auto& [since, until] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {least, most}, {least, least}, {least + 1, most}, {0, most}, {least, 0}}) {
    usage_filter filter;
    filter.since = at_us(since);
    filter.until = at_us(until);
    BOOST_TEST((books->summary(filter).value() == books->summary(filter, {}, summary_basis::rows).value()));
  }
  BOOST_TEST((books->summary({}).value() == books->summary({}, {}, summary_basis::rows).value()));
  BOOST_TEST(books->verify({}).value().problem_count == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
