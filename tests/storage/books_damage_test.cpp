// Damaged rows in each table: reported by table and key, never believed, and nobody dies.
#include "storage/ledger.hpp"
#include "storage/lmdb.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

using bytes = std::vector<std::uint8_t>;

constexpr std::size_t ended = 60;
constexpr std::size_t open = 10;

usage_record intent(std::uint64_t number) {
  usage_record record = plain_record(number);
  record.state = record_state::intent;
  record.success = false;
  record.cost.reset();
  record.cost_limit = money{1'000'000, *currency::parse("USD")};
  return record;
}

void fill(const std::filesystem::path& dir) {
  const auto books = open_ledger(dir, 1U << 20U);
  std::vector<usage_record> batch = plain_batch(0, ended);
  for (std::size_t number = ended; number != ended + open; ++number)
    batch.push_back(intent(number));
  BOOST_REQUIRE(books->append(batch).has_value());
}

/// Works on one table behind the ledger's back.
void with_table(const std::filesystem::path& dir, const char* name,
                const std::function<void(lmdb::transaction&, MDB_dbi)>& work) {
  lmdb::environment env;
  lmdb::transaction txn;
  MDB_dbi table = 0;
  BOOST_REQUIRE(lmdb::environment::open(dir, 1U << 20U, false, env).ok());
  BOOST_REQUIRE(txn.begin(env, lmdb::access::write).ok());
  BOOST_REQUIRE(txn.open_table(name, 0, table).ok());
  work(txn, table);
  BOOST_REQUIRE(txn.commit().ok());
}

std::vector<std::pair<bytes, bytes>> rows_of(lmdb::transaction& txn, MDB_dbi table) {
  std::vector<std::pair<bytes, bytes>> rows;
  lmdb::cursor at;
  BOOST_REQUIRE(at.open(txn, table).ok());
  for (auto answer = at.first(); answer.ok(); answer = at.next())
    rows.emplace_back(bytes(at.key().begin(), at.key().end()), bytes(at.value().begin(), at.value().end()));
  return rows;
}

/// Changes one row of the table by `change(value)`.
void damage(const std::filesystem::path& dir, const char* name, random_engine& random,
            const std::function<void(bytes&)>& change) {
  with_table(dir, name, [&](lmdb::transaction& txn, MDB_dbi table) {
    auto rows = rows_of(txn, table);
    auto& [key, value] = rows.at(random() % rows.size());
    change(value);
    BOOST_REQUIRE(txn.replace(table, key, value).ok());
  });
}

/// Everything that may be asked and done; what comes of it is of no interest, but true rows.
void use(ledger& books) {
  (void)books.scan({}, [](const usage_record& record) {
    const auto number =
        static_cast<std::uint64_t>((record.time - plain_record(0).time) / std::chrono::seconds{1});
    BOOST_TEST(record == plain_record(number));
    return true;
  });
  usage_grouping by_hour;
  by_hour.step = time_step::hour;
  by_hour.tags = {"user"};
  (void)books.summary({});
  (void)books.summary({}, by_hour, summary_basis::rows);
  (void)books.summary({}, by_hour, summary_basis::rollups);
  (void)books.intents();
  (void)books.append(plain_batch(0, ended + open));
  (void)books.reprice(plain_batch(0, ended));
  (void)books.close_intents();
  cleanup_bounds bounds;
  bounds.rows_before = plain_record(20).time;
  (void)books.cleanup(bounds);
  (void)books.stats();
}

/// Whether a check names the table among its problems.
bool reports(const ledger& books, const std::string& table) {
  const auto report = books.verify({});
  BOOST_REQUIRE(report.has_value());
  return std::ranges::any_of(report->problems, [&](const std::string& each) {
    return each.find("table " + table + ",") != std::string::npos;
  });
}

} // namespace

BOOST_AUTO_TEST_SUITE(books_damage_test)

BOOST_AUTO_TEST_CASE(sound_books_have_no_problems) {
  const scratch_folder scratch;
  fill(scratch.path());
  const auto report = open_ledger(scratch.path())->verify({}).value();
  BOOST_TEST(report.problem_count == 0U);
  BOOST_TEST(report.records == ended);
  BOOST_TEST(report.open_intents == open);
  BOOST_TEST(report.rollups > 0U);
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_is_reported_with_its_table_and_kills_nobody) {
  auto random = make_random();
  for (const char* table : {"records", "intents", "series", "rollups"})
    for (int round = 0; round != 60; ++round) {
      const scratch_folder scratch;
      fill(scratch.path());
      damage(scratch.path(), table, random, [&](bytes& value) {
        value[random() % value.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
      });
      const auto books = open_ledger(scratch.path(), 1U << 20U);
      BOOST_TEST_CONTEXT(table << " in round " << round) {
        BOOST_TEST(reports(*books, table));
        use(*books);
      }
    }
}

BOOST_AUTO_TEST_CASE(a_row_cut_anywhere_is_reported) {
  auto random = make_random();
  for (const char* table : {"records", "intents", "series", "rollups", "by_id"})
    for (int round = 0; round != 25; ++round) {
      const scratch_folder scratch;
      fill(scratch.path());
      damage(scratch.path(), table, random, [&](bytes& value) { value.resize(random() % value.size()); });
      const auto books = open_ledger(scratch.path(), 1U << 20U);
      BOOST_TEST_CONTEXT(table << " in round " << round) {
        BOOST_TEST(reports(*books, table));
        use(*books);
      }
    }
}

BOOST_AUTO_TEST_CASE(a_missing_row_is_reported_by_what_points_to_it) {
  auto random = make_random();
  const std::vector<std::pair<const char*, const char*>> pointers{
      {"records", "by_id"}, {"by_id", "records"}, {"rollups", "rollups"}, {"series", "records"}};
  for (const auto& [gone, reported] : pointers) {
    const scratch_folder scratch;
    fill(scratch.path());
    with_table(scratch.path(), gone, [&](lmdb::transaction& txn, MDB_dbi table) {
      const auto rows = rows_of(txn, table);
      BOOST_REQUIRE(txn.erase(table, rows.at(random() % rows.size()).first).ok());
    });
    const auto books = open_ledger(scratch.path(), 1U << 20U);
    BOOST_TEST_CONTEXT(gone) {
      BOOST_TEST(reports(*books, reported));
      use(*books);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_sound_rollup_that_does_not_fit_its_rows_is_reported) {
  const scratch_folder scratch;
  fill(scratch.path());
  with_table(scratch.path(), "records", [](lmdb::transaction& txn, MDB_dbi table) {
    const auto rows = rows_of(txn, table);
    BOOST_REQUIRE(txn.erase(table, rows.at(7).first).ok());
  });
  const auto report = open_ledger(scratch.path())->verify({}).value();
  BOOST_TEST(std::ranges::any_of(report.problems, [](const std::string& each) {
    return each.find("differs from its rows") != std::string::npos;
  }));
}

BOOST_AUTO_TEST_CASE(a_damaged_rollup_is_made_anew_from_its_rows_by_the_next_batch_that_it_is_in) {
  const scratch_folder scratch;
  fill(scratch.path());
  with_table(scratch.path(), "rollups", [](lmdb::transaction& txn, MDB_dbi table) {
    for (auto& [key, value] : rows_of(txn, table)) {
      value.back() ^= 1U;
      BOOST_REQUIRE(txn.replace(table, key, value).ok());
    }
  });
  const auto books = open_ledger(scratch.path(), 1U << 20U);
  BOOST_TEST(!books->summary({}).has_value());
  BOOST_TEST(books->summary({}, {}, summary_basis::rows).has_value());
  BOOST_REQUIRE(books->append(plain_batch(100, 60)).has_value()); // the same series, the same hour
  BOOST_TEST((books->summary({}).value() == books->summary({}, {}, summary_basis::rows).value()));
  BOOST_TEST(books->verify({}).value().problem_count == 0U);
}

BOOST_AUTO_TEST_CASE(a_row_under_another_rows_key_is_reported) {
  const scratch_folder scratch;
  fill(scratch.path());
  for (const char* table : {"records", "intents", "series", "rollups"})
    with_table(scratch.path(), table, [](lmdb::transaction& txn, MDB_dbi at) {
      const auto rows = rows_of(txn, at);
      BOOST_REQUIRE(txn.replace(at, rows.at(0).first, rows.at(1).second).ok());
    });
  const auto books = open_ledger(scratch.path(), 1U << 20U);
  for (const char* table : {"records", "intents", "series", "rollups"})
    BOOST_TEST(reports(*books, table));
}

BOOST_AUTO_TEST_CASE(foreign_keys_are_reported_and_the_check_goes_on) {
  const scratch_folder scratch;
  fill(scratch.path());
  for (const char* table : {"records", "by_id", "intents", "series", "rollups"})
    for (const bytes& key : {bytes{0}, bytes{'d'}, bytes(40, 0xff)})
      with_table(scratch.path(), table, [&](lmdb::transaction& txn, MDB_dbi at) {
        BOOST_REQUIRE(txn.replace(at, key, bytes{1, 2, 3}).ok());
      });
  const auto books = open_ledger(scratch.path(), 1U << 20U);
  for (const char* table : {"records", "by_id", "intents", "series", "rollups"})
    BOOST_TEST(reports(*books, table), table);
  BOOST_TEST(books->verify({}).value().records >= ended);
}

BOOST_AUTO_TEST_CASE(a_check_can_be_ended) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  BOOST_REQUIRE(books->append(plain_batch(0, 25'000)).has_value());
  std::vector<std::uint64_t> seen;
  const auto report = books->verify([&](std::uint64_t rows) {
    seen.push_back(rows);
    return false;
  });
  BOOST_TEST(report.value().records == 10'000U);
  BOOST_TEST(seen == std::vector<std::uint64_t>{10'000}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
