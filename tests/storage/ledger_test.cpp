// What is booked, what is refused, and what a folder must look like.
#include "storage/intents.hpp"
#include "storage/keys.hpp"
#include "storage/ledger.hpp"
#include "storage/lmdb.hpp"
#include "storage/record_format.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <fstream>
#include <functional>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

using batch = std::vector<usage_record>;

append_report append(ledger& books, const batch& records) {
  const auto done = books.append(records);
  BOOST_REQUIRE_MESSAGE(done.has_value(), to_string(done.error()));
  return *done;
}

failure refusal(ledger& books, const batch& records) {
  const auto done = books.append(records);
  BOOST_REQUIRE(!done.has_value());
  BOOST_TEST((done.error().type == errc::storage));
  return done.error();
}

failure open_failure(const std::filesystem::path& dir, bool read_only = false) {
  const auto opened = ledger::open({dir, 1ULL << 20U, read_only});
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST((opened.error().type == errc::storage));
  BOOST_TEST(opened.error().message.find(dir.string()) != std::string::npos);
  return opened.error();
}

usage_record in_state(usage_record record, record_state state) {
  record.state = state;
  record.usage = {};
  record.cost.reset();
  record.cost_limit = money{5'000'000'000'000, *currency::parse("USD")};
  record.success = false;
  return record;
}

/// Works on a table behind the ledger's back, while it is closed.
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

mode_t mode_of(const std::filesystem::path& path) {
  struct stat facts {};
  BOOST_REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777U;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ledger_test)

BOOST_AUTO_TEST_CASE(makes_its_folder_and_files_for_the_owner_alone) {
  const scratch_folder scratch;
  const auto dir = scratch.path() / "a" / "b" / "usage";
  const auto books = open_ledger(dir);
  BOOST_TEST(mode_of(dir) == 0700U);
  BOOST_TEST(mode_of(dir / "data.mdb") == 0600U);
  BOOST_TEST(mode_of(dir / "lock.mdb") == 0600U);
}

BOOST_AUTO_TEST_CASE(a_trailing_slash_names_the_same_folder) {
  const scratch_folder scratch;
  const std::filesystem::path dir = scratch.path().string() + "/new/usage/";
  (void)open_ledger(dir);
  BOOST_TEST(mode_of(dir) == 0700U);
}

BOOST_AUTO_TEST_CASE(what_was_booked_is_there_after_a_reopening) {
  const scratch_folder scratch;
  const auto records = plain_batch(0, 100);
  {
    const auto books = open_ledger(scratch.path());
    BOOST_TEST(append(*books, records).appended == 100U);
  }
  const auto books = open_ledger(scratch.path());
  BOOST_TEST(all_records(*books) == records, boost::test_tools::per_element());
  BOOST_TEST(books->stats().value().records == 100U);
}

BOOST_AUTO_TEST_CASE(an_empty_batch_does_nothing) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  BOOST_TEST(append(*books, {}).appended == 0U);
  BOOST_TEST(books->stats().value().records == 0U);
}

BOOST_AUTO_TEST_CASE(the_same_record_counts_once) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  append(*books, plain_batch(0, 10));
  const auto done = append(*books, plain_batch(5, 10));
  BOOST_TEST(done.appended == 5U);
  BOOST_TEST(done.already_there == 5U);
  const auto twice = append(*books, {plain_record(50), plain_record(50)});
  BOOST_TEST(twice.appended == 1U);
  BOOST_TEST(twice.already_there == 1U);
  BOOST_TEST(books->stats().value().records == 16U);
}

BOOST_AUTO_TEST_CASE(another_content_under_a_known_id_refuses_the_whole_batch) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  append(*books, {plain_record(1)});
  usage_record other = plain_record(1);
  other.usage.completion_tokens += 1;
  const failure refused = refusal(*books, {plain_record(2), other, plain_record(3)});
  BOOST_TEST(refused.place == "id_conflict");
  BOOST_TEST(!refused.retryable);
  BOOST_TEST(refused.message.find(to_string(other.id)) != std::string::npos);
  BOOST_TEST(all_records(*books) == batch{plain_record(1)}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_id_keeps_its_call_and_its_time) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  const usage_record intent = in_state(plain_record(1), record_state::intent);
  append(*books, {intent});
  usage_record later = plain_record(1);
  later.time += std::chrono::microseconds{1};
  BOOST_TEST(refusal(*books, {later}).place == "id_conflict");
  usage_record foreign = plain_record(1);
  foreign.call = plain_record(2).call;
  BOOST_TEST(refusal(*books, {foreign}).place == "id_conflict");
  BOOST_TEST(all_attempts(*books) == batch{intent}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_record_goes_on_only_as_its_life_does) {
  using enum record_state;
  const auto allowed = [](record_state from, record_state to) {
    return (from == intent && to != intent) || (from == unknown && to == settled);
  };
  const auto make = [](record_state state, const std::string& mark) {
    usage_record record = state == settled ? plain_record(1) : in_state(plain_record(1), state);
    record.request_id = mark;
    return record;
  };
  for (const record_state from : {intent, settled, unknown, void_attempt})
    for (const record_state to : {intent, settled, unknown, void_attempt}) {
      const scratch_folder scratch;
      const auto books = open_ledger(scratch.path());
      append(*books, {make(from, "first")});
      const usage_record next = make(to, "second");
      BOOST_TEST_CONTEXT(to_string(from) << " to " << to_string(to)) {
        if (allowed(from, to)) {
          BOOST_TEST(append(*books, {next}).appended == 1U);
          BOOST_TEST(all_attempts(*books) == batch{next}, boost::test_tools::per_element());
        } else {
          BOOST_TEST(refusal(*books, {next}).place == "id_conflict");
          BOOST_TEST(all_attempts(*books) == batch{make(from, "first")}, boost::test_tools::per_element());
        }
      }
    }
}

BOOST_AUTO_TEST_CASE(a_whole_life_given_again_is_known_again) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  const usage_record intent = in_state(plain_record(1), record_state::intent);
  const usage_record unknown = in_state(plain_record(1), record_state::unknown);
  const batch life{intent, unknown, plain_record(1)};
  BOOST_TEST(append(*books, life).appended == 3U);
  BOOST_TEST(append(*books, life).already_there == 3U);
  BOOST_TEST(append(*books, {intent}).already_there == 1U);
  BOOST_TEST(all_records(*books) == batch{plain_record(1)}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_a_newer_program_noted_is_kept_when_the_record_goes_on) {
  const std::vector<std::uint8_t> items{5, 0, 2, 0, 0, 0, 'h', 'i'};
  for (const record_state state : {record_state::intent, record_state::unknown}) {
    const scratch_folder scratch;
    const usage_record before = in_state(plain_record(1), state);
    append(*open_ledger(scratch.path()), {before});
    with_table(scratch.path(), state == record_state::intent ? "intents" : "records",
               [&](lmdb::transaction& txn, MDB_dbi table) {
                 std::vector<std::uint8_t> noted;
                 const row_key key = make_row_key(before.time, before.id);
                 if (state == record_state::intent) {
                   encode_intent(before, series_of(before), noted, items);
                   BOOST_TEST(txn.replace(table, before.id.bytes, noted).ok());
                 } else {
                   encode_record(before, series_of(before), noted, items);
                   BOOST_TEST(txn.replace(table, key, noted).ok());
                 }
               });
    {
      const auto books = open_ledger(scratch.path());
      append(*books, {plain_record(1)});
      BOOST_TEST(append(*books, {plain_record(1), before}).already_there == 2U);
      BOOST_TEST(all_records(*books) == batch{plain_record(1)}, boost::test_tools::per_element());
    }
    with_table(scratch.path(), "records", [&](lmdb::transaction& txn, MDB_dbi table) {
      const row_key key = make_row_key(before.time, before.id);
      lmdb::bytes_view bytes;
      row_view row;
      BOOST_REQUIRE(txn.find(table, key, bytes).ok());
      BOOST_REQUIRE(parse_row(key, bytes, row).none());
      BOOST_TEST(row.extension == lmdb::bytes_view(items), boost::test_tools::per_element());
    });
  }
}

BOOST_AUTO_TEST_CASE(an_intent_is_no_row_until_it_has_ended) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  const usage_record intent = in_state(plain_record(1), record_state::intent);
  append(*books, {intent, plain_record(2)});
  BOOST_TEST(all_records(*books) == batch{plain_record(2)}, boost::test_tools::per_element());
  BOOST_TEST(books->intents().value() == batch{intent}, boost::test_tools::per_element());
  BOOST_TEST(books->stats().value().open_intents == 1U);
  append(*books, {plain_record(1)});
  BOOST_TEST(books->intents().value().empty());
  BOOST_TEST(books->stats().value().open_intents == 0U);
  BOOST_TEST(books->stats().value().records == 2U);
}

BOOST_AUTO_TEST_CASE(closing_makes_every_open_intent_unknown) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  batch intents;
  for (std::uint64_t number = 0; number != 50; ++number)
    intents.push_back(in_state(plain_record(number), record_state::intent));
  append(*books, intents);
  append(*books, plain_batch(10, 20));
  const batch closed = books->close_intents().value();
  BOOST_TEST(closed.size() == 30U);
  for (const usage_record& record : closed) {
    BOOST_TEST((record.state == record_state::unknown));
    BOOST_TEST((record.error_type == errc::unknown));
    BOOST_TEST((record.usage.source == metering::estimated));
    BOOST_TEST((record.cost_limit == intents.front().cost_limit));
    BOOST_TEST(!record.success);
  }
  BOOST_TEST(books->intents().value().empty());
  BOOST_TEST(books->stats().value().records == 50U);
  BOOST_TEST(append(*books, intents).already_there == 50U);
  BOOST_TEST(append(*books, closed).already_there == 30U);
  BOOST_TEST(books->close_intents().value().empty());
  // Their figures may still come.
  BOOST_TEST(append(*books, plain_batch(0, 50)).appended == 30U);
  BOOST_TEST(all_records(*books) == plain_batch(0, 50), boost::test_tools::per_element());
  BOOST_TEST(append(*books, closed).already_there == 30U);
}

BOOST_AUTO_TEST_CASE(a_new_price_changes_the_cost_and_nothing_else) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  append(*books, plain_batch(0, 10));
  batch repriced = plain_batch(0, 10);
  for (usage_record& record : repriced) {
    record.cost = money{7, *currency::parse("EUR")};
    record.price_version = 9;
  }
  BOOST_TEST(books->reprice(repriced).value() == 10U);
  BOOST_TEST(books->reprice(repriced).value() == 0U);
  BOOST_TEST(all_records(*books) == repriced, boost::test_tools::per_element());
  batch wrong = repriced;
  wrong[3].usage.prompt_tokens += 1;
  BOOST_TEST(books->reprice(wrong).error().place == "id_conflict");
  BOOST_TEST(books->reprice(batch{plain_record(99)}).error().place == "id_conflict");
  append(*books, {in_state(plain_record(20), record_state::void_attempt)});
  BOOST_TEST(books->reprice(batch{in_state(plain_record(20), record_state::void_attempt)}).error().place ==
             "id_conflict");
  BOOST_TEST(books->verify({}).value().problems.empty());
}

BOOST_AUTO_TEST_CASE(an_oversized_record_refuses_the_batch_before_anything_is_written) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  usage_record big = plain_record(2);
  big.tags.emplace_back("prompt", std::string(10U << 20U, 'x'));
  const failure refused = refusal(*books, {plain_record(1), big});
  BOOST_TEST(refused.place == "record.tags[2].value");
  BOOST_TEST(!refused.retryable);
  BOOST_TEST(books->stats().value().records == 0U);
}

BOOST_AUTO_TEST_CASE(the_largest_record_fits) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path(), 1U << 16U);
  usage_record big = plain_record(1);
  big.tags.assign(max_tags, {std::string(max_string_bytes, 'k'), std::string(max_string_bytes, 'v')});
  append(*books, {plain_record(0), big, plain_record(2)});
  BOOST_TEST((all_records(*books) == batch{plain_record(0), big, plain_record(2)}));
}

BOOST_AUTO_TEST_CASE(reading_only_asks_and_never_writes) {
  const scratch_folder scratch;
  BOOST_TEST(open_failure(scratch.path() / "absent", true).place == "stat");
  BOOST_TEST(open_failure(scratch.path(), true).message.find("there is no ledger") != std::string::npos);
  BOOST_TEST(std::filesystem::is_empty(scratch.path()));
  append(*open_ledger(scratch.path()), plain_batch(0, 3));
  const auto books = open_ledger(scratch.path(), 1U << 20U, true);
  BOOST_TEST(all_records(*books) == plain_batch(0, 3), boost::test_tools::per_element());
  BOOST_TEST(!refusal(*books, {plain_record(9)}).retryable);
}

BOOST_AUTO_TEST_CASE(a_folder_opens_once_in_a_process) {
  const scratch_folder scratch;
  {
    const auto books = open_ledger(scratch.path());
    const auto other_name = scratch.path() / "." / "";
    BOOST_TEST(open_failure(other_name).message.find("open already") != std::string::npos);
    append(*books, plain_batch(0, 1));
  }
  BOOST_TEST(all_records(*open_ledger(scratch.path())).size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_no_folder_is_refused) {
  const scratch_folder scratch;
  const auto file = scratch.path() / "file";
  std::ofstream(file) << "text";
  BOOST_TEST(open_failure(file).message.find("not a folder") != std::string::npos);
  BOOST_TEST(open_failure(file / "below").place == "mkdir");
  BOOST_TEST(!ledger::open({}).has_value());
}

BOOST_AUTO_TEST_CASE(the_shape_of_the_books_is_told) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path(), 8U << 20U);
  append(*books, plain_batch(0, 1000));
  const auto stats = books->stats().value();
  BOOST_TEST(stats.records == 1000U);
  BOOST_TEST(stats.map_bytes == 8U << 20U);
  BOOST_TEST(stats.file_bytes > 100'000U);
  BOOST_TEST(stats.used_bytes <= stats.file_bytes);
  BOOST_TEST(stats.used_bytes > 80'000U);
  BOOST_TEST(stats.rollups > 0U);
  BOOST_TEST(stats.file_bytes <= std::filesystem::file_size(scratch.path() / "data.mdb"));
}

BOOST_AUTO_TEST_SUITE_END()
