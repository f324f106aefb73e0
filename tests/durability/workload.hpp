// What a busy ledger goes through, step by step, and what its books are after each step as counted by hand.
// Knows records; knows no disk.
#pragma once

#include "storage/ledger.hpp"

#include <weir/usage.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace weir::durability {

/// The books after a step. A record is shared by all steps in which it is the same.
struct books {
  std::map<attempt_id, std::shared_ptr<const usage_record>> rows; ///< in the ledger now, intents included
  std::vector<usage_summary> totals;                              ///< of all attempts that ever ended
  std::optional<timestamp> whole_since{};                         ///< from here on no row was deleted

  /// Those that have ended, by time and id; and the others, by id.
  std::vector<const usage_record*> ended() const;
  std::vector<const usage_record*> open() const;
};

/// Something that is done to a ledger in one transaction, and the books after it.
struct task {
  enum class kind : std::uint8_t { append, reopen_and_close_intents, clean_up, reprice };
  kind what{};
  std::vector<usage_record> batch{}; ///< to append, or to reprice
  timestamp bound{};                 ///< of a clean-up
  std::uint64_t changes = 0;         ///< rows that it changes when it is done for the first time
  books after{};
};

/// Makes tasks, by a seed.
class workload {
public:
  explicit workload(std::uint64_t seed) : random_(seed) {}

  task next();

private:
  using batch = std::vector<usage_record>;

  task append(batch records);
  task close_intents();
  task clean_up();
  task reprice();
  batch new_intents();
  batch endings();
  batch late_figures();
  usage_record new_record();
  void settle(usage_record& record);
  void book(const batch& records);
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::mt19937_64 random_;
  books books_;
  std::map<attempt_id, std::shared_ptr<const usage_record>> gone_; ///< deleted rows, which totals still count
  std::uint64_t next_number_ = 0;
  std::uint64_t tasks_ = 0;
};

/// The options that a workload's ledger is opened with.
storage::ledger_options options_for(const std::filesystem::path& dir);

/// Does a task, opening the ledger first when it is not open; gives the number of rows changed.
result<std::uint64_t> perform(const task& given, const storage::ledger_options& options,
                              std::unique_ptr<storage::ledger>& ledger);

/// Compares a ledger with the books that it should have: nothing, or the first difference in words.
std::optional<std::string> difference(const storage::ledger& ledger, const books& expected);

/// A batch that no workload gives: what a ledger that has come back is to take.
std::vector<usage_record> batch_after(const books& before);

/// The books after a batch was appended.
books after_batch(const books& before, const std::vector<usage_record>& batch);

} // namespace weir::durability
