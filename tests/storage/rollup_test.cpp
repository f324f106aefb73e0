// Rollups against rows: after any history, whatever is asked, both give the same to the last digit.
#include "storage/ledger.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <tuple>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

constexpr std::int64_t start_us = 1'764'000'000'000'000; // 2025-11-24T16:00:00Z
constexpr std::int64_t span_us = 5LL * 24 * 3'600'000'000;

timestamp at_us(std::int64_t count) {
  return timestamp{std::chrono::microseconds{count}};
}

/// A history of a ledger, and what it should have made of it.
class history {
public:
  explicit history(random_engine& random) : random_(random) { reopen({"agent", "project", "user"}); }

  ledger& books() { return *books_; }

  void reopen(std::vector<std::string> tags) {
    books_.reset();
    ledger_options options{scratch_.path(), 1U << 20U};
    options.rollup_tags = std::move(tags);
    auto opened = ledger::open(options);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), to_string(opened.error()));
    books_ = std::move(*opened);
  }

  void step() {
    switch (below(6)) {
    case 0:
      return append_some(record_state::intent);
    case 1:
      return end_intents();
    case 2:
      return settle_unknowns();
    case 3:
      return reprice();
    case 4:
      if (below(5) == 0)
        BOOST_REQUIRE(books_->close_intents().has_value());
      return;
    default:
      return append_some(record_state::settled);
    }
  }

  usage_filter any_filter() {
    usage_filter filter;
    if (below(2) == 0)
      filter.since = any_moment();
    if (below(2) == 0)
      filter.until = any_moment();
    if (below(4) == 0)
      filter.model = model_name{"model-" + std::to_string(below(4))};
    if (below(4) == 0)
      filter.provider = provider_name{"provider-" + std::to_string(below(3))};
    if (below(4) == 0)
      filter.status = static_cast<usage_status>(1 + below(4));
    if (below(4) == 0)
      filter.error_type = static_cast<errc>(below(4));
    if (below(4) == 0)
      filter.tags.emplace_back(any_key(), "v" + std::to_string(below(3)));
    return filter;
  }

  usage_grouping any_grouping() {
    static constexpr std::array zones{"UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"};
    usage_grouping grouping;
    grouping.provider = below(2) == 0;
    grouping.model = below(2) == 0;
    grouping.status = below(2) == 0;
    grouping.error_type = below(3) == 0;
    if (below(3) == 0)
      grouping.tags.push_back(any_key());
    if (below(2) == 0) {
      grouping.step = static_cast<time_step>(below(3));
      grouping.time_zone = zones[below(zones.size())];
    }
    return grouping;
  }

private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::string any_key() {
    static constexpr std::array keys{"agent", "user", "session"};
    return keys[below(keys.size())];
  }

  /// Often the very edge of an hour or of a day.
  timestamp any_moment() {
    constexpr std::int64_t hour = 3'600'000'000;
    const std::int64_t moment = start_us + static_cast<std::int64_t>(below(span_us));
    switch (below(3)) {
    case 0:
      return at_us(moment / hour * hour + static_cast<std::int64_t>(below(3)) - 1);
    case 1:
      return at_us(moment / (24 * hour) * (24 * hour));
    default:
      return at_us(moment);
    }
  }

  std::optional<money> any_money() {
    if (below(4) == 0)
      return std::nullopt;
    return money{static_cast<std::int64_t>(below(1'000'000'000'000)) - 1000,
                 *currency::parse(below(2) == 0 ? "USD" : "EUR")};
  }

  usage_record any_record(record_state state) {
    usage_record record = plain_record(next_++);
    record.time = any_moment();
    record.state = state;
    record.model = model_name{"model-" + std::to_string(below(3))};
    record.provider = provider_name{"provider-" + std::to_string(below(2))};
    record.tags.clear();
    for (const char* key : {"agent", "user", "session", "agent"})
      if (below(3) != 0)
        record.tags.emplace_back(key, "v" + std::to_string(below(3)));
    fill(record);
    return record;
  }

  void fill(usage_record& record) {
    record.success = record.state == record_state::settled && below(4) != 0;
    record.error_type = record.success ? errc::none : static_cast<errc>(below(4));
    record.usage.prompt_tokens = below(10'000);
    record.usage.completion_tokens = below(1000);
    record.usage.total_tokens = record.usage.prompt_tokens + below(1000);
    record.usage.cached_tokens = below(2) == 0 ? std::nullopt : std::optional(below(500));
    record.usage.reasoning_tokens = below(2) == 0 ? std::nullopt : std::optional(below(500));
    record.usage.source = below(3) == 0 ? metering::estimated : metering::reported;
    record.usage.reported_cost = any_money();
    record.cost = any_money();
    record.cost_limit = any_money();
    record.response_time = std::chrono::microseconds{below(100'000'000)};
    record.first_token_time.reset();
    if (below(2) == 0)
      record.first_token_time = std::chrono::microseconds{below(5'000'000)};
  }

  void append(const std::vector<usage_record>& batch) {
    const auto done = books_->append(batch);
    BOOST_REQUIRE_MESSAGE(done.has_value(), to_string(done.error()));
    BOOST_REQUIRE_EQUAL(done->appended, batch.size());
  }

  void append_some(record_state state) {
    std::vector<usage_record> batch;
    for (std::uint64_t left = 1 + below(40); left != 0; --left)
      batch.push_back(
          any_record(state == record_state::intent ? state : static_cast<record_state>(2 + below(3))));
    append(batch);
  }

  void end_intents() {
    std::vector<usage_record> batch = books_->intents().value();
    std::ranges::shuffle(batch, random_);
    batch.resize(below(batch.size() + 1));
    for (usage_record& record : batch) {
      record.state = static_cast<record_state>(2 + below(3));
      fill(record);
    }
    append(batch);
  }

  void settle_unknowns() {
    std::vector<usage_record> batch;
    for (usage_record& record : all_records(*books_))
      if (record.state == record_state::unknown && below(3) == 0) {
        record.state = record_state::settled;
        if (below(3) == 0) // by another way than it set out
          record.model = model_name{"model-" + std::to_string(below(3))};
        fill(record);
        batch.push_back(std::move(record));
      }
    append(batch);
  }

  void reprice() {
    std::vector<usage_record> batch;
    for (usage_record& record : all_records(*books_))
      if (record.state != record_state::void_attempt && below(5) == 0) {
        record.cost = any_money();
        record.cost_limit = any_money();
        record.price_version += 1;
        batch.push_back(std::move(record));
      }
    BOOST_REQUIRE_EQUAL(books_->reprice(batch).value(), batch.size());
  }

  random_engine& random_;
  scratch_folder scratch_;
  std::unique_ptr<ledger> books_;
  std::uint64_t next_ = 0;
};

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
