// Files that are not what they were: each is refused with a failure, or gives true rows. The asking is done
// in child processes, for LMDB 0.9 trusts its pages and may die of a damaged one.
#include "storage/ledger.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <lmdb.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

constexpr std::size_t rows = 60;
constexpr int clean = 0;
constexpr int refused = 3;
constexpr int false_rows = 4;

std::string content_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

/// The data file of a sound ledger, without the room that it has for more.
std::string sound_file() {
  const scratch_folder scratch;
  std::uint64_t used = 0;
  {
    const auto books = open_ledger(scratch.path(), 1U << 20U);
    for (std::size_t at = 0; at != rows; at += 10)
      BOOST_REQUIRE(books->append(plain_batch(at, 10)).has_value());
    used = books->stats().value().file_bytes;
  }
  return content_of(scratch.path() / "data.mdb").substr(0, used);
}

/// Opens the folder, asks everything and writes on; says what came of it.
int ask(const std::filesystem::path& dir, bool read_only) {
  const auto books = ledger::open({dir, 1U << 20U, read_only});
  if (!books)
    return refused;
  bool sound = true;
  const auto scanned = (*books)->scan({}, [&](const usage_record& record) {
    const auto number =
        static_cast<std::uint64_t>((record.time - plain_record(0).time) / std::chrono::seconds{1});
    sound = sound && record == plain_record(number);
    return true;
  });
  if (!sound)
    return false_rows;
  bool good = scanned.has_value() && (*books)->summary({}).has_value() && (*books)->stats().has_value();
  if (!read_only)
    good = (*books)->append(plain_batch(rows, 10)).has_value() && good;
  return good ? clean : refused;
}

/// LMDB 0.9 believes a damaged page's counts and may ask for gigabytes: a child gets one more than it has.
void bound_memory() {
  std::ifstream in("/proc/self/statm");
  rlim_t pages = 0;
  in >> pages;
  const rlim_t most = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (rlim_t{1} << 30U);
  const rlimit bound{most, most};
  ::setrlimit(RLIMIT_AS, &bound);
}

/// What a child says of a ledger whose data file has this content.
child_end ask_of(const std::string& content, bool read_only = false) {
  const scratch_folder scratch;
  std::ofstream(scratch.path() / "data.mdb", std::ios::binary) << content;
  return run_in_child([&] {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDERR_FILENO); // a sanitizer's report on a child that dies is of no interest
    bound_memory();
    return ask(scratch.path(), read_only);
  });
}

void write_schema(const std::filesystem::path& dir, const char* table, const std::string& value) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi meta = 0;
  std::string key = "schema_version";
  std::string stored = value;
  MDB_val key_view{key.size(), key.data()};
  MDB_val value_view{stored.size(), stored.data()};
  BOOST_REQUIRE(mdb_env_create(&env) == 0);
  BOOST_REQUIRE(mdb_env_set_maxdbs(env, 12) == 0);
  BOOST_REQUIRE(mdb_env_open(env, dir.c_str(), 0, 0600) == 0);
  BOOST_REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
  BOOST_REQUIRE(mdb_dbi_open(txn, table, MDB_CREATE, &meta) == 0);
  BOOST_REQUIRE(mdb_put(txn, meta, &key_view, &value_view, 0) == 0);
  BOOST_REQUIRE(mdb_txn_commit(txn) == 0);
  mdb_env_close(env);
}

std::string open_error(const std::filesystem::path& dir) {
  const auto opened = ledger::open({dir, 1U << 20U, false});
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST((opened.error().type == errc::storage));
  BOOST_TEST(!opened.error().retryable);
  return opened.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(damage_test)

BOOST_AUTO_TEST_CASE(a_sound_file_is_sound) {
  const child_end end = ask_of(sound_file());
  BOOST_TEST(end.signal == 0);
  BOOST_TEST(end.code == clean);
}

BOOST_AUTO_TEST_CASE(a_file_cut_anywhere_is_refused_and_kills_nobody) {
  const std::string whole = sound_file();
  for (std::size_t size = 1; size < whole.size(); size += 1021)
    for (const bool read_only : {true, false}) {
      const child_end end = ask_of(whole.substr(0, size), read_only);
      BOOST_TEST_CONTEXT("cut to " << size) {
        BOOST_TEST(end.signal == 0);
        BOOST_TEST(end.code == refused);
      }
    }
}

BOOST_AUTO_TEST_CASE(an_empty_file_is_a_new_ledger_to_write_and_none_to_read) {
  BOOST_TEST(ask_of("", false).code == clean);
  BOOST_TEST(ask_of("", true).code == refused);
}

BOOST_AUTO_TEST_CASE(garbage_is_no_ledger) {
  auto random = make_random();
  std::string garbage(100'000, '\0');
  std::ranges::generate(garbage, [&] { return static_cast<char>(random()); });
  for (const std::string& content : {garbage, std::string(100'000, '\0'), std::string("short")}) {
    const child_end end = ask_of(content);
    BOOST_TEST(end.signal == 0);
    BOOST_TEST(end.code == refused);
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_never_gives_a_false_row) {
  auto random = make_random();
  const std::string whole = sound_file();
  std::map<std::string, int> ends;
  for (int round = 0; round != 400; ++round) {
    std::string bad = whole;
    // Half of them in the two pages that say where everything is.
    const std::size_t range = round % 2 == 0 ? 8192 : bad.size();
    const std::size_t at = random() % range;
    bad[at] = static_cast<char>(bad[at] ^ static_cast<char>(1 + random() % 255));
    const child_end end = ask_of(bad);
    BOOST_TEST_CONTEXT("byte " << at) {
      BOOST_TEST(end.code != false_rows);
    }
    const bool died = end.signal != 0 || (end.code != clean && end.code != refused);
    ++ends[died ? "died" : end.code == clean ? "clean" : "refused"];
  }
  for (const auto& [name, count] : ends)
    std::cout << "children " << name << ": " << count << std::endl;
  BOOST_TEST(ends["refused"] > 0);
}

BOOST_AUTO_TEST_CASE(a_newer_schema_is_refused_by_its_number) {
  const scratch_folder scratch;
  (void)open_ledger(scratch.path(), 1U << 20U);
  write_schema(scratch.path(), "meta", std::string("\x07\0\0\0", 4));
  const std::string message = open_error(scratch.path());
  BOOST_TEST(message.find("schema version is 7") != std::string::npos);
  BOOST_TEST(message.find("up to 2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_schema_that_is_no_number_is_refused) {
  const scratch_folder scratch;
  (void)open_ledger(scratch.path(), 1U << 20U);
  write_schema(scratch.path(), "meta", "one");
  BOOST_TEST(open_error(scratch.path()).find("cannot be read") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_tables_of_other_software_are_left_alone) {
  const scratch_folder scratch;
  write_schema(scratch.path(), "theirs", "x");
  BOOST_TEST(open_error(scratch.path()).find("other tables") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_damaged_row_is_named_and_the_others_can_be_asked_for) {
  const scratch_folder scratch;
  std::string whole = sound_file();
  const std::string mark = "req_33";
  for (auto at = whole.find(mark); at != std::string::npos; at = whole.find(mark, at + 1))
    whole[at] = 'R';
  std::ofstream(scratch.path() / "data.mdb", std::ios::binary) << whole;
  const auto books = open_ledger(scratch.path(), 1U << 20U);
  std::size_t seen = 0;
  const auto scanned = books->scan({}, [&](const usage_record&) { return ++seen != 0; });
  BOOST_REQUIRE(!scanned.has_value());
  BOOST_TEST(seen == 33U);
  BOOST_TEST(scanned.error().message.find(to_string(plain_record(33).id)) != std::string::npos);
  BOOST_TEST(scanned.error().message.find("checksum") != std::string::npos);
  BOOST_TEST(!books->summary({}, {}, summary_basis::rows).has_value());
  BOOST_TEST(books->summary({}).has_value()); // its sums are elsewhere
  usage_filter after;
  after.since = plain_record(34).time;
  BOOST_TEST(all_records(*books, after).size() == rows - 34);
}

BOOST_AUTO_TEST_SUITE_END()
