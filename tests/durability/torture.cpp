// Lets the k-th call fail, for every k: of a ledger's whole run, each write, sync, opening and allocation in
// turn. What failed is given again, to the same open ledger; at the end the books must be those of a run
// without faults. Knows the ledger by its interface only.
#include "tests/durability/crew.hpp"
#include "tests/durability/failing_calls.hpp"
#include "tests/durability/memory_folder.hpp"
#include "tests/durability/workload.hpp"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <chrono>
#include <iostream>
#include <new>
#include <stdexcept>

using namespace weir;
using namespace weir::durability;

namespace {

constexpr int most_tries = 4; // one fault may show itself at most once, and a repeat must do

struct settings {
  std::uint64_t seed = 1;
  std::uint64_t batches = 20;
  unsigned workers = 2;
};

/// One way of failing.
struct fault {
  std::string name;
  call_kind kind;
  std::uint64_t count;
  int error;
};

const std::vector<fault> faults{
    {"input/output error", call_kind::disk, 1, EIO},
    {"two input/output errors", call_kind::disk, 2, EIO},
    {"no room", call_kind::disk, 1, ENOSPC},
    {"no memory", call_kind::memory, 1, ENOMEM},
    {"no memory three times", call_kind::memory, 3, ENOMEM},
};

/// What a failed try said; nothing: it is done. Throws when it failed in a way that it must not.
std::optional<std::string> attempt(const task& given, const storage::ledger_options& options,
                                   std::unique_ptr<storage::ledger>& ledger) {
  try {
    const auto done = perform(given, options, ledger);
    const respite no_counting;
    if (done)
      return std::nullopt;
    if (done.error().type != errc::storage || !done.error().retryable)
      throw std::runtime_error("not a passing failure: " + to_string(done.error()));
    return to_string(done.error());
  } catch (const std::bad_alloc&) {
    const respite no_counting;
    throw std::runtime_error("escaped: std::bad_alloc");
  }
}

/// Questions may fail as well; but what they answer must be true.
void ask(const task& done, const storage::ledger& ledger) {
  const auto open = ledger.intents();
  const auto totals = ledger.summary({}, {.provider = false, .model = false});
  const respite no_counting;
  if (open && open->size() != done.after.open().size())
    throw std::runtime_error("false answer: " + std::to_string(open->size()) + " open intents");
  if (totals && !(*totals == done.after.totals))
    throw std::runtime_error("false answer: totals");
}

void go_through(const std::vector<task>& tasks, const storage::ledger_options& options,
                std::unique_ptr<storage::ledger>& ledger) {
  for (const task& each : tasks) {
    std::optional<std::string> failed = attempt(each, options, ledger);
    for (int tries = 1; failed && tries != most_tries; ++tries)
      failed = attempt(each, options, ledger);
    if (failed)
      throw std::runtime_error("does not come back: " + *failed);
    ask(each, *ledger);
  }
}

/// A whole run with one fault; `happened` becomes false when it has fewer calls than that.
verdict run_once(const std::vector<task>& tasks, const fault& how, std::uint64_t number,
                 const std::filesystem::path& dir, bool& happened) {
  std::filesystem::remove_all(dir);
  const storage::ledger_options options = options_for(dir);
  std::unique_ptr<storage::ledger> ledger;
  try {
    {
      const failing_calls failing(how.kind, number, how.count, how.error);
      try {
        go_through(tasks, options, ledger);
      } catch (...) {
        happened = failing.happened();
        throw;
      }
      happened = failing.happened();
    }
    if (const auto wrong = difference(*ledger, tasks.back().after))
      return "other books: " + *wrong;
    ledger.reset();
    const auto opened = storage::ledger::open(options);
    if (!opened)
      return "does not open again: " + to_string(opened.error());
    if (const auto wrong = difference(**opened, tasks.back().after))
      return "other books after opening again: " + *wrong;
  } catch (const std::bad_alloc&) {
    return "escaped: std::bad_alloc, from a question";
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

bool run(const settings& how) {
  workload work(how.seed);
  std::vector<task> tasks;
  for (std::uint64_t batch = 0; batch != how.batches; ++batch)
    tasks.push_back(work.next());
  const memory_folder scratch;
  bool good = true;
  for (const fault& each : faults) {
    const auto start = std::chrono::steady_clock::now();
    const findings found = run_crew(how.workers, [&](unsigned worker, const auto& look) {
      bool happened = true;
      for (std::uint64_t number = worker; happened; number += how.workers)
        look([&] {
          verdict said = run_once(tasks, each, number, scratch.path() / std::to_string(worker), happened);
          return said.empty() ? said : said + " [call " + std::to_string(number) + "]";
        });
    });
    tell("torture, " + each.name + " at each call of " + std::to_string(how.batches) + " batches", found,
         std::chrono::steady_clock::now() - start);
    good = good && found.failed == 0;
  }
  return good;
}

} // namespace

int main(int count, char** words) {
  settings how;
  CLI::App app("Lets every write, sync, opening and allocation of a ledger's run fail in turn.");
  app.add_option("--seed", how.seed, "of the workload")->capture_default_str();
  app.add_option("--batches", how.batches, "transactions of the workload")->capture_default_str();
  app.add_option("--workers", how.workers, "processes")->capture_default_str()->check(CLI::Range(1, 64));
  CLI11_PARSE(app, count, words);
  try {
    return run(how) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 2;
  }
}
