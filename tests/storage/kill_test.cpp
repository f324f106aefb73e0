// A writer is killed in mid-commit, again and again: what it acknowledged is in the books, and nothing by
// halves.
#include "storage/ledger.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

constexpr std::size_t batch_size = 20;
constexpr int kills = 30;

/// A batch takes intents, and brings those of the batch before to their end: both ways of writing at once.
std::vector<usage_record> batch_of(std::uint64_t number) {
  std::vector<usage_record> batch;
  if (number != 0)
    batch = plain_batch((number - 1) * batch_size, batch_size);
  for (usage_record intent : plain_batch(number * batch_size, batch_size)) {
    intent.state = record_state::intent;
    intent.success = false;
    intent.cost.reset();
    batch.push_back(std::move(intent));
  }
  return batch;
}

/// Appends for ever and says a byte for each batch that was acknowledged.
int write_on(const std::filesystem::path& dir, std::uint64_t next, int acknowledged) {
  const auto books = open_ledger(dir, 1U << 16U);
  for (;; ++next) {
    if (!books->append(batch_of(next)))
      return 1;
    if (::write(acknowledged, "x", 1) != 1)
      return 2;
  }
}

/// Kills a writer a moment after its first acknowledgement; gives the number of acknowledged batches.
std::uint64_t write_and_kill(const std::filesystem::path& dir, std::uint64_t next,
                             std::chrono::microseconds moment) {
  int said[2];
  BOOST_REQUIRE(::pipe(said) == 0);
  const pid_t writer = start_child([&] {
    ::close(said[0]);
    return write_on(dir, next, said[1]);
  });
  ::close(said[1]);
  std::uint64_t acknowledged = 0;
  char byte = 0;
  if (::read(said[0], &byte, 1) == 1)
    ++acknowledged;
  std::this_thread::sleep_for(moment);
  ::kill(writer, SIGKILL);
  while (::read(said[0], &byte, 1) == 1)
    ++acknowledged;
  ::close(said[0]);
  BOOST_TEST(wait_for(writer).signal == SIGKILL);
  return acknowledged;
}

/// Checks that the books are those of a whole number of batches, and gives it.
std::uint64_t whole_batches(const std::vector<usage_record>& found) {
  BOOST_REQUIRE(found.size() % batch_size == 0);
  const std::uint64_t batches = found.size() / batch_size;
  for (std::size_t at = 0; at != found.size(); ++at) {
    const bool newest = at / batch_size + 1 == batches;
    BOOST_REQUIRE(found[at].id == plain_record(at).id);
    BOOST_REQUIRE((found[at].state == (newest ? record_state::intent : record_state::settled)));
  }
  return batches;
}

} // namespace

BOOST_AUTO_TEST_SUITE(kill_test)

BOOST_AUTO_TEST_CASE(acknowledged_batches_outlive_a_kill_and_none_is_partial) {
  auto random = make_random();
  const scratch_folder scratch;
  std::uint64_t next = 0;
  int unacknowledged = 0;
  for (int round = 0; round != kills; ++round) {
    const std::chrono::microseconds moment{random() % 20'000};
    const std::uint64_t acknowledged = next + write_and_kill(scratch.path(), next, moment);
    const auto books = open_ledger(scratch.path(), 1U << 16U);
    const std::uint64_t there = whole_batches(all_attempts(*books));
    BOOST_TEST(there >= acknowledged);
    BOOST_TEST(there <= acknowledged + 1); // committed, and killed before it could say so
    if (there > acknowledged) {
      ++unacknowledged;
      // Who was not told gives it again.
      BOOST_TEST(books->append(batch_of(there - 1)).value().appended == 0U);
    }
    next = there;
  }
  BOOST_TEST(next >= static_cast<std::uint64_t>(kills));
  BOOST_TEST_MESSAGE(next << " batches, " << unacknowledged << " committed and not acknowledged");
}

BOOST_AUTO_TEST_SUITE_END()
