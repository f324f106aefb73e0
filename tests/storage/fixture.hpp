// What the ledger's tests share: throw-away folders, records, child processes.
// Knows no case.
#pragma once

#include "storage/ledger.hpp"
#include "storage/series.hpp"

#include <weir/usage.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace weir::storage::testing {

/// A new folder, gone at the end of the scope.
class scratch_folder {
public:
  scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder();

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

using random_engine = std::mt19937_64;

/// A generator whose seed is printed; `WEIR_TEST_SEED` in the environment repeats a run.
random_engine make_random();

/// Any record that the format can hold, extremes included.
usage_record random_record(random_engine& random);

/// An ordinary record; each number gives another id, and a time one second later than the last.
usage_record plain_record(std::uint64_t number);

/// `count` plain records, from the number `first` on.
std::vector<usage_record> plain_batch(std::uint64_t first, std::size_t count);

/// The ledger in `dir`; throws with the failure's text when it does not open.
std::unique_ptr<ledger> open_ledger(const std::filesystem::path& dir, std::uint64_t map_bytes = 1ULL << 30U,
                                    bool read_only = false);

/// All records that a filter lets through, in the order of the visit; throws on a failure.
std::vector<usage_record> all_records(const ledger& books, const usage_filter& filter = {});

/// Those, and the open intents, in the order of time and id.
std::vector<usage_record> all_attempts(const ledger& books);

/// The series that a record has where rollups are kept by these tags.
series series_of(const usage_record& record,
                 const std::vector<std::string>& keys = {"agent", "project", "user"});

/// A record as a row, and where it stands.
std::vector<std::uint8_t> encoded_row(const usage_record& record,
                                      const std::vector<std::uint8_t>& extension = {});

/// How a child process ended.
struct child_end {
  int code = 0;   ///< what the work returned
  int signal = 0; ///< what killed it, if something did
};

/// Starts `work` in a forked child that ends with its value, and with 125 on an exception.
pid_t start_child(const std::function<int()>& work);
child_end wait_for(pid_t child);
child_end run_in_child(const std::function<int()>& work);

} // namespace weir::storage::testing

namespace weir {

// Boost.Test prints what differs.
inline std::ostream& operator<<(std::ostream& out, const usage_record& record) {
  return out << "record " << to_string(record.id) << " at " << record.time.time_since_epoch().count();
}
inline std::ostream& operator<<(std::ostream& out, const usage_summary& summary) {
  return out << summary.provider.str() << '/' << summary.model.str() << ": " << summary.total_requests;
}

} // namespace weir
