// A ledger of schema 1, written by the program of that time, is brought up to date and loses nothing.
#include "storage/keys.hpp"
#include "storage/ledger.hpp"
#include "storage/lmdb.hpp"
#include "storage/record_format.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

using batch = std::vector<usage_record>;

constexpr std::uint64_t rows = 400;

/// What tests/storage/data/schema-1.mdb was made of: intents, and what became of them.
usage_record old_record(std::uint64_t number) {
  usage_record record = plain_record(number);
  record.time =
      timestamp{std::chrono::milliseconds{1'764'000'000'000 + static_cast<std::int64_t>(number) * 97'000}};
  return record;
}

usage_record old_in_state(std::uint64_t number, record_state state) {
  usage_record record = old_record(number);
  record.state = state;
  record.usage = {};
  record.cost.reset();
  record.cost_limit = money{5'000'000'000'000, *currency::parse("USD")};
  record.success = false;
  record.request_id.clear();
  record.response_time = std::chrono::microseconds{0};
  if (state != record_state::intent)
    record.error_type = errc::network;
  return record;
}

/// Everything that was ever appended under a number, the last being what it is now.
batch life_of(std::uint64_t number) {
  batch life{old_in_state(number, record_state::intent)};
  if (number % 5 == 1) {
    life.push_back(old_in_state(number, record_state::unknown));
    if (number % 10 == 1)
      life.push_back(old_record(number));
  } else if (number % 5 == 2) {
    life.push_back(old_in_state(number, record_state::void_attempt));
  } else if (number % 20 != 3) {
    life.push_back(old_record(number));
  }
  return life;
}

batch expected() {
  batch all;
  for (std::uint64_t number = 0; number != rows; ++number)
    all.push_back(life_of(number).back());
  return all;
}

void place_old_ledger(const std::filesystem::path& dir) {
  std::filesystem::copy_file(std::string(WEIR_TEST_DATA) + "/../storage/data/schema-1.mdb", dir / "data.mdb");
}

} // namespace

BOOST_AUTO_TEST_SUITE(upgrade_test)

BOOST_AUTO_TEST_CASE(every_record_of_schema_1_is_there) {
  const scratch_folder scratch;
  place_old_ledger(scratch.path());
  for (int opening = 0; opening != 2; ++opening) {
    const auto books = open_ledger(scratch.path(), 1U << 18U);
    BOOST_TEST(all_attempts(*books) == expected(), boost::test_tools::per_element());
    BOOST_TEST(books->intents().value().size() == 20U);
    BOOST_TEST(books->stats().value().records == rows - 20);
    BOOST_TEST((books->summary({}).value() == books->summary({}, {}, summary_basis::rows).value()));
    BOOST_TEST(!books->summary({}).value().empty());
    const auto report = books->verify({}).value();
    BOOST_TEST(report.problems == std::vector<std::string>{}, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(what_was_given_before_is_known_after) {
  const scratch_folder scratch;
  place_old_ledger(scratch.path());
  const auto books = open_ledger(scratch.path(), 1U << 20U);
  for (std::uint64_t number = 0; number != rows; ++number) {
    const batch life = life_of(number);
    BOOST_REQUIRE_EQUAL(books->append(life).value().already_there, life.size());
    usage_record other = life.back();
    other.attempt = 77;
    other.state = record_state::void_attempt;
    if (life.back().state != record_state::intent)
      BOOST_TEST(books->append(batch{other}).error().place == "id_conflict");
  }
  BOOST_TEST(all_attempts(*books) == expected(), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_open_goes_on) {
  const scratch_folder scratch;
  place_old_ledger(scratch.path());
  const auto books = open_ledger(scratch.path(), 1U << 20U);
  batch ends;
  for (std::uint64_t number = 0; number != rows; ++number)
    if (number % 5 == 1 || number % 20 == 3)
      ends.push_back(old_record(number));
  BOOST_TEST(books->append(ends).value().appended == 60U);
  for (int again = 0; again != 2; ++again)
    for (std::uint64_t number = 0; number != rows; ++number) {
      const batch life = life_of(number);
      BOOST_REQUIRE_EQUAL(books->append(life).value().already_there, life.size());
    }
  BOOST_TEST(books->append(ends).value().already_there == ends.size());
  BOOST_TEST(books->intents().value().empty());
  BOOST_TEST(books->verify({}).value().problem_count == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_newer_program_noted_in_an_old_row_is_carried_along) {
  const scratch_folder scratch;
  place_old_ledger(scratch.path());
  (void)open_ledger(scratch.path(), 1U << 20U);
  lmdb::environment env;
  lmdb::transaction txn;
  MDB_dbi records = 0;
  lmdb::bytes_view bytes;
  row_view row;
  const row_key key = make_row_key(old_record(0).time, old_record(0).id);
  BOOST_REQUIRE(lmdb::environment::open(scratch.path(), 1U << 20U, true, env).ok());
  BOOST_REQUIRE(txn.begin(env, lmdb::access::read).ok());
  BOOST_REQUIRE(txn.open_table("records", 0, records).ok());
  BOOST_REQUIRE(txn.find(records, key, bytes).ok());
  BOOST_REQUIRE(parse_row(key, bytes, row).none());
  const std::vector<std::uint8_t> items{5, 0, 2, 0, 0, 0, 'h', 'i'};
  BOOST_TEST(row.extension == lmdb::bytes_view(items), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(who_only_reads_is_told_to_let_a_writer_come_first) {
  const scratch_folder scratch;
  place_old_ledger(scratch.path());
  const auto opened = ledger::open({scratch.path(), 1U << 20U, true});
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.error().message.find("older program") != std::string::npos);
  BOOST_TEST(!opened.error().retryable);
}

BOOST_AUTO_TEST_CASE(a_damaged_old_row_stays_and_keeps_nobody_from_the_others) {
  const scratch_folder scratch;
  place_old_ledger(scratch.path());
  {
    lmdb::environment env;
    lmdb::transaction txn;
    MDB_dbi records = 0;
    const row_key key = make_row_key(old_record(5).time, old_record(5).id);
    BOOST_REQUIRE(lmdb::environment::open(scratch.path(), 1U << 20U, false, env).ok());
    BOOST_REQUIRE(txn.begin(env, lmdb::access::write).ok());
    BOOST_REQUIRE(txn.open_table("records", 0, records).ok());
    BOOST_REQUIRE(txn.replace(records, key, std::vector<std::uint8_t>(200, 'W')).ok());
    BOOST_REQUIRE(txn.commit().ok());
  }
  const auto books = open_ledger(scratch.path(), 1U << 20U);
  const auto report = books->verify({}).value();
  BOOST_TEST(report.problem_count == 1U);
  BOOST_TEST(report.problems.at(0).find(to_string(old_record(5).id)) != std::string::npos);
  usage_filter after;
  after.since = old_record(6).time;
  BOOST_TEST(all_records(*books, after).size() > 300U);
}

BOOST_AUTO_TEST_SUITE_END()
