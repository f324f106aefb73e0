// Deleting what is old, a little at a time.
// Knows keys and rollups; no row's content.
#include "storage/error_numbers.hpp"
#include "storage/keys.hpp"
#include "storage/ledger.hpp"
#include "storage/ledger_environment.hpp"
#include "storage/ledger_meta.hpp"
#include "storage/out_of_memory.hpp"
#include "storage/rollups.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>

namespace weir::storage {

namespace {

constexpr std::uint64_t rows_at_once = 1000;
constexpr std::uint64_t rows_between_looks = 64; // at how many pages are in use

/// One step, in a transaction that the caller commits.
class cleaning {
public:
  cleaning(lmdb::transaction& txn, const ledger_tables& tables, const cleanup_bounds& bounds,
           std::uint64_t most, std::uint64_t page_bytes)
      : txn_(txn), tables_(tables), bounds_(bounds), most_(most), page_bytes_(page_bytes) {}

  lmdb::status run() {
    lmdb::status answer = rows();
    if (answer.ok() && report.rows != 0)
      answer = note_gone(last_gone_);
    if (answer.ok() && !report.more && bounds_.rollups_before)
      answer = rollups();
    return answer;
  }

  cleanup_report report;

private:
  lmdb::status too_big(bool& is) {
    is = false;
    if (bounds_.max_bytes == 0)
      return {};
    std::uint64_t pages = 0;
    const lmdb::status answer = tables_.used_pages(txn_, pages);
    is = pages * page_bytes_ >= bounds_.max_bytes;
    return answer;
  }

  lmdb::status rows() {
    lmdb::cursor at;
    bool big = false;
    lmdb::status answer = at.open(txn_, tables_.records);
    if (answer.ok())
      answer = too_big(big);
    if (!answer.ok())
      return answer;
    for (answer = at.seek(row_key{}); answer.ok(); answer = at.next()) {
      row_key key{};
      if (at.key().size() == key.size())
        std::ranges::copy(at.key(), key.begin());
      const bool old = bounds_.rows_before && time_of(key) < *bounds_.rows_before;
      first_left_ = time_of(key).time_since_epoch().count();
      if (!old && !big)
        return answer;
      if (report.rows == most_) {
        report.more = true;
        return answer;
      }
      if (answer = at.erase(); !answer.ok())
        return answer;
      answer = txn_.erase(tables_.by_id, id_of(key).bytes);
      if (!answer.ok() && answer.code != MDB_NOTFOUND)
        return answer;
      last_gone_ = *first_left_;
      first_left_.reset();
      if (++report.rows % rows_between_looks == 0)
        if (answer = too_big(big); !answer.ok())
          return answer;
    }
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  lmdb::status note_gone(std::int64_t last) {
    std::optional<std::int64_t> before;
    const lmdb::status answer = read_gone_until(txn_, tables_.meta, before);
    if (!answer.ok() || before.value_or(std::numeric_limits<std::int64_t>::min()) >= last)
      return answer;
    return write_gone_until(txn_, tables_.meta, last);
  }

  /// Rollups of whole days, and only where no row is left: what there is of rows has its rollups.
  lmdb::status rollups() {
    const std::int64_t before = bounds_.rollups_before->time_since_epoch().count();
    const std::int64_t end = std::min(before, first_left_.value_or(std::numeric_limits<std::int64_t>::max()));
    const std::int64_t day = bucket::of(rollup_kind::day, end).number; // the first that stays
    lmdb::status answer =
        drop({rollup_kind::day, std::numeric_limits<std::int64_t>::min()}, {rollup_kind::day, day});
    if (answer.ok())
      answer =
          drop({rollup_kind::hour, std::numeric_limits<std::int64_t>::min()}, {rollup_kind::hour, day * 24});
    return answer;
  }

  lmdb::status drop(const bucket& from, const bucket& end) {
    lmdb::cursor at;
    lmdb::status answer = at.open(txn_, tables_.rollups);
    if (!answer.ok())
      return answer;
    const rollup_key limit = first_rollup_of(end);
    for (answer = at.seek(first_rollup_of(from)); answer.ok(); answer = at.next()) {
      if (!std::ranges::lexicographical_compare(at.key(), limit))
        return answer;
      if (report.rows + report.rollups >= most_) {
        report.more = true;
        return answer;
      }
      if (answer = at.erase(); !answer.ok())
        return answer;
      ++report.rollups;
    }
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  lmdb::transaction& txn_;
  const ledger_tables& tables_;
  const cleanup_bounds& bounds_;
  std::uint64_t most_;
  std::uint64_t page_bytes_;
  std::optional<std::int64_t> first_left_; ///< time of the oldest row that stays
  std::int64_t last_gone_ = 0;             ///< when the last row that was deleted began
};

bool wants_room(const failure& error) {
  return error.retryable && (error.place == "mdb_env_set_mapsize" ||
                             error.message.find("the disk is full") != std::string::npos);
}

} // namespace

result<cleanup_report> ledger::cleanup(const cleanup_bounds& bounds) {
  return with_memory([&]() -> result<cleanup_report> {
    if (env_->options.read_only)
      return env_->refusal("is open for reading only", "mdb_txn_begin");
    cleanup_report report;
    // To delete takes pages as well. Where there are few, the ballast goes, and then fewer rows go at once.
    bool may_lighten = true;
    for (std::uint64_t most = rows_at_once;;) {
      auto done = env_->run([&](const environment::lease& held) {
        lmdb::transaction txn;
        lmdb::status answer = txn.begin(*held.env, lmdb::access::write);
        if (!answer.ok())
          return answer;
        cleaning step(txn, held.tables, bounds, most, held.env->page_bytes());
        answer = step.run();
        report = step.report;
        return answer.ok() ? txn.commit() : answer;
      });
      if (done)
        break;
      if (!wants_room(done.error()))
        return done.error();
      if (may_lighten && env_->ballast.give_up()) {
        may_lighten = false;
        continue;
      }
      if (most == 1)
        return done.error();
      most = std::max<std::uint64_t>(most / 10, 1);
    }
    if (!report.more)
      env_->ballast.take();
    return report;
  });
}

} // namespace weir::storage
