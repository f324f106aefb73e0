// One process books in a folder: who comes second is told who was first, and a dead booker is in nobody's
// way.
#include "storage/ledger.hpp"
#include "tests/storage/fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <string>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::testing;

namespace {

/// Another process that has the ledger open until it is killed or this goes.
class other_process {
public:
  explicit other_process(const ledger_options& options, bool with_child = false) {
    BOOST_REQUIRE(::pipe(ready_.data()) == 0);
    pid_ = start_child([&] {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::prctl(PR_SET_NAME, "first-booker");
      const auto books = ledger::open(options);
      if (!books)
        return 3;
      // The grandchild has the parent's descriptors, and lives on until its pipe is closed.
      const pid_t grandchild = with_child ? ::fork() : -1;
      if (grandchild == 0)
        ::prctl(PR_SET_PDEATHSIG, 0);
      else if (::write(ready_[1], &grandchild, sizeof grandchild) != sizeof grandchild)
        return 4;
      for (;;)
        ::pause();
    });
    BOOST_REQUIRE(::read(ready_[0], &grandchild_, sizeof grandchild_) == sizeof grandchild_);
  }
  other_process(const other_process&) = delete;
  other_process& operator=(const other_process&) = delete;
  ~other_process() {
    kill();
    if (grandchild_ > 0)
      ::kill(grandchild_, SIGKILL);
    ::close(ready_[0]);
    ::close(ready_[1]);
  }

  void kill() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      (void)wait_for(std::exchange(pid_, -1));
    }
  }
  pid_t pid() const { return pid_; }
  bool has_living_child() const { return grandchild_ > 0 && ::kill(grandchild_, 0) == 0; }

private:
  std::array<int, 2> ready_{};
  pid_t pid_ = -1;
  pid_t grandchild_ = -1;
};

ledger_options booking_in(const std::filesystem::path& dir) {
  return {.dir = dir, .map_bytes = 1U << 20U};
}

/// The failure of who would book beside another process.
failure refusal_in(const std::filesystem::path& dir) {
  const auto opened = ledger::open(booking_in(dir));
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST((opened.error().type == errc::storage));
  BOOST_TEST(!opened.error().retryable);
  BOOST_TEST(opened.error().place == "booker.lock");
  return opened.error();
}

} // namespace

BOOST_AUTO_TEST_SUITE(lock_test)

BOOST_AUTO_TEST_CASE(who_would_book_beside_another_is_told_its_name) {
  const scratch_folder scratch;
  const other_process other(booking_in(scratch.path()));
  const std::string said = refusal_in(scratch.path()).message;
  BOOST_TEST(said.starts_with("ledger " + scratch.path().string() + ": process " +
                              std::to_string(other.pid()) + " (first-booker) books here since 20"));
  BOOST_TEST(said.ends_with("Z; give this one a usage_data_dir of its own"));
  BOOST_TEST(refusal_in(scratch.path()).message == said); // to be refused changes nothing
}

BOOST_AUTO_TEST_CASE(a_killed_booker_is_in_nobodys_way) {
  const scratch_folder scratch;
  other_process other(booking_in(scratch.path()));
  (void)refusal_in(scratch.path());
  other.kill();
  BOOST_TEST(ledger::open(booking_in(scratch.path())).has_value());
}

BOOST_AUTO_TEST_CASE(a_child_that_outlives_its_booker_is_in_nobodys_way) {
  const scratch_folder scratch;
  other_process other(booking_in(scratch.path()), true);
  (void)refusal_in(scratch.path()); // the fork has not freed it either
  other.kill();
  BOOST_TEST(other.has_living_child());
  BOOST_TEST(ledger::open(booking_in(scratch.path())).has_value());
}

BOOST_AUTO_TEST_CASE(a_ledger_that_is_closed_is_free) {
  const scratch_folder scratch;
  for (int round = 0; round != 3; ++round) {
    BOOST_TEST(ledger::open(booking_in(scratch.path())).has_value());
    const child_end other =
        run_in_child([&] { return ledger::open(booking_in(scratch.path())).has_value() ? 0 : 1; });
    BOOST_TEST(other.code == 0);
  }
}

BOOST_AUTO_TEST_CASE(readers_and_maintenance_are_not_hindered_and_hinder_nobody) {
  const scratch_folder scratch;
  const ledger_options reading{.dir = scratch.path(), .map_bytes = 1U << 20U, .read_only = true};
  const ledger_options maintaining{.dir = scratch.path(), .map_bytes = 1U << 20U, .books = false};
  {
    const other_process booker(booking_in(scratch.path()));
    BOOST_TEST(ledger::open(reading).has_value());
    const auto maintained = ledger::open(maintaining);
    BOOST_REQUIRE(maintained.has_value());
    BOOST_TEST((*maintained)->append(plain_batch(0, 1)).has_value());
  }
  const other_process reader(reading);
  const other_process maintainer(maintaining);
  BOOST_TEST(ledger::open(booking_in(scratch.path())).has_value());
}

BOOST_AUTO_TEST_CASE(what_becomes_of_the_note_does_not_matter_to_the_lock) {
  const scratch_folder scratch;
  const auto note = scratch.path() / "booker.lock";
  const other_process other(booking_in(scratch.path()));
  const auto nobody_named = [&] {
    BOOST_TEST(refusal_in(scratch.path()).message == "ledger " + scratch.path().string() +
                                                         ": another process books here; give this one a "
                                                         "usage_data_dir of its own");
  };
  for (const std::string content : {"", "\n", "garbage", "\xff\0\x01"}) {
    std::ofstream(note, std::ios::binary) << content;
    nobody_named();
  }
  std::filesystem::remove(note);
  nobody_named();
  BOOST_TEST(!std::filesystem::exists(note)); // who is refused writes nothing
  std::filesystem::create_directory(note);
  nobody_named();
  std::filesystem::remove(note);
  BOOST_REQUIRE(::mkfifo(note.c_str(), 0600) == 0);
  nobody_named();
  std::filesystem::remove(note);
  std::filesystem::create_symlink("/etc/hostname", note);
  nobody_named();
}

BOOST_AUTO_TEST_CASE(a_note_that_is_old_or_foreign_is_written_anew_or_left) {
  const scratch_folder scratch;
  const auto note = scratch.path() / "booker.lock";
  const auto mine = "process " + std::to_string(::getpid()) + " (";
  std::ofstream(note) << "process 1 (somebody-with-a-very-long-name-who-died-long-ago)\nmore\n";
  std::filesystem::permissions(note, std::filesystem::perms::all);
  {
    const auto books = open_ledger(scratch.path());
    std::string line;
    std::ifstream in(note);
    BOOST_TEST(static_cast<bool>(std::getline(in, line)));
    BOOST_TEST(line.starts_with(mine));
    BOOST_TEST(!std::getline(in, line));
    struct stat facts {};
    BOOST_REQUIRE(::stat(note.c_str(), &facts) == 0);
    BOOST_TEST((facts.st_mode & 07777U) == 0600U);
  }
  // A link is not followed: what it leads to is another's.
  const auto theirs = scratch.path() / "theirs";
  std::ofstream(theirs) << "precious";
  std::filesystem::remove(note);
  std::filesystem::create_symlink(theirs, note);
  BOOST_TEST(ledger::open(booking_in(scratch.path())).has_value());
  BOOST_TEST(std::filesystem::file_size(theirs) == 8U);
}

BOOST_AUTO_TEST_SUITE_END()
