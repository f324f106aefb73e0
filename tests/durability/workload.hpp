// What a busy ledger goes through, step by step, and what its books are after each step as counted by hand.
// Knows records; knows no disk.
#pragma once

#include "storage/ledger.hpp"

#include <weir/usage.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
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

/// What may be done to a ledger in one transaction.
class workload {
public:
  workload(std::filesystem::path dir, std::uint64_t seed);
  ~workload();

  /// The options that the ledger is opened with.
  static storage::ledger_options options_for(const std::filesystem::path& dir);

  /// Does the next step; throws when the ledger does not do it, or when its books are not what they should
  /// be. `handing_over` is called just before the ledger is given it.
  void step(const std::function<void()>& handing_over);

  /// The books as they are now.
  const books& now() const { return books_; }

  /// What was done how often.
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

private:
  using batch = std::vector<usage_record>;

  void append(batch records, const std::function<void()>& handing_over);
  void close_and_open(const std::function<void()>& handing_over);
  void clean_up(const std::function<void()>& handing_over);
  void reprice(const std::function<void()>& handing_over);
  batch new_intents();
  batch endings();
  batch late_figures();
  usage_record new_record();
  void settle(usage_record& record);
  void book(const batch& records);
  void count_totals();
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::filesystem::path dir_;
  std::mt19937_64 random_;
  std::unique_ptr<storage::ledger> ledger_;
  books books_;
  std::map<attempt_id, std::shared_ptr<const usage_record>> gone_; ///< deleted rows, which totals still count
  std::map<std::string, std::uint64_t> counts_;
  std::uint64_t next_number_ = 0;
  std::uint64_t steps_ = 0;
};

/// Compares a ledger with the books that it should have: nothing, or the first difference in words.
std::optional<std::string> difference(const storage::ledger& ledger, const books& expected);

/// A batch that no workload gives: what a ledger that has come back is to take.
std::vector<usage_record> batch_after(const books& before);

/// The books after a batch was appended.
books after_batch(const books& before, const std::vector<usage_record>& batch);

} // namespace weir::durability
