// The open ledger under its questions and appends: environment, tables, and the gate through which both pass.
// Knows LMDB's ways of failing; knows no record.
#pragma once

#include "storage/ballast.hpp"
#include "storage/ledger.hpp"
#include "storage/ledger_folder.hpp"
#include "storage/ledger_tables.hpp"
#include "storage/lmdb.hpp"
#include "storage/series.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

namespace weir::storage {

/// LMDB's map grows only while no transaction is open, and a broken environment heals only by opening it
/// anew. So who has a transaction holds a share of this, and who renews the environment waits for all shares.
struct ledger::environment {
  static result<std::unique_ptr<environment>> open(const ledger_options& options);

  /// A share: the environment stays as it is while this lives. Must outlive its transactions.
  struct lease {
    std::shared_lock<std::shared_mutex> hold;
    const lmdb::environment* env;
    ledger_tables tables;
    std::uint64_t generation;                    ///< which opening this is
    const std::vector<std::string>* rollup_tags; ///< keys of tags that rollups are kept by
  };
  lease share();

  /// What became of a failed try.
  struct cure {
    std::optional<failure> failed; ///< nothing: try again
  };

  /// Counts what was tried for one operation, so that no operation tries for ever.
  struct patience {
    unsigned reopenings = 1; ///< after a failing disk
    unsigned growths = 64;   ///< of the map, by us or by another process
    unsigned clearings = 1;  ///< of readers that died, before more room is taken
  };

  /// Frees what processes that died in mid-question hold: true if there were any.
  bool clear_dead_readers();

  /// Does what the answer asks for: grows the map, adopts another process's larger one, opens anew after a
  /// failing disk. The lease of the failed try must be gone. Answers that nothing cures are failures.
  cure heal(const lmdb::status& answer, std::uint64_t generation, patience& left);

  /// Does `work(lease) -> lmdb::status` until it succeeds or cannot be cured.
  template <class Work>
  result<void> run(Work&& work) {
    for (patience left;;) {
      lmdb::status answer;
      std::uint64_t generation = 0;
      {
        const lease held = share();
        generation = held.generation;
        answer = work(held);
      }
      if (answer.ok())
        return {};
      if (auto cured = heal(answer, generation, left); cured.failed)
        return *std::move(cured.failed);
    }
  }

  /// Refuses what would take the last pages that the map may ever have: a clean-up needs them.
  lmdb::status check_headroom(lmdb::transaction& txn, const lease& held,
                              std::optional<failure>& refused) const;

  /// A failure of the ledger that no repeat will cure.
  failure refusal(const std::string& problem, const char* place) const;

  const ledger_options options;
  series_book series;    ///< has a lock of its own
  class ballast ballast; ///< for the writer alone

private:
  environment(const ledger_options& given, ledger_folder folder)
      : options(given), ballast(given.dir), folder_(std::move(folder)) {}

  result<void> open_now(std::uint64_t map_bytes);
  cure renew(std::uint64_t generation, std::uint64_t factor);

  ledger_folder folder_;
  std::mutex turnstile_; // so that a stream of readers cannot keep a renewal waiting
  std::shared_mutex gate_;
  lmdb::environment env_;
  ledger_tables tables_;
  std::vector<std::string> rollup_tags_;
  std::uint64_t map_bytes_ = 0;
  std::uint64_t generation_ = 0;
};

} // namespace weir::storage
