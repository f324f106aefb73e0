// Summing up: from rollups where they fit, from rows where they do not.
// Knows which spans of time a question covers; the groups know the rest.
#include "storage/error_numbers.hpp"
#include "storage/ledger.hpp"
#include "storage/ledger_environment.hpp"
#include "storage/ledger_meta.hpp"
#include "storage/out_of_memory.hpp"
#include "storage/rollups.hpp"
#include "storage/summary_groups.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

namespace weir::storage {

namespace {

constexpr std::int64_t first_moment = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t last_moment = std::numeric_limits<std::int64_t>::max();
/// After so many rows a question lets go of its transaction, so that it pins no old pages for long.
constexpr std::uint64_t rows_at_once = 200'000;

timestamp at_us(std::int64_t time) {
  return timestamp{std::chrono::microseconds{time}};
}

/// One question. It is answered in legs, each in a transaction of its own; `next` says where one goes on.
class summing {
public:
  summing(const usage_filter& filter, summary_groups& groups, series_book& book)
      : groups_(groups), names_(book),
        first_(filter.since ? filter.since->time_since_epoch().count() : first_moment), next_(first_),
        last_(last_moment) {
    if (!filter.until)
      return;
    const std::int64_t until = filter.until->time_since_epoch().count();
    if (until == first_moment)
      done_ = true;
    else
      last_ = until - 1;
  }

  bool done() const { return done_ || next_ > last_ || !problem_.empty(); }
  const std::string& problem() const { return problem_; }

  lmdb::status leg(lmdb::transaction& txn, const ledger_tables& tables, summary_basis basis) {
    txn_ = &txn;
    tables_ = &tables;
    rows_left_ = rows_at_once;
    lmdb::status answer = read_gone_until(txn, tables.meta, gone_until_);
    std::vector<std::string> keys;
    if (answer.ok())
      answer = read_rollup_tags(txn, tables.meta, keys);
    if (!answer.ok())
      return answer;
    if (basis == summary_basis::rollups && groups_.tags_among(keys))
      return days();
    return rows(next_row_.value_or(first_key_of(at_us(first_))), last_, true);
  }

private:
  /// Whole days by the day, the others by the hour.
  lmdb::status days() {
    lmdb::cursor at;
    lmdb::status answer = at.open(*txn_, tables_->rollups);
    while (answer.ok() && !done()) {
      answer = at.seek(first_rollup_of(bucket::of(rollup_kind::day, next_)));
      if (answer.code == MDB_NOTFOUND)
        break;
      const auto id = answer.ok() ? parse_rollup_key(at.key()) : std::nullopt;
      if (!answer.ok() || !id)
        return answer.ok() ? wrong_key() : answer;
      if (id->span.kind != rollup_kind::day || id->span.begin() > last_)
        break;
      const bucket day = id->span;
      answer = covers(day) && groups_.within_one_period(day.begin(), day.last()) ? take(at, day) : hours(day);
      if (answer.ok() && problem_.empty())
        go_on_after(day.last());
      if (rows_left_ == 0)
        return answer;
    }
    if (answer.ok() || answer.code == MDB_NOTFOUND) {
      done_ = done_ || rows_left_ != 0;
      return {};
    }
    return answer;
  }

  lmdb::status hours(const bucket& day) {
    lmdb::cursor at;
    lmdb::status answer = at.open(*txn_, tables_->rollups);
    bucket from{rollup_kind::hour, day.number * 24};
    for (const std::int64_t end = from.number + 24; answer.ok() && problem_.empty(); ++from.number) {
      answer = at.seek(first_rollup_of(from));
      if (answer.code == MDB_NOTFOUND)
        return {};
      const auto id = answer.ok() ? parse_rollup_key(at.key()) : std::nullopt;
      if (!answer.ok() || !id)
        return answer.ok() ? wrong_key() : answer;
      from = id->span;
      if (from.number >= end || from.begin() > last_)
        return {};
      if (covers(from) && groups_.within_one_period(from.begin(), from.last()))
        answer = take(at, from);
      else if (gone_until_ && from.begin() <= *gone_until_) // rows may be missing: it counts where it begins
        answer = from.begin() >= first_ ? take(at, from) : lmdb::status{};
      else if (from.last() >= first_)
        answer =
            rows(first_key_of(at_us(std::max(from.begin(), first_))), std::min(from.last(), last_), false);
    }
    return answer;
  }

  bool covers(const bucket& span) const { return span.begin() >= first_ && span.last() <= last_; }

  /// Takes all rollups of a span; the cursor is at the first.
  lmdb::status take(lmdb::cursor& at, const bucket& span) {
    lmdb::status answer;
    for (; answer.ok(); answer = at.next()) {
      const auto id = parse_rollup_key(at.key());
      if (!id)
        return wrong_key();
      if (id->span.kind != span.kind || id->span.number != span.number)
        return answer;
      const series* const names = names_.find(*txn_, tables_->series, id->series);
      if (names == nullptr) {
        problem_ = "table rollups, " + describe(*id) + ": " + names_.problem();
        return answer;
      }
      tally* const into = groups_.of(*id, *names);
      const char* const wrong = into == nullptr ? nullptr : into->add_stored(at.key(), at.value());
      if (wrong != nullptr) {
        problem_ = "table rollups, " + describe(*id) + ": " + wrong;
        return answer;
      }
    }
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  /// Sums up the rows of a range; where `bounded`, as many as a leg may read, and notes where to go on.
  lmdb::status rows(const row_key& from, std::int64_t last, bool bounded) {
    lmdb::cursor at;
    lmdb::status answer = at.open(*txn_, tables_->records);
    if (!answer.ok())
      return answer;
    row_key key{};
    for (answer = at.seek(from); answer.ok(); answer = at.next()) {
      if (at.key().size() != key.size()) {
        problem_ = "table records: a key that is not 24 bytes long";
        return answer;
      }
      std::memcpy(key.data(), at.key().data(), key.size());
      if (time_of(key).time_since_epoch().count() > last)
        break;
      if (bounded && rows_left_ == 0) {
        next_row_ = key;
        return answer;
      }
      rows_left_ -= rows_left_ == 0 ? 0U : 1U;
      if (!add(key, at.value()))
        return answer;
    }
    done_ = done_ || bounded;
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  bool add(const row_key& key, lmdb::bytes_view bytes) {
    if (const row_problem wrong = parse_row(key, bytes, row_); !wrong.none()) {
      problem_ = "table records, " + describe(key) + ": " + wrong.error().message;
      return false;
    }
    const series* const names = names_.find(*txn_, tables_->series, row_.series);
    if (names == nullptr) {
      problem_ = "table records, " + describe(key) + ": " + names_.problem();
      return false;
    }
    if (tally* const into = groups_.of(row_, *names); into != nullptr) {
      into->add(row_);
      into->add_time(row_.time);
    }
    return true;
  }

  lmdb::status wrong_key() {
    problem_ = "table rollups: a key that is none";
    return {};
  }

  void go_on_after(std::int64_t moment) {
    if (moment == last_moment)
      done_ = true;
    else
      next_ = std::max(next_, moment + 1);
  }

  summary_groups& groups_;
  series_reader names_;
  lmdb::transaction* txn_ = nullptr;
  const ledger_tables* tables_ = nullptr;
  std::optional<std::int64_t> gone_until_;
  std::int64_t first_; ///< of the range that is asked for
  std::int64_t next_;  ///< what is before this is summed up
  std::int64_t last_;
  std::uint64_t rows_left_ = 0;
  std::optional<row_key> next_row_;
  bool done_ = false;
  row_view row_;
  std::string problem_;
};

} // namespace

result<std::vector<usage_summary>> ledger::summary(const usage_filter& filter, const usage_grouping& grouping,
                                                   summary_basis basis) const {
  return with_memory([&]() -> result<std::vector<usage_summary>> {
    time_zone zone;
    if (grouping.step) {
      auto found = time_zone::find(grouping.time_zone);
      if (!found)
        return found.error();
      zone = *found;
    }
    summary_groups groups(filter, grouping, zone);
    summing sums(filter, groups, env_->series);
    while (!sums.done()) {
      // A leg is tried again only when its transaction did not begin: nothing is summed up twice.
      auto read = env_->run([&](const environment::lease& held) {
        lmdb::transaction txn;
        const lmdb::status answer = txn.begin(*held.env, lmdb::access::read);
        return answer.ok() ? sums.leg(txn, held.tables, basis) : answer;
      });
      if (!read)
        return read.error();
    }
    if (!sums.problem().empty())
      return refuse("ledger " + env_->options.dir.string() + ", " + sums.problem(), "summary");
    return groups.finish();
  });
}

} // namespace weir::storage
