// The ledger: usage records in LMDB, appended in transactions, scanned by time, summed up in rollups.
// Knows records and disks; no actors, no clocks, no threads of its own.
#pragma once

#include <weir/error.hpp>
#include <weir/usage.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir::storage {

struct ledger_options {
  std::filesystem::path dir;
  std::uint64_t map_bytes = 1ULL << 30U; ///< first size of the map, sparse; grows by doubling when it is full
  bool read_only = false;                ///< open an existing ledger for questions only; creates nothing
  bool books = true; ///< claims the ledger as the one process that books attempts; false, with `read_only`
                     ///< false: for maintenance (`cleanup`, `reprice`) beside it. No effect with `read_only`
  std::vector<std::string> rollup_tags{"agent", "project", "user"}; ///< keys of tags that rollups are kept by
  std::uint64_t max_map_bytes = 1ULL << 40U; ///< growth of the map stops here, and appends at 95 % of it
};

/// What an append did.
struct append_report {
  std::size_t appended = 0;      ///< new records, and records that went on to their end
  std::size_t already_there = 0; ///< same id, same content, now or in an earlier state: nothing to do
};

struct ledger_stats {
  std::uint64_t records = 0;      ///< rows of attempts that have ended
  std::uint64_t open_intents = 0; ///< attempts that have not
  std::uint64_t rollups = 0;
  std::uint64_t file_bytes = 0; ///< pages that were ever in use times page size
  std::uint64_t used_bytes = 0; ///< those of them that are in use now
  std::uint64_t map_bytes = 0;
};

/// From what a summary is made. Both give the same, to the last digit.
enum class summary_basis : std::uint8_t {
  rollups, ///< rows only where no rollup fits: the edges of a time range, and tags that have none
  rows,    ///< a full scan
};

/// What may be deleted. Nothing and zero: nothing.
struct cleanup_bounds {
  std::optional<timestamp> rows_before;    ///< rows of attempts that began before this
  std::optional<timestamp> rollups_before; ///< rollups of days that ended before this
  std::uint64_t max_bytes = 0;             ///< oldest rows first, until fewer bytes are in use
};

/// What one step of a clean-up did.
struct cleanup_report {
  std::uint64_t rows = 0;
  std::uint64_t rollups = 0;
  bool more = false; ///< there is more to delete: call again
};

/// What a check of everything found.
struct verify_report {
  std::uint64_t records = 0;
  std::uint64_t open_intents = 0;
  std::uint64_t rollups = 0;
  std::uint64_t problem_count = 0;
  std::vector<std::string> problems; ///< the first 100; each names table and key
};

/// One open ledger folder. `append`, `close_intents`, `cleanup` and `reprice` from one thread at a time; the
/// questions from any thread, beside it. All failures are `storage` and name the LMDB call, the table or the
/// field in `place`; a full disk says so. `retryable` is true when the same may go in later (a full or
/// failing disk), and false when it never will (a field beyond its limit, an id taken by another content, a
/// damaged row).
class ledger {
public:
  /// Opens, creates what is missing (folder 0700, files 0600), and brings an older schema up to date. Never
  /// open one folder twice in a process. Who would book beside another process that does is refused, with
  /// that process's name.
  static result<std::unique_ptr<ledger>> open(const ledger_options& options);

  ledger(const ledger&) = delete;
  ledger& operator=(const ledger&) = delete;
  ~ledger();

  /// Writes a batch in one transaction, rollups included: all of it is durable when this returns, or none of
  /// it is in the books. A record whose id is there already with the same content counts as done; with other
  /// content the whole batch is refused (`storage`, place `id_conflict`), unless it takes an `intent` to its
  /// end or gives an `unknown` its figures (`settled`), with call and time as they were.
  result<append_report> append(std::span<const usage_record> batch);

  /// Makes every open intent `unknown`, in one transaction, and gives the records as they are now. For who
  /// has just opened the ledger to book: these attempts have nobody any more.
  result<std::vector<usage_record>> close_intents();

  /// Visits matching records in order of time until the visitor says false; open intents are not among them.
  /// Rows are read by the thousand and visited outside any transaction, so a visitor may take its time and
  /// use the ledger. A damaged row ends the visit with a failure that names its key.
  result<void> scan(const usage_filter& filter, const std::function<bool(const usage_record&)>& visit) const;

  /// The open intents, in order of their ids.
  result<std::vector<usage_record>> intents() const;

  /// One summary a group, ordered by period, provider, model, status, error class and tags. Errors:
  /// `invalid_request` (a time zone that the system does not have), `storage`.
  result<std::vector<usage_summary>> summary(const usage_filter& filter, const usage_grouping& grouping = {},
                                             summary_basis basis = summary_basis::rollups) const;

  /// Deletes in one small transaction (at most 1,000 rows), so that live traffic goes on beside it; to be
  /// called until there is no more. Rows go, their rollups stay.
  result<cleanup_report> cleanup(const cleanup_bounds& bounds);

  /// Gives settled and unknown rows other costs, cost limits and price versions, and corrects their rollups
  /// in the same transaction. Everything else must be as it is in the books (`storage`, place `id_conflict`).
  /// How many rows changed.
  result<std::size_t> reprice(std::span<const usage_record> records);

  /// Reads everything and compares: each row with its checksum, its key and its entry in the index; the
  /// rollups with the rows, where the rows are all there. `progress` gets the rows so far, and ends the check
  /// by false.
  result<verify_report> verify(const std::function<bool(std::uint64_t)>& progress) const;

  /// Copies the ledger as it is now into a new folder, compacted, beside live traffic. All of one moment.
  result<void> backup(const std::filesystem::path& to) const;

  result<ledger_stats> stats() const;

private:
  struct environment;
  explicit ledger(std::unique_ptr<environment> env);

  template <class Work>
  result<void> change(std::size_t records, bool needs_headroom, Work&& work);

  std::unique_ptr<environment> env_;
  std::uint64_t appends_ = 0;
};

/// Puts a backup in place of a ledger that nobody has open: verified first, and swapped by one rename, so
/// that a power cut leaves the old or the new one. The old ledger stays beside it as
/// `<folder>.before-restore`, which must not exist. Errors: `storage`.
result<void> restore(const std::filesystem::path& backup, const std::filesystem::path& dir);

} // namespace weir::storage
