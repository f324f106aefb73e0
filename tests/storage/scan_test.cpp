// Questions: ranges of time, filters, visitors, and sums that an independent count confirms.
#include "storage/ledger.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <map>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

timestamp at_us(std::int64_t count) {
  return timestamp{std::chrono::microseconds{count}};
}

std::vector<std::int64_t> times_of(const ledger& books, const usage_filter& filter) {
  std::vector<std::int64_t> times;
  for (const usage_record& record : all_records(books, filter))
    times.push_back(record.time.time_since_epoch().count());
  return times;
}

std::unique_ptr<ledger> books_with(const std::filesystem::path& dir,
                                   const std::vector<usage_record>& records) {
  auto books = open_ledger(dir);
  BOOST_REQUIRE(books->append(records).has_value());
  return books;
}

std::vector<usage_record> records_at(const std::vector<std::int64_t>& times) {
  std::vector<usage_record> records;
  for (const std::int64_t time : times) {
    records.push_back(plain_record(records.size()));
    records.back().time = at_us(time);
  }
  return records;
}

/// Records of a few names, in random order of time.
std::vector<usage_record> mixed_records(random_engine& random, std::size_t count) {
  std::vector<usage_record> records;
  for (std::size_t at = 0; at != count; ++at) {
    usage_record record = plain_record(at);
    record.time = at_us(static_cast<std::int64_t>(random() % 1'000'000) - 500'000);
    record.model = model_name{"model-" + std::to_string(random() % 3)};
    record.provider = provider_name{"provider-" + std::to_string(random() % 2)};
    record.success = random() % 4 != 0;
    record.state = record.success ? record_state::settled : static_cast<record_state>(2 + random() % 3);
    record.cost.reset();
    const currency unit = *currency::parse(random() % 2 == 0 ? "USD" : "EUR");
    const money amount{static_cast<std::int64_t>(random() % 1'000'000'000'000), unit};
    const bool ended = record.state == record_state::settled || record.state == record_state::void_attempt;
    if (!ended)
      record.cost_limit = amount;
    else if (random() % 5 != 0)
      record.cost = amount;
    records.push_back(record);
  }
  return records;
}

std::map<std::string, int128> by_code(const std::map<currency, money_sum>& sums) {
  std::map<std::string, int128> plain;
  for (const auto& [unit, sum] : sums)
    plain[unit.str()] = sum.picos();
  return plain;
}

} // namespace

BOOST_AUTO_TEST_SUITE(scan_test)

BOOST_AUTO_TEST_CASE(visits_in_order_of_time_whatever_the_order_of_booking) {
  const scratch_folder scratch;
  const auto books = books_with(scratch.path(), records_at({50, -3, 7, 0, -1000, 7, 1}));
  BOOST_TEST(times_of(*books, {}) == (std::vector<std::int64_t>{-1000, -3, 0, 1, 7, 7, 50}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_range_has_its_beginning_and_not_its_end) {
  const scratch_folder scratch;
  const auto books = books_with(scratch.path(), records_at({-20, -10, 0, 10, 10, 20}));
  const auto in = [&](std::optional<std::int64_t> since, std::optional<std::int64_t> until) {
    usage_filter filter;
    if (since)
      filter.since = at_us(*since);
    if (until)
      filter.until = at_us(*until);
    return times_of(*books, filter);
  };
  using times = std::vector<std::int64_t>;
  BOOST_TEST((in(10, 20) == times{10, 10}));
  BOOST_TEST((in(10, 21) == times{10, 10, 20}));
  BOOST_TEST((in(11, 20) == times{}));
  BOOST_TEST((in(-10, 10) == times{-10, 0}));
  BOOST_TEST((in(std::nullopt, -10) == times{-20}));
  BOOST_TEST((in(20, std::nullopt) == times{20}));
  BOOST_TEST((in(21, std::nullopt) == times{}));
  BOOST_TEST((in(10, 10) == times{}));
  BOOST_TEST((in(20, 10) == times{}));
}

BOOST_AUTO_TEST_CASE(the_ends_of_time_are_times_too) {
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const scratch_folder scratch;
  const auto books = books_with(scratch.path(), records_at({most, least, 0}));
  using times = std::vector<std::int64_t>;
  BOOST_TEST((times_of(*books, {}) == times{least, 0, most}));
  usage_filter filter;
  filter.since = at_us(least);
  filter.until = at_us(most);
  BOOST_TEST((times_of(*books, filter) == times{least, 0}));
}

BOOST_AUTO_TEST_CASE(names_narrow) {
  auto random = make_random();
  const scratch_folder scratch;
  const auto records = mixed_records(random, 500);
  const auto books = books_with(scratch.path(), records);
  usage_filter filter;
  filter.model = model_name{"model-1"};
  filter.provider = provider_name{"provider-0"};
  filter.since = at_us(0);
  const auto expected = std::ranges::count_if(records, [&](const usage_record& each) {
    return each.model == *filter.model && each.provider == *filter.provider && each.time >= *filter.since;
  });
  const auto found = all_records(*books, filter);
  BOOST_TEST(found.size() == static_cast<std::size_t>(expected));
  BOOST_TEST(
      std::ranges::all_of(found, [&](const usage_record& each) { return each.model == *filter.model; }));
  filter.model = model_name{"none"};
  BOOST_TEST(all_records(*books, filter).empty());
}

BOOST_AUTO_TEST_CASE(a_visitor_may_stop) {
  const scratch_folder scratch;
  const auto books = books_with(scratch.path(), plain_batch(0, 3000));
  std::size_t seen = 0;
  BOOST_TEST(books->scan({}, [&](const usage_record&) { return ++seen != 1500; }).has_value());
  BOOST_TEST(seen == 1500U);
}

BOOST_AUTO_TEST_CASE(a_visitor_may_use_the_ledger_and_pins_no_old_page) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path(), 1U << 16U);
  BOOST_REQUIRE(books->append(plain_batch(0, 2500)).has_value());
  std::size_t seen = 0;
  const auto scanned = books->scan({}, [&](const usage_record&) {
    ++seen;
    // Grows the map in mid-visit, which a transaction of the visit would forbid.
    const std::size_t next = 100'000 + seen * 2;
    return books->append(plain_batch(next, 1)).has_value() && books->stats().has_value() && seen != 2500;
  });
  BOOST_TEST(scanned.has_value());
  BOOST_TEST(seen == 2500U);
  BOOST_TEST(books->stats().value().records == 5000U);
}

BOOST_AUTO_TEST_CASE(rows_larger_than_a_chunk_are_all_visited) {
  const scratch_folder scratch;
  auto records = plain_batch(0, 40);
  for (usage_record& record : records)
    record.tags.assign(20, {"note", std::string(5000, 'n')});
  const auto books = books_with(scratch.path(), records);
  BOOST_TEST((all_records(*books) == records));
}

BOOST_AUTO_TEST_CASE(a_summary_equals_an_independent_count) {
  auto random = make_random();
  const scratch_folder scratch;
  const auto records = mixed_records(random, 5000);
  const auto books = books_with(scratch.path(), records);
  usage_filter filter;
  filter.since = at_us(-250'000);
  filter.until = at_us(250'000);
  struct count {
    std::uint64_t all = 0, good = 0, prompt = 0, completion = 0;
    std::map<std::string, int128> cost, limit;
    timestamp first = timestamp::max(), last = timestamp::min();
  };
  std::map<std::pair<std::string, std::string>, count> expected;
  for (const usage_record& record : records) {
    if (record.time < *filter.since || record.time >= *filter.until)
      continue;
    count& group = expected[{record.provider.str(), record.model.str()}];
    ++group.all;
    group.good += record.success ? 1U : 0U;
    group.prompt += record.usage.prompt_tokens;
    group.completion += record.usage.completion_tokens;
    group.first = std::min(group.first, record.time);
    group.last = std::max(group.last, record.time);
    if (record.cost)
      group.cost[record.cost->unit.str()] += record.cost->picos;
    if (record.cost_limit && record.state == record_state::unknown)
      group.limit[record.cost_limit->unit.str()] += record.cost_limit->picos;
  }
  const auto summary = books->summary(filter).value();
  BOOST_REQUIRE(summary.size() == expected.size());
  auto at = expected.begin();
  for (const usage_summary& group : summary) { // both are ordered by provider, then model
    BOOST_TEST(group.provider.str() == at->first.first);
    BOOST_TEST(group.model.str() == at->first.second);
    BOOST_TEST(group.total_requests == at->second.all);
    BOOST_TEST(group.successful_requests == at->second.good);
    BOOST_TEST(group.total_prompt_tokens == at->second.prompt);
    BOOST_TEST(group.total_completion_tokens == at->second.completion);
    BOOST_TEST((group.first_request_time == at->second.first));
    BOOST_TEST((group.last_request_time == at->second.last));
    BOOST_TEST((by_code(group.total_cost) == at->second.cost));
    BOOST_TEST((by_code(group.unknown_cost_limit) == at->second.limit));
    ++at;
  }
}

BOOST_AUTO_TEST_CASE(a_summary_of_nothing_is_empty) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  BOOST_TEST(books->summary({}).value().empty());
}

BOOST_AUTO_TEST_SUITE_END()
