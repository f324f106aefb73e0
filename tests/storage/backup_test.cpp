// Copies beside a writer, and copies put in a ledger's place: whole, of one moment, and never by halves.
#include "storage/ledger.hpp"
#include "tests/storage/faults.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <thread>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

constexpr std::size_t batch_size = 20;

namespace fs = std::filesystem;

/// A ledger with the first plain records.
void make_ledger(const fs::path& dir, std::size_t records) {
  BOOST_REQUIRE(open_ledger(dir, 1U << 20U)->append(plain_batch(0, records)).has_value());
}

std::size_t records_in(const fs::path& dir) {
  const auto books = open_ledger(dir, 1U << 20U, true);
  const auto found = all_records(*books);
  BOOST_TEST((found == plain_batch(0, found.size())));
  return found.size();
}

/// Sound from end to end, and its rollups those of its rows.
void check_whole(const ledger& books) {
  const auto checked = books.verify([](std::uint64_t) { return true; });
  BOOST_REQUIRE(checked.has_value());
  BOOST_TEST(checked->problem_count == 0U);
  const auto rollups = books.summary({}, {}, summary_basis::rollups);
  const auto rows = books.summary({}, {}, summary_basis::rows);
  BOOST_REQUIRE((rollups.has_value() && rows.has_value()));
  BOOST_TEST((*rollups == *rows));
}

unsigned mode_of(const fs::path& name) {
  struct stat facts {};
  BOOST_REQUIRE(::stat(name.c_str(), &facts) == 0);
  return facts.st_mode & 07777U;
}

std::size_t names_in(const fs::path& dir) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
}

/// A refusal for good, at that place.
void check_refused(const result<void>& done, const std::string& said) {
  BOOST_REQUIRE(!done.has_value());
  BOOST_TEST((done.error().type == errc::storage));
  BOOST_TEST(!done.error().retryable);
  BOOST_TEST(done.error().message.find(said) != std::string::npos, done.error().message);
}

} // namespace

BOOST_AUTO_TEST_SUITE(backup_test)

BOOST_AUTO_TEST_CASE(a_backup_beside_a_writer_is_of_one_moment) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path() / "books", 1U << 20U);
  BOOST_REQUIRE(books->append(plain_batch(0, batch_size)).has_value());
  std::atomic<std::size_t> acknowledged = 1;
  std::atomic<bool> enough = false;
  std::thread writer([&] {
    for (std::size_t at = 1; !enough && books->append(plain_batch(at * batch_size, batch_size)); ++at)
      acknowledged = at + 1;
  });
  for (int round = 0; round != 10; ++round) {
    const auto copy = scratch.path() / std::to_string(round);
    const std::size_t before = acknowledged;
    const auto done = books->backup(copy);
    const std::size_t after = acknowledged;
    BOOST_TEST(done.has_value());
    if (!done)
      break;
    const std::size_t records = records_in(copy);
    BOOST_TEST(records % batch_size == 0U);
    BOOST_TEST(records / batch_size >= before);
    BOOST_TEST(records / batch_size <= after + 1);
    check_whole(*open_ledger(copy, 1U << 20U, true));
    while (acknowledged < after + 5 && !enough)
      std::this_thread::yield();
  }
  enough = true;
  writer.join();
  check_whole(*books);
}

BOOST_AUTO_TEST_CASE(a_backup_is_the_owners_alone_and_can_be_written_to) {
  const scratch_folder scratch;
  make_ledger(scratch.path() / "books", 100);
  const auto copy = scratch.path() / "copy" / ""; // with a slash at the end
  BOOST_REQUIRE(open_ledger(scratch.path() / "books", 1U << 20U, true)->backup(copy).has_value());
  BOOST_TEST(mode_of(scratch.path() / "copy") == 0700U);
  BOOST_TEST(mode_of(scratch.path() / "copy" / "data.mdb") == 0600U);
  BOOST_TEST(names_in(scratch.path()) == 2U); // nothing half is left
  const auto books = open_ledger(copy, 1U << 20U);
  BOOST_TEST(books->append(plain_batch(100, 5)).has_value());
  BOOST_TEST((all_records(*books) == plain_batch(0, 105)));
}

BOOST_AUTO_TEST_CASE(what_is_there_is_not_overwritten_by_a_backup) {
  const scratch_folder scratch;
  make_ledger(scratch.path() / "books", 10);
  make_ledger(scratch.path() / "other", 20);
  std::ofstream(scratch.path() / "file") << "precious";
  fs::create_directory(scratch.path() / "empty");
  const auto books = open_ledger(scratch.path() / "books", 1U << 20U);
  check_refused(books->backup(scratch.path() / "other"), "is there already");
  check_refused(books->backup(scratch.path() / "file"), "is there already");
  check_refused(books->backup(scratch.path() / "books"), "is there already");
  check_refused(books->backup({}), "no name");
  BOOST_TEST(!books->backup(scratch.path() / "nowhere" / "copy").has_value());
  BOOST_TEST(books->backup(scratch.path() / "empty").has_value());
  BOOST_TEST(records_in(scratch.path() / "empty") == 10U);
  BOOST_TEST(records_in(scratch.path() / "other") == 20U);
  BOOST_TEST(names_in(scratch.path()) == 4U);
}

BOOST_AUTO_TEST_CASE(a_backup_that_fails_leaves_nothing_and_harms_nothing) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path() / "books", 1U << 20U);
  BOOST_REQUIRE(books->append(plain_batch(0, 100)).has_value());
  for (const int error : {ENOSPC, EIO})
    for (std::size_t number = 0;; ++number) {
      BOOST_TEST_REQUIRE(number < 100U);
      const auto copy = scratch.path() / "copy";
      bool happened = false;
      {
        const disk_fault fault(number, 1, error);
        const auto done = books->backup(copy);
        happened = fault.happened();
        BOOST_TEST(done.has_value() == !happened);
        if (!done)
          BOOST_TEST(done.error().retryable);
      }
      // The last sync of all comes after the renaming: then it is there, whole, and its name may not last.
      if (fs::exists(copy))
        BOOST_TEST(records_in(copy) == 100U);
      fs::remove_all(copy);
      BOOST_TEST(names_in(scratch.path()) == 1U);
      BOOST_TEST(books->append(plain_batch(0, 100)).value().already_there == 100U);
      if (!happened)
        break;
    }
}

BOOST_AUTO_TEST_CASE(a_restored_ledger_is_the_backup_and_the_old_one_stays_beside_it) {
  const scratch_folder scratch;
  const auto dir = scratch.path() / "books";
  const auto copy = scratch.path() / "copy";
  make_ledger(dir, 10);
  BOOST_REQUIRE(open_ledger(dir, 1U << 20U)->backup(copy).has_value());
  BOOST_REQUIRE(open_ledger(dir, 1U << 20U)->append(plain_batch(10, 10)).has_value());
  BOOST_REQUIRE(restore(copy, dir).has_value());
  BOOST_TEST(records_in(dir) == 10U);
  BOOST_TEST(records_in(scratch.path() / "books.before-restore") == 20U);
  BOOST_TEST(records_in(copy) == 10U);
  BOOST_TEST(names_in(scratch.path()) == 3U);
  check_refused(restore(copy, dir), "is there already");
  fs::remove_all(dir);
  check_refused(restore(copy, dir), "is there already");
  fs::remove_all(scratch.path() / "books.before-restore");
  BOOST_REQUIRE(restore(copy, dir).has_value()); // where there is none
  BOOST_TEST(records_in(dir) == 10U);
  BOOST_TEST(mode_of(dir) == 0700U);
  BOOST_TEST(names_in(scratch.path()) == 2U);
}

BOOST_AUTO_TEST_CASE(a_ledger_in_use_is_not_replaced) {
  const scratch_folder scratch;
  const auto dir = scratch.path() / "books";
  const auto copy = scratch.path() / "copy";
  make_ledger(dir, 10);
  make_ledger(copy, 5);
  {
    const auto here = open_ledger(dir, 1U << 20U, true);
    check_refused(restore(copy, dir), "open already in this process");
  }
  for (const bool read_only : {false, true}) {
    int ready[2];
    int go[2];
    BOOST_REQUIRE((::pipe(ready) == 0 && ::pipe(go) == 0));
    const pid_t other = start_child([&] {
      const auto opened = open_ledger(dir, 1U << 20U, read_only);
      char byte = 'x';
      return ::write(ready[1], &byte, 1) == 1 && ::read(go[0], &byte, 1) == 1 ? 0 : 1;
    });
    char byte = 0;
    BOOST_REQUIRE(::read(ready[0], &byte, 1) == 1);
    check_refused(restore(copy, dir), "process " + std::to_string(other));
    BOOST_REQUIRE(::write(go[1], &byte, 1) == 1);
    BOOST_TEST(wait_for(other).code == 0);
    for (const int end : {ready[0], ready[1], go[0], go[1]})
      ::close(end);
  }
  BOOST_TEST(records_in(dir) == 10U);
  BOOST_TEST(restore(copy, dir).has_value());
  BOOST_TEST(records_in(dir) == 5U);
}

BOOST_AUTO_TEST_CASE(a_damaged_backup_is_refused_before_anything_is_touched) {
  const scratch_folder scratch;
  const auto dir = scratch.path() / "books";
  const auto copy = scratch.path() / "copy";
  make_ledger(dir, 10);
  BOOST_REQUIRE(open_ledger(dir, 1U << 20U)->backup(copy).has_value());
  std::string whole(fs::file_size(copy / "data.mdb"), '\0');
  std::ifstream(copy / "data.mdb", std::ios::binary)
      .read(whole.data(), static_cast<std::streamsize>(whole.size()));
  const auto at = whole.find("req_7");
  BOOST_REQUIRE(at != std::string::npos);
  whole[at] = 'R';
  std::ofstream(copy / "data.mdb", std::ios::binary) << whole;
  BOOST_TEST(!restore(copy, dir).has_value());
  std::ofstream(copy / "data.mdb", std::ios::binary) << "garbage";
  BOOST_TEST(!restore(copy, dir).has_value());
  fs::remove_all(copy);
  BOOST_TEST(!restore(copy, dir).has_value());
  BOOST_TEST(records_in(dir) == 10U);
  BOOST_TEST(names_in(scratch.path()) == 1U);
}

BOOST_AUTO_TEST_CASE(a_restore_killed_or_failing_anywhere_leaves_the_old_or_the_new) {
  for (const int error : {0, EIO, ENOSPC}) {
    int olds = 0;
    int news = 0;
    for (std::size_t number = 0;; ++number) {
      BOOST_TEST_REQUIRE(number < 200U);
      const scratch_folder scratch;
      const auto dir = scratch.path() / "books";
      make_ledger(dir, 20);
      make_ledger(scratch.path() / "copy", 10);
      const child_end end = run_in_child([&] {
        const disk_fault fault(number, 1, error);
        const auto done = restore(scratch.path() / "copy", dir);
        return fault.happened() ? 1 : done ? 0 : 2;
      });
      BOOST_TEST(end.signal == (error == 0 && end.signal != 0 ? SIGKILL : 0));
      BOOST_TEST(end.code != 2);
      const std::size_t now = records_in(dir);
      BOOST_TEST((now == 20 || now == 10));
      ++(now == 20 ? olds : news);
      // The old one is never lost.
      if (now == 10) {
        const auto kept = scratch.path() / "books.before-restore";
        BOOST_TEST(records_in(fs::exists(kept) ? kept : fs::path(scratch.path() / "books.restoring")) == 20U);
      }
      BOOST_TEST(open_ledger(dir, 1U << 20U)->append(plain_batch(now, 1)).has_value());
      if (end.signal == 0 && end.code == 0)
        break;
    }
    BOOST_TEST(olds > 0);
    BOOST_TEST(news > 1); // not only the run that was left alone
  }
}

BOOST_AUTO_TEST_SUITE_END()
