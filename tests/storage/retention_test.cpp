// Clean-up: by age and by size, in small steps, also where there is hardly any room; and the file stays
// bounded.
#include "storage/ballast.hpp"
#include "storage/ledger.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <sched.h>
#include <sys/mount.h>

#include <fstream>
#include <iostream>
#include <stdexcept>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

/// Steps until there is no more to delete; checks that none was too large.
cleanup_report clean(ledger& books, const cleanup_bounds& bounds) {
  cleanup_report all;
  for (all.more = true; all.more;) {
    const auto done = books.cleanup(bounds);
    BOOST_REQUIRE_MESSAGE(done.has_value(), to_string(done.error()));
    BOOST_REQUIRE(done->rows <= 1000);
    BOOST_REQUIRE((!done->more || done->rows + done->rollups != 0));
    all.rows += done->rows;
    all.rollups += done->rollups;
    all.more = done->more;
  }
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(retention_test)

BOOST_AUTO_TEST_CASE(nothing_asked_for_is_nothing_deleted) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  BOOST_REQUIRE(books->append(plain_batch(0, 100)).has_value());
  BOOST_TEST(clean(*books, {}).rows == 0U);
  BOOST_TEST(all_records(*books) == plain_batch(0, 100), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(rows_go_by_age_and_their_ids_with_them) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  BOOST_REQUIRE(books->append(plain_batch(0, 5000)).has_value());
  const auto before = books->summary({}).value();
  cleanup_bounds bounds;
  bounds.rows_before = plain_record(3500).time;
  const cleanup_report first = books->cleanup(bounds).value();
  BOOST_TEST(first.rows == 1000U);
  BOOST_TEST(first.more);
  BOOST_TEST(clean(*books, bounds).rows == 2500U);
  BOOST_TEST(all_records(*books) == plain_batch(3500, 1500), boost::test_tools::per_element());
  BOOST_TEST((books->summary({}).value() == before));
  BOOST_TEST(books->verify({}).value().problems == std::vector<std::string>{},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(rollups_go_by_days_and_never_before_their_rows) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path());
  auto batch = plain_batch(0, 10);
  for (std::size_t at = 0; at != batch.size(); ++at)
    batch[at].time = plain_record(0).time + std::chrono::days{at};
  BOOST_REQUIRE(books->append(batch).has_value());
  const std::uint64_t rollups = books->stats().value().rollups;
  cleanup_bounds bounds;
  bounds.rollups_before = batch[8].time;
  BOOST_TEST(clean(*books, bounds).rollups == 0U);
  bounds.rows_before = batch[4].time;
  BOOST_TEST(clean(*books, bounds).rows == 4U);
  BOOST_TEST(books->stats().value().rollups == rollups - 8); // four days, four hours
  BOOST_TEST(books->verify({}).value().problem_count == 0U);
  std::uint64_t requests = 0;
  for (const usage_summary& group : books->summary({}).value())
    requests += group.total_requests;
  BOOST_TEST(requests == 6U);
}

BOOST_AUTO_TEST_CASE(fifty_rounds_of_writing_and_cleaning_take_no_more_file_than_a_few) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path(), 1U << 20U);
  std::uint64_t most = 0;
  for (std::uint64_t round = 0; round != 50; ++round) {
    for (std::uint64_t part = 0; part != 4; ++part)
      BOOST_REQUIRE(books->append(plain_batch(round * 2000 + part * 500, 500)).has_value());
    cleanup_bounds bounds;
    bounds.rows_before = plain_record(round * 2000).time; // a round stays
    clean(*books, bounds);
    const auto stats = books->stats().value();
    BOOST_TEST(stats.records == 2000U);
    if (round == 5)
      most = stats.file_bytes;
    if (round > 5)
      BOOST_TEST(stats.file_bytes <= most + most / 4);
    BOOST_TEST(stats.used_bytes <= stats.file_bytes);
  }
  BOOST_TEST(books->verify({}).value().problem_count == 0U);
}

BOOST_AUTO_TEST_CASE(rows_go_by_size_the_oldest_first) {
  const scratch_folder scratch;
  const auto books = open_ledger(scratch.path(), 1U << 20U);
  for (std::uint64_t part = 0; part != 10; ++part)
    BOOST_REQUIRE(books->append(plain_batch(part * 1000, 1000)).has_value());
  cleanup_bounds bounds;
  bounds.max_bytes = books->stats().value().used_bytes / 2;
  clean(*books, bounds);
  const auto stats = books->stats().value();
  BOOST_TEST(stats.used_bytes < bounds.max_bytes + (64U << 10U));
  BOOST_TEST(stats.records > 3000U);
  BOOST_TEST(stats.records < 7000U);
  BOOST_TEST((all_records(*books) == plain_batch(10'000 - stats.records, stats.records)));
}

BOOST_AUTO_TEST_CASE(appends_stop_before_the_map_is_full_and_a_clean_up_makes_room) {
  const scratch_folder scratch;
  ledger_options options{scratch.path(), 64U << 10U};
  options.max_map_bytes = 4U << 20U;
  const auto books = std::move(*ledger::open(options));
  std::uint64_t next = 0;
  for (int round = 0; round != 5; ++round) {
    for (;; next += 200) {
      const auto done = books->append(plain_batch(next, 200));
      if (done)
        continue;
      BOOST_TEST(done.error().retryable);
      BOOST_TEST(done.error().message.find("clean up") != std::string::npos);
      break;
    }
    const std::uint64_t records = books->stats().value().records;
    BOOST_TEST(records > 5000U);
    cleanup_bounds bounds;
    bounds.max_bytes = 2U << 20U;
    BOOST_TEST(clean(*books, bounds).rows > 1000U);
    BOOST_TEST(books->append(plain_batch(next, 200)).has_value());
    next += 200;
  }
  BOOST_TEST(books->stats().value().map_bytes <= options.max_map_bytes);
  BOOST_TEST(books->verify({}).value().problem_count == 0U);
}

BOOST_AUTO_TEST_CASE(a_clean_up_works_on_a_disk_that_is_full) {
  const scratch_folder scratch;
  const child_end end = run_in_child([&] {
    const auto dir = scratch.path() / "small";
    std::filesystem::create_directory(dir);
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", dir.c_str(), "tmpfs", 0, "size=12m") != 0)
      return 77;
    const auto ballast = dir / "usage" / "ballast";
    const auto books = open_ledger(dir / "usage", 64U << 20U);
    if (!std::filesystem::exists(ballast))
      return 1;
    std::uint64_t next = 0;
    while (books->append(plain_batch(next, 500)))
      next += 500;
    std::ofstream(dir / "others", std::ios::binary) << std::string(12U << 20U, 'x'); // to the last byte
    cleanup_bounds bounds;
    bounds.rows_before = plain_record(next).time;
    for (bool more = true; more;) {
      const auto done = books->cleanup(bounds);
      if (!done)
        throw std::runtime_error(to_string(done.error()));
      more = done->more;
    }
    if (books->stats().value().records != 0)
      return 2;
    if (!books->append(plain_batch(next, 500)))
      return 3;
    return 0;
  });
  if (end.code == 77) {
    std::cout << "skipped: a disk of its own needs the right to mount" << std::endl;
    return;
  }
  BOOST_TEST(end.signal == 0);
  BOOST_TEST(end.code == 0);
}

BOOST_AUTO_TEST_CASE(a_megabyte_is_held_back_and_given_up) {
  const scratch_folder scratch;
  const ballast held(scratch.path());
  held.take();
  BOOST_TEST(std::filesystem::file_size(scratch.path() / "ballast") == ballast::bytes);
  held.take(); // it is there
  BOOST_TEST(held.give_up());
  BOOST_TEST(!std::filesystem::exists(scratch.path() / "ballast"));
  BOOST_TEST(!held.give_up());
}

BOOST_AUTO_TEST_SUITE_END()
