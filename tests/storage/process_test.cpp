// Several processes at one ledger: reading beside a writer, writing in turn, opening while another grows it.
#include "storage/ledger.hpp"
#include "storage/lmdb.hpp"
#include "tests/storage/faults.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <csignal>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

constexpr std::size_t batches = 200;
constexpr std::size_t batch_size = 20;

/// Asks until everything is there; what is seen must be whole batches, and never less than before.
int read_along(const std::filesystem::path& dir) {
  const auto books = open_ledger(dir, 1U << 16U, true);
  for (std::uint64_t before = 0; before != batches * batch_size;) {
    const auto stats = books->stats();
    if (!stats || stats->records % batch_size != 0 || stats->records < before)
      return 1;
    before = stats->records;
    std::uint64_t seen = 0;
    bool sound = true;
    const auto scanned = books->scan({}, [&](const usage_record& record) {
      sound = sound && record == plain_record(seen);
      return ++seen <= batches * batch_size;
    });
    if (!scanned || !sound || seen < before)
      return 2;
  }
  return 0;
}

} // namespace

BOOST_AUTO_TEST_SUITE(process_test)

BOOST_AUTO_TEST_CASE(two_processes_read_while_one_writes) {
  const scratch_folder scratch;
  int go[2];
  BOOST_REQUIRE(::pipe(go) == 0);
  std::vector<pid_t> readers;
  for (int reader = 0; reader != 2; ++reader)
    readers.push_back(start_child([&] {
      char byte = 0;
      return ::read(go[0], &byte, 1) == 1 ? read_along(scratch.path()) : 3;
    }));
  {
    const auto books = open_ledger(scratch.path(), 1U << 16U);
    BOOST_REQUIRE(::write(go[1], "xx", 2) == 2);
    for (std::size_t at = 0; at != batches; ++at)
      BOOST_REQUIRE(books->append(plain_batch(at * batch_size, batch_size)).has_value());
    for (const pid_t reader : readers) {
      const child_end end = wait_for(reader);
      BOOST_TEST(end.signal == 0);
      BOOST_TEST(end.code == 0);
    }
  }
  ::close(go[0]);
  ::close(go[1]);
}

BOOST_AUTO_TEST_CASE(two_processes_write_in_turn) {
  const scratch_folder scratch;
  const auto write_half = [&](std::uint64_t first) {
    const auto books = ledger::open({.dir = scratch.path(), .map_bytes = 1U << 16U, .books = false});
    if (!books)
      return 2;
    for (std::size_t at = 0; at != 50; ++at)
      if (!(*books)->append(plain_batch(first + at * batch_size, batch_size)))
        return 1;
    return 0;
  };
  const pid_t one = start_child([&] { return write_half(0); });
  const pid_t other = start_child([&] { return write_half(50 * batch_size); });
  BOOST_TEST(wait_for(one).code == 0);
  BOOST_TEST(wait_for(other).code == 0);
  const auto books = open_ledger(scratch.path());
  BOOST_TEST(all_records(*books) == plain_batch(0, 100 * batch_size), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_reader_killed_in_mid_question_does_not_keep_the_freed_pages) {
  const scratch_folder scratch;
  std::array<int, 2> ready{};
  BOOST_REQUIRE(::pipe(ready.data()) == 0);
  (void)open_ledger(scratch.path())->append(plain_batch(0, 100));
  const pid_t reader = start_child([&] {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    lmdb::environment env;
    lmdb::transaction question;
    const bool open = lmdb::environment::open(scratch.path(), 1U << 30U, true, env).ok() &&
                      question.begin(env, lmdb::access::read).ok();
    if (!open || ::write(ready[1], "x", 1) != 1)
      return 1;
    for (;;)
      ::pause();
  });
  ::close(ready[1]);
  const auto books = open_ledger(scratch.path());
  char byte = 0;
  BOOST_REQUIRE(::read(ready[0], &byte, 1) == 1);
  ::kill(reader, SIGKILL);
  BOOST_TEST(wait_for(reader).signal == SIGKILL);
  for (std::uint64_t number = 100; number != 1600; ++number)
    BOOST_REQUIRE(books->append(plain_batch(number, 1)).has_value());
  // Each commit frees some ten pages: kept for the dead reader, they would make sixty megabytes.
  BOOST_TEST(books->stats().value().file_bytes < 16U << 20U);
  ::close(ready[0]);
}

BOOST_AUTO_TEST_CASE(a_file_that_another_process_grows_while_it_is_opened_is_opened) {
  for (const bool read_only : {false, true}) {
    const scratch_folder scratch;
    int go[2];
    BOOST_REQUIRE(::pipe(go) == 0);
    const pid_t other = start_child([&] {
      char byte = 0;
      if (::read(go[0], &byte, 1) != 1)
        return 1;
      const auto opened = ledger::open({.dir = scratch.path(), .map_bytes = 1U << 16U, .books = false});
      return opened && (*opened)->append(plain_batch(100, 5000)).has_value() ? 0 : 2;
    });
    BOOST_REQUIRE(open_ledger(scratch.path(), 1U << 16U)->append(plain_batch(0, 100)).has_value());
    const interruption grow([&] {
      BOOST_REQUIRE(::write(go[1], "x", 1) == 1);
      BOOST_TEST(wait_for(other).code == 0);
    });
    const auto books = open_ledger(scratch.path(), 1U << 16U, read_only);
    BOOST_TEST((all_records(*books) == plain_batch(0, 5100)));
    ::close(go[0]);
    ::close(go[1]);
  }
}

BOOST_AUTO_TEST_SUITE_END()
