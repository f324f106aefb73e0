// Flips each byte of a data file's first pages, and many of the others: a ledger may refuse such a file, or
// its process may die of it, for LMDB trusts its pages; but it gives no false row. Knows the ledger by its
// interface only.
#include "tests/durability/crew.hpp"
#include "tests/durability/memory_folder.hpp"
#include "tests/durability/workload.hpp"

#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>

using namespace weir;
using namespace weir::durability;

namespace {

struct settings {
  std::uint64_t seed = 1;
  std::uint64_t others = 2'000;
  unsigned workers = 2;
};

constexpr std::size_t first_bytes = 8192; // LMDB's two pages that say where everything is

/// Every content that each record ever had.
using contents = std::map<attempt_id, std::vector<std::shared_ptr<const usage_record>>>;

/// A sound ledger's file, what its rows are or were, and how many of its bytes are in use.
struct sound {
  std::string file;
  contents ever;
  std::uint64_t used = 0;
};

sound make_sound(const std::filesystem::path& dir, std::uint64_t seed) {
  sound made;
  workload work(seed);
  std::unique_ptr<storage::ledger> ledger;
  for (int step = 0; step != 40; ++step) {
    const task next = work.next();
    if (const auto done = perform(next, options_for(dir), ledger); !done)
      throw std::runtime_error(to_string(done.error()));
    for (const auto& [id, record] : next.after.rows)
      made.ever[id].push_back(record);
  }
  made.used = ledger->stats().value().file_bytes;
  ledger.reset();
  std::ifstream in(dir / "data.mdb", std::ios::binary);
  made.file.assign(std::istreambuf_iterator<char>(in), {});
  return made;
}

/// Whether a row is one that the books have, or had: a changed first page may lead to the books of a step
/// before.
bool is_true(const usage_record& record, const contents& ever) {
  const auto found = ever.find(record.id);
  return found != ever.end() &&
         std::ranges::any_of(found->second, [&](const auto& each) { return *each == record; });
}

/// Empty: refused, or true. A false row is what must not be.
verdict look_at(const std::filesystem::path& dir, const contents& ever) {
  const auto ledger = storage::ledger::open({.dir = dir, .map_bytes = 1U << 20U, .read_only = true});
  if (!ledger)
    return {};
  bool sound = true;
  (void)(*ledger)->scan({},
                        [&](const usage_record& record) { return sound = sound && is_true(record, ever); });
  const auto checked = (*ledger)->verify([](std::uint64_t) { return true; });
  if (!sound && checked && checked->problem_count == 0)
    return "a false row, and verify finds nothing";
  return {};
}

/// LMDB may ask for gigabytes that a damaged page promises.
void bound_memory() {
  const rlimit bound{rlim_t{4} << 30U, rlim_t{4} << 30U};
  ::setrlimit(RLIMIT_AS, &bound);
}

int run(const settings& how) {
  const memory_folder scratch;
  const sound whole = make_sound(scratch.path() / "sound", how.seed);
  const auto start = std::chrono::steady_clock::now();
  const findings found = run_crew(how.workers, [&](unsigned worker, const auto& look) {
    bound_memory();
    const auto dir = scratch.path() / std::to_string(worker);
    std::filesystem::create_directory(dir);
    for (std::uint64_t number = worker; number < first_bytes + how.others; number += how.workers)
      look([&] {
        std::mt19937_64 random(how.seed + number * 0x9e3779b97f4a7c15ULL);
        const std::size_t at =
            number < first_bytes ? number : first_bytes + random() % (whole.used - first_bytes);
        std::string bad = whole.file;
        bad[at] = static_cast<char>(bad[at] ^ static_cast<char>(1 + random() % 255));
        std::ofstream(dir / "data.mdb", std::ios::binary) << bad;
        verdict said = look_at(dir, whole.ever);
        return said.empty() ? said : said + ": byte " + std::to_string(at);
      });
  });
  tell("flipped bytes; to die of one is no failure here", found, std::chrono::steady_clock::now() - start);
  std::uint64_t died = 0;
  for (const auto& [kind, count] : found.kinds)
    died += kind.starts_with("died") ? count : 0;
  return found.failed == died ? 0 : 1;
}

} // namespace

int main(int count, char** words) {
  settings how;
  CLI::App app("Flips bytes of a ledger's file and looks for false rows.");
  app.add_option("--seed", how.seed, "of the flips")->capture_default_str();
  app.add_option("--others", how.others, "how many bytes behind the first 8,192")->capture_default_str();
  app.add_option("--workers", how.workers, "processes")->capture_default_str()->check(CLI::Range(1, 64));
  CLI11_PARSE(app, count, words);
  try {
    return run(how);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 2;
  }
}
