// Disks that are full or fail: nothing acknowledged is lost, nothing is booked by halves, and it goes on
// after.
#include "storage/ledger.hpp"
#include "tests/storage/faults.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iostream>
#include <limits>
#include <stdexcept>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

constexpr int not_permitted = 77;
constexpr std::size_t batch_size = 50;

void expect(bool held, const std::string& what) {
  if (!held)
    throw std::runtime_error(what);
}

/// Appends batches until one fails; gives the number of those that did not, and checks how it failed.
std::uint64_t fill_up(ledger& books, std::uint64_t next) {
  for (;; ++next) {
    const auto done = books.append(plain_batch(next * batch_size, batch_size));
    if (done)
      continue;
    const failure& error = done.error();
    expect(error.type == errc::storage && error.retryable, "a full disk is a passing storage failure");
    expect(error.place == "mdb_txn_commit", "fails at commit, and not at " + error.place);
    expect(error.message.find("the disk is full") != std::string::npos, error.message);
    expect(error.message.find("/small") != std::string::npos, "names the folder: " + error.message);
    return next;
  }
}

bool has_disk_of_its_own(const std::filesystem::path& dir, const char* size) {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", dir.c_str(), "tmpfs", 0, size) == 0;
}

/// In a disk of 400 KiB of its own: fill, look, make room, go on; several times.
int live_on_a_small_disk(const std::filesystem::path& scratch) {
  const auto dir = scratch / "small";
  std::filesystem::create_directory(dir);
  if (!has_disk_of_its_own(dir, "size=400k"))
    return not_permitted;
  for (int ballast = 0; ballast != 3; ++ballast) {
    std::ofstream out(dir / std::to_string(ballast), std::ios::binary);
    out << std::string(60U << 10U, 'b');
  }
  std::uint64_t next = 0;
  auto books = open_ledger(dir / "usage");
  for (int ballast = 0; ballast != 3; ++ballast) {
    const std::uint64_t reached = fill_up(*books, next);
    expect(reached > next, "there was room for something");
    expect(fill_up(*books, reached) == reached, "full stays full");
    expect(all_records(*books) == plain_batch(0, reached * batch_size),
           "the books are what was acknowledged");
    if (ballast == 1) { // once with a reopening while the disk is full
      books.reset();
      books = open_ledger(dir / "usage");
      expect(all_records(*books) == plain_batch(0, reached * batch_size), "and so after a reopening");
    }
    std::filesystem::remove(dir / std::to_string(ballast));
    next = reached;
  }
  expect(books->append(plain_batch(next * batch_size, batch_size)).has_value(), "there is room again");
  expect(all_records(*books) == plain_batch(0, (next + 1) * batch_size), "and what was refused is in");
  return 0;
}

/// Takes all the room that a disk has but for some bytes.
void fill_with(const std::filesystem::path& file, std::uint64_t but_for) {
  const std::uint64_t free = std::filesystem::space(file.parent_path()).available;
  std::ofstream(file, std::ios::binary) << std::string(free > but_for ? free - but_for : 0, 'b');
}

/// A disk that fills up and is freed again by others, at any moment: what was acknowledged is there, old rows
/// can be deleted while it is full, and booking goes on when there is room.
int outlive_full_disks(const std::filesystem::path& scratch) {
  const auto dir = scratch / "small";
  std::filesystem::create_directory(dir);
  if (!has_disk_of_its_own(dir, "size=24m"))
    return not_permitted;
  auto random = make_random();
  auto books = open_ledger(dir / "usage");
  std::uint64_t next = 0;
  std::uint64_t first = 0;
  for (int round = 0; round != 20; ++round) {
    for (std::uint64_t left = 1 + random() % 5; left != 0; --left, ++next)
      expect(books->append(plain_batch(next * batch_size, batch_size)).has_value(), "there is room");
    fill_with(dir / "theirs", random() % 3 * 4096 * (random() % 20));
    next = fill_up(*books, next);
    if (round % 4 == 3) { // now and then everything starts anew on the full disk
      books.reset();
      books = open_ledger(dir / "usage");
    }
    const std::uint64_t keep_from =
        next * batch_size - std::min<std::uint64_t>(next * batch_size - first, 300);
    for (bool more = true; more;) {
      const auto done = books->cleanup({plain_record(keep_from).time, {}, 0});
      expect(done.has_value(),
             "old rows can be deleted on a full disk: " + (done ? "" : to_string(done.error())));
      more = done->more;
    }
    first = keep_from;
    expect(all_records(*books) == plain_batch(first, next * batch_size - first), "the books, full");
    std::filesystem::remove(dir / "theirs");
    const auto freed = std::chrono::steady_clock::now();
    expect(books->append(plain_batch(next * batch_size, batch_size)).has_value(), "there is room again");
    expect(std::chrono::steady_clock::now() - freed < std::chrono::seconds{5}, "and it did not take long");
    ++next;
    expect(books->cleanup({}).has_value(), "the next clean-up, which takes its reserve of the disk again");
    expect(all_records(*books) == plain_batch(first, next * batch_size - first), "the books, free again");
  }
  return 0;
}

/// In a disk that is full to the last byte: no ledger can be made, and nobody dies; when there is room, it
/// can.
int begin_on_a_full_disk(const std::filesystem::path& scratch) {
  const auto dir = scratch / "full";
  std::filesystem::create_directory(dir);
  if (!has_disk_of_its_own(dir, "size=96k"))
    return not_permitted;
  for (std::size_t room = 0; room <= (64U << 10U); room += 4096) {
    {
      std::ofstream out(dir / "ballast", std::ios::binary);
      out << std::string((96U << 10U) - room, 'b');
    }
    if (const auto opened = ledger::open({dir / "usage", 1U << 20U, false}); !opened)
      expect(opened.error().retryable, "a full disk is a passing failure: " + to_string(opened.error()));
    std::filesystem::remove(dir / "ballast");
    expect(open_ledger(dir / "usage", 1U << 20U)->append(plain_batch(0, 1)).has_value(), "there is room now");
    std::filesystem::remove_all(dir / "usage");
  }
  return 0;
}

/// Some rows go on, some are new: what the failing batch is made of.
std::vector<usage_record> second_batch() {
  auto batch = plain_batch(0, 100);
  const auto fresh = plain_batch(100, 100);
  batch.insert(batch.end(), fresh.begin(), fresh.end());
  return batch;
}

std::vector<usage_record> first_batch() {
  auto batch = plain_batch(0, 100);
  for (usage_record& record : batch)
    record.state = record_state::intent;
  return batch;
}

/// Lets the n-th writing calls of one append fail, for every n, until none is left to fail.
void fail_every_call(std::size_t count, int error, bool may_heal) {
  for (std::size_t number = 0;; ++number) {
    BOOST_TEST_REQUIRE(number < 1000U);
    const scratch_folder scratch;
    auto books = open_ledger(scratch.path(), 1U << 16U);
    BOOST_REQUIRE(books->append(first_batch()).has_value());
    bool happened = false;
    bool acknowledged = false;
    {
      const disk_fault fault(number, count, error);
      const auto done = books->append(second_batch());
      happened = fault.happened();
      acknowledged = done.has_value();
      if (!done) {
        BOOST_TEST((done.error().type == errc::storage));
        BOOST_TEST(done.error().retryable);
        BOOST_TEST(!done.error().place.empty());
      }
    }
    if (happened && !may_heal)
      BOOST_TEST(!acknowledged);
    if (!happened)
      BOOST_TEST(acknowledged);
    const auto found = all_attempts(*books);
    BOOST_TEST((found == second_batch() || (!acknowledged && found == first_batch())));
    // Given again, it is in once, and stays.
    BOOST_REQUIRE(books->append(second_batch()).has_value());
    BOOST_TEST((all_attempts(*books) == second_batch()));
    books.reset();
    BOOST_TEST((all_attempts(*open_ledger(scratch.path())) == second_batch()));
    if (!happened)
      return;
  }
}

void on_a_disk_of_its_own(int (*work)(const std::filesystem::path&)) {
  const scratch_folder scratch;
  const child_end end = run_in_child([&] { return work(scratch.path()); });
  if (end.code == not_permitted) {
    std::cout << "skipped: a disk of its own needs the right to mount" << std::endl;
    return;
  }
  BOOST_TEST(end.signal == 0);
  BOOST_TEST(end.code == 0);
}

constexpr std::size_t for_good = std::numeric_limits<std::size_t>::max();

} // namespace

BOOST_AUTO_TEST_SUITE(disk_test)

BOOST_AUTO_TEST_CASE(a_full_disk_loses_nothing_and_the_ledger_goes_on_when_there_is_room) {
  on_a_disk_of_its_own(live_on_a_small_disk);
}

BOOST_AUTO_TEST_CASE(a_disk_that_is_full_now_and_then_loses_nothing_and_lets_old_rows_go) {
  on_a_disk_of_its_own(outlive_full_disks);
}

BOOST_AUTO_TEST_CASE(a_ledger_cannot_begin_on_a_full_disk_but_later) {
  on_a_disk_of_its_own(begin_on_a_full_disk);
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_once_is_made_good) {
  fail_every_call(1, EIO, true);
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_for_good_acknowledges_nothing) {
  fail_every_call(for_good, EIO, false);
}

BOOST_AUTO_TEST_CASE(a_disk_that_fails_twice_leaves_no_half_batch) {
  fail_every_call(2, EIO, true);
}

BOOST_AUTO_TEST_CASE(no_room_at_any_write_leaves_no_half_batch) {
  fail_every_call(1, ENOSPC, true);
  fail_every_call(for_good, ENOSPC, false);
}

BOOST_AUTO_TEST_SUITE_END()
