// The map grows by itself: under appends, beside readers, and when another process has made it grow.
#include "storage/ledger.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <thread>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

constexpr std::uint64_t small_map = 64U << 10U;

} // namespace

BOOST_AUTO_TEST_SUITE(growth_test)

BOOST_AUTO_TEST_CASE(a_small_map_grows_to_a_hundred_thousand_records) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path(), small_map);
  BOOST_TEST(books->stats().value().map_bytes == small_map);
  for (std::uint64_t first = 0; first != 100'000; first += 1000)
    BOOST_REQUIRE(books->append(plain_batch(first, 1000)).value().appended == 1000U);
  const auto stats = books->stats().value();
  BOOST_TEST(stats.records == 100'000U);
  BOOST_TEST(stats.map_bytes > stats.file_bytes);
  std::uint64_t number = 0;
  std::uint64_t wrong = 0;
  BOOST_TEST(books
                 ->scan({},
                        [&](const usage_record& record) {
                          wrong += record == plain_record(number++) ? 0U : 1U;
                          return true;
                        })
                 .has_value());
  BOOST_TEST(number == 100'000U);
  BOOST_TEST(wrong == 0U);
}

BOOST_AUTO_TEST_CASE(one_batch_may_need_many_doublings) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path(), 0); // zero is as good as too small
  BOOST_TEST(books->append(plain_batch(0, 20'000)).value().appended == 20'000U);
  BOOST_TEST(books->stats().value().records == 20'000U);
}

BOOST_AUTO_TEST_CASE(readers_go_on_while_the_map_grows) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path(), small_map);
  std::atomic<bool> done = false;
  std::atomic<int> failed = 0;
  std::atomic<int> rounds = 0;
  std::vector<std::thread> readers;
  for (int reader = 0; reader != 3; ++reader)
    readers.emplace_back([&] {
      while (!done) {
        std::uint64_t seen = 0;
        const auto scanned = books->scan({}, [&](const usage_record&) { return ++seen != 0; });
        const auto stats = books->stats();
        if (!scanned || !stats || seen > stats->records)
          ++failed;
        ++rounds;
      }
    });
  for (std::uint64_t first = 0; first != 10'000; first += 100)
    if (!books->append(plain_batch(first, 100)))
      ++failed;
  done = true;
  for (std::thread& reader : readers)
    reader.join();
  BOOST_TEST(failed == 0);
  BOOST_TEST(rounds > 0);
  BOOST_TEST(books->stats().value().records == 10'000U);
}

BOOST_AUTO_TEST_CASE(what_another_process_has_grown_is_read_and_written_on) {
  const scratch_folder scratch;
  int go[2];
  BOOST_REQUIRE(::pipe(go) == 0);
  const pid_t child = start_child([&] {
    char byte = 0;
    if (::read(go[0], &byte, 1) != 1)
      return 1;
    const auto other = ledger::open({.dir = scratch.path(), .map_bytes = small_map, .books = false});
    return other.has_value() && (*other)->append(plain_batch(100, 5000)).has_value() ? 0 : 2;
  });
  const auto books = open_ledger(scratch.path(), small_map);
  BOOST_REQUIRE(books->append(plain_batch(0, 100)).has_value());
  BOOST_REQUIRE(::write(go[1], "x", 1) == 1);
  BOOST_TEST(wait_for(child).code == 0);
  BOOST_TEST(all_records(*books) == plain_batch(0, 5100), boost::test_tools::per_element());
  BOOST_TEST(books->append(plain_batch(5100, 5000)).value().appended == 5000U);
  BOOST_TEST(books->stats().value().records == 10'100U);
  ::close(go[0]);
  ::close(go[1]);
}

BOOST_AUTO_TEST_CASE(a_map_that_was_grown_opens_again_with_a_small_option) {
  const scratch_folder scratch;
  BOOST_REQUIRE(open_ledger(scratch.path(), small_map)->append(plain_batch(0, 5000)).has_value());
  const auto books = open_ledger(scratch.path(), small_map);
  BOOST_TEST(books->stats().value().records == 5000U);
  BOOST_TEST(books->append(plain_batch(5000, 5000)).value().appended == 5000U);
}

// LMDB may count a last page that it never wrote. Where the file ended at its last written page, a writer
// that was killed right after such a commit left a ledger that was refused as cut short.
BOOST_AUTO_TEST_CASE(the_file_reaches_to_the_end_of_the_map_before_anything_is_written) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path(), small_map);
  const auto length = [&] { return std::filesystem::file_size(scratch.path() / "data.mdb"); };
  BOOST_TEST(length() == small_map);
  for (std::uint64_t first = 0; first != 5000; first += 500) {
    BOOST_REQUIRE(books->append(plain_batch(first, 500)).has_value());
    BOOST_TEST(length() == books->stats().value().map_bytes);
  }
  BOOST_TEST(books->stats().value().map_bytes > small_map);
}

BOOST_AUTO_TEST_CASE(a_limit_on_file_sizes_ends_nobody) {
  const scratch_folder scratch;
  const child_end end = run_in_child([&] {
    const rlimit small{1U << 20U, 1U << 20U};
    ::setrlimit(RLIMIT_FSIZE, &small);
    return open_ledger(scratch.path())->append(plain_batch(0, 100)).has_value() ? 0 : 1;
  });
  BOOST_TEST(end.signal == 0);
  BOOST_TEST(end.code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
