// The power-loss explorer: records what a busy ledger writes, cuts the power at every moment of it, and asks
// each disk that may be left whether everything that was acknowledged is there, once, and whether the ledger
// goes on. Knows the ledger by its interface only.
#include "tests/durability/crash.hpp"
#include "tests/durability/crew.hpp"
#include "tests/durability/memory_folder.hpp"
#include "tests/durability/workload.hpp"
#include "tests/durability/write_log.hpp"

#include <CLI/CLI.hpp>
#include <lmdb.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>

using namespace weir;
using namespace weir::durability;

namespace {

struct settings {
  std::uint64_t seed = 1;
  std::uint64_t steps = 150;
  std::uint64_t states = 20'000;
  unsigned workers = 2;
  std::string unsafe = "nothing";
};

/// The history of a run, and the books after each of its steps; number 0 is before the first.
struct history {
  std::vector<event> events;
  std::vector<books> after;
};

unsigned flags_of(const std::string& unsafe) {
  return unsafe == "nosync" ? MDB_NOSYNC : unsafe == "nometasync" ? MDB_NOMETASYNC : 0U;
}

history record(const settings& how, const std::filesystem::path& dir) {
  history made{{}, {books{}}};
  recording log(dir, flags_of(how.unsafe));
  workload work(how.seed);
  std::unique_ptr<storage::ledger> ledger;
  std::map<task::kind, std::uint64_t> counts;
  const bool early = how.unsafe == "early-acknowledgement";
  for (std::uint64_t step = 1; step <= how.steps; ++step) {
    const task next = work.next();
    log.mark(event::kind::handed_over, step);
    if (early)
      log.mark(event::kind::acknowledged, step);
    const auto done = perform(next, options_for(dir), ledger);
    if (!early)
      log.mark(event::kind::acknowledged, step);
    const std::string where = "step " + std::to_string(step) + ", with no cut at all: ";
    if (!done)
      throw std::runtime_error(where + to_string(done.error()));
    if (*done != next.changes)
      throw std::runtime_error(where + std::to_string(*done) + " rows changed, not " +
                               std::to_string(next.changes));
    if (const auto wrong = difference(*ledger, next.after))
      throw std::runtime_error(where + *wrong);
    made.after.push_back(next.after);
    counts[next.what] += next.changes;
  }
  made.events = log.take();
  std::cout << "workload: " << counts[task::kind::append] << " records appended, "
            << counts[task::kind::reopen_and_close_intents] << " intents closed at reopenings, "
            << counts[task::kind::clean_up] << " rows deleted, " << counts[task::kind::reprice] << " repriced"
            << std::endl;
  return made;
}

void lay_down(const disk_image& image, const std::filesystem::path& dir) {
  const auto name = dir / "data.mdb";
  if (!image) {
    std::filesystem::remove(name);
    return;
  }
  const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const auto last = std::find_if(image->rbegin(), image->rend(), [](std::uint8_t byte) { return byte != 0; });
  const auto used = static_cast<std::size_t>(image->rend() - last); // the rest is a hole
  const bool done = file >= 0 && ::write(file, image->data(), used) == static_cast<ssize_t>(used) &&
                    ::ftruncate(file, static_cast<off_t>(image->size())) == 0;
  ::close(file);
  if (!done)
    throw std::runtime_error("a state cannot be laid down");
}

/// Opens what is left and compares it with what must be there; then goes on with it.
verdict judge(const std::filesystem::path& dir, const history& told, std::uint64_t acknowledged,
              std::uint64_t handed_over) {
  auto ledger = storage::ledger::open(options_for(dir));
  if (!ledger)
    return "does not open: " + to_string(ledger.error());
  std::optional<std::string> wrong;
  std::uint64_t step = acknowledged;
  for (; step <= handed_over; ++step) {
    const auto differs = difference(**ledger, told.after[step]);
    if (!differs)
      break;
    if (!wrong)
      wrong = differs;
  }
  if (step > handed_over) {
    for (std::uint64_t before = acknowledged; before-- != 0;)
      if (!difference(**ledger, told.after[before]))
        return "acknowledged and lost: steps after " + std::to_string(before) + ", of " +
               std::to_string(acknowledged) + " that were acknowledged";
    return "neither before nor after: step " + std::to_string(handed_over) + ": " + *wrong;
  }
  const auto more = batch_after(told.after[step]);
  if (const auto taken = (*ledger)->append(more); !taken || taken->appended != more.size())
    return "not writable: " + (taken ? "not all is new" : to_string(taken.error()));
  if (const auto differs = difference(**ledger, after_batch(told.after[step], more)))
    return "writes wrongly: " + *differs;
  return {};
}

/// How many different states each unsettled moment of the history is given.
std::uint64_t states_a_moment(const settings& how, const history& told) {
  std::uint64_t settled = 0;
  std::uint64_t open = 0;
  for (disk now(told.events); now.step();)
    ++(now.is_settled() ? settled : open);
  std::cout << told.events.size() << " events, " << settled << " moments with everything synced, " << open
            << " without" << std::endl;
  return how.states <= settled || open == 0 ? 1 : (how.states - settled + open - 1) / open;
}

findings explore(const settings& how, const history& told, const std::filesystem::path& scratch) {
  const std::uint64_t each = states_a_moment(how, told);
  return run_crew(how.workers, [&](unsigned worker, const auto& look) {
    const auto dir = scratch / ("worker-" + std::to_string(worker));
    std::filesystem::create_directory(dir);
    std::uint64_t moment = 0;
    for (disk now(told.events); now.step(); ++moment) {
      if (moment % how.workers != worker)
        continue;
      const std::uint64_t many = now.is_settled() ? 1 : each;
      for (std::uint64_t number = 0; number != many; ++number)
        look([&] {
          std::mt19937_64 random(how.seed + moment * 0x9e3779b97f4a7c15ULL + number);
          // With few states a moment, the next moment goes on where this one ended.
          lay_down(now.after_cut(number + moment / how.workers % 10 * many, random), dir);
          verdict found = judge(dir, told, now.acknowledged(), now.handed_over());
          return found.empty() ? found
                               : found + " [moment " + std::to_string(moment) + ", state " +
                                     std::to_string(number) + "]";
        });
    }
  });
}

int run(const settings& how) {
  std::cout << "power_loss: seed " << how.seed << ", " << how.steps << " steps" << std::endl;
  const memory_folder scratch;
  const auto dir = scratch.path() / "recorded";
  const history told = record(how, dir);
  const auto start = std::chrono::steady_clock::now();
  const findings found = explore(how, told, scratch.path());
  tell(how.unsafe == "nothing" ? "power cuts" : "power cuts, unsafe: " + how.unsafe, found,
       std::chrono::steady_clock::now() - start);
  const bool safe = how.unsafe == "nothing";
  if (!safe && found.failed == 0)
    std::cout << "what is unsafe has passed: this harness sees nothing" << std::endl;
  return safe == (found.failed == 0) ? 0 : 1;
}

} // namespace

int main(int count, char** words) {
  settings how;
  CLI::App app(
      "Cuts the power at every moment of a ledger's life. Exit 0: nothing acknowledged was lost; or, with "
      "--unsafe, something was.");
  app.add_option("--seed", how.seed, "of the workload and of what survives a cut")->capture_default_str();
  app.add_option("--steps", how.steps, "transactions of the workload")->capture_default_str();
  app.add_option("--states", how.states, "about how many disks to look at")->capture_default_str();
  app.add_option("--workers", how.workers, "processes")->capture_default_str()->check(CLI::Range(1, 64));
  app.add_option("--unsafe", how.unsafe, "what to break: the run must fail then")
      ->check(CLI::IsMember({"nothing", "nosync", "nometasync", "early-acknowledgement"}))
      ->capture_default_str();
  CLI11_PARSE(app, count, words);
  try {
    return run(how);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 2;
  }
}
