// Putting a batch's changes into the table of rollups.
// Knows no caller.
#include "storage/rollup_changes.hpp"

#include <algorithm>
#include <map>
#include <span>

namespace weir::storage {

namespace {

bucket day_of(const bucket& hour) noexcept {
  return {rollup_kind::day, hour.number >= 0 ? hour.number / 24 : -((23 - hour.number) / 24)};
}

} // namespace

/// One application of all changes: hours, then the days that they are in, each in the order of its key.
class rollup_changes::applying {
public:
  applying(lmdb::transaction& txn, MDB_dbi rollups, MDB_dbi records, std::optional<std::int64_t> gone_until,
           std::string& problem)
      : txn_(txn), rollups_(rollups), records_(records), gone_until_(gone_until), problem_(problem) {}

  lmdb::status run(const steps& all) {
    order_.reserve(all.size());
    for (const step& each : all)
      order_.push_back({each.rollup.span.number, rank(each.rollup), &each});
    lmdb::status answer = at_.open(txn_, rollups_);
    if (answer.ok())
      answer = put_all();
    if (answer.ok() && problem_.empty())
      answer = finish_hours();
    if (!answer.ok() || !problem_.empty())
      return answer;
    for (placed& each : order_)
      each.span = day_of({rollup_kind::hour, each.span}).number;
    kind_ = rollup_kind::day;
    return put_all();
  }

private:
  /// A step, and the rollup of the present kind that it goes into, in numbers that sort as its key does.
  struct placed {
    std::int64_t span;
    std::uint64_t rank;
    const step* what;

    bool operator<(const placed& other) const noexcept {
      return span != other.span ? span < other.span : rank < other.rank;
    }
  };

  static std::uint64_t rank(const rollup_id& id) noexcept {
    return (std::uint64_t{id.series} << 16U) | (std::uint64_t{id.status} << 8U) | id.error;
  }

  lmdb::status put_all() {
    if (!std::is_sorted(order_.begin(), order_.end()))
      std::sort(order_.begin(), order_.end());
    lmdb::status answer;
    const std::span<const placed> all(order_);
    for (std::size_t begin = 0; begin != all.size() && answer.ok() && problem_.empty();) {
      std::size_t end = begin + 1;
      while (end != all.size() && !(all[begin] < all[end]))
        ++end;
      rollup_id id = all[begin].what->rollup;
      id.span = {kind_, all[begin].span};
      answer = put(id, all.subspan(begin, end - begin));
      begin = end;
    }
    return answer;
  }

  lmdb::status put(const rollup_id& id, std::span<const placed> made) {
    const rollup_key key = make_rollup_key(id);
    sums_.clear();
    lmdb::status answer = at_.find(key);
    if (!answer.ok() && answer.code != MDB_NOTFOUND)
      return answer;
    const bool was_there = answer.ok();
    const char* const wrong = was_there ? sums_.add_stored(key, at_.value()) : nullptr;
    if (wrong != nullptr && rows_are_gone(id)) {
      problem_ = "table rollups, " + describe(id) + ": " + wrong;
      return {};
    }
    if (wrong != nullptr)
      return make_anew(id);
    for (const placed& each : made)
      apply(*each.what, sums_);
    // Looked at when all have come and gone: the ends are then those of all that there ever was.
    if (sums_.requests() != 0 && takes_an_end(made, sums_) && !rows_are_gone(id)) {
      if (id.span.kind == rollup_kind::hour)
        unfinished_.push_back({id, false});
      else if (answer = find_times_of_day(id); !answer.ok())
        return answer;
    }
    return store(key, was_there);
  }

  /// Stores `sums_`; the cursor is at what was there.
  lmdb::status store(const rollup_key& key, bool was_there) {
    if (sums_.requests() == 0)
      return was_there ? at_.erase() : lmdb::status{};
    bytes_.clear();
    sums_.encode(key, bytes_);
    lmdb::bytes_view there;
    return was_there ? at_.replace(key, bytes_) : at_.insert(key, bytes_, there);
  }

  /// A damaged one: what is below it is as it will be.
  lmdb::status make_anew(const rollup_id& id) {
    if (id.span.kind == rollup_kind::hour) {
      unfinished_.push_back({id, true});
      return {};
    }
    sums_.clear();
    const lmdb::status answer = sum_hours(id, sums_);
    return answer.ok() ? store(make_rollup_key(id), true) : answer;
  }

  static void apply(const step& made, tally& sums) {
    if (made.what == effect::goes || made.what == effect::was)
      sums.take_back(made.row);
    else
      sums.add(made.row);
    if (made.what == effect::comes)
      sums.add_time(made.row.time);
  }

  /// Whether a row that goes was the first or the last.
  static bool takes_an_end(std::span<const placed> made, const tally& sums) {
    return std::ranges::any_of(made, [&](const placed& each) {
      const step& its = *each.what;
      return its.what == effect::goes && (its.row.time <= sums.first() || its.row.time >= sums.last());
    });
  }

  /// Then what the rollup says cannot be had from elsewhere.
  bool rows_are_gone(const rollup_id& id) const { return gone_until_ && id.span.begin() <= *gone_until_; }

  lmdb::status find_times_of_day(const rollup_id& id) {
    tally found;
    const lmdb::status answer = sum_hours(id, found);
    if (answer.ok() && found.has_times())
      sums_.set_times(found.first(), found.last());
    return answer;
  }

  lmdb::status sum_hours(const rollup_id& day, tally& sums) {
    for (int hour = 0; hour != 24; ++hour) {
      rollup_id part = day;
      part.span = {rollup_kind::hour, day.span.number * 24 + hour};
      const rollup_key key = make_rollup_key(part);
      lmdb::bytes_view stored;
      lmdb::status answer = txn_.find(rollups_, key, stored);
      if (answer.code == MDB_NOTFOUND)
        continue;
      if (!answer.ok())
        return answer;
      tally its;
      if (its.add_stored(key, stored) != nullptr) {
        its = {};
        answer = each_row(part.span, [&](const row_view& row) {
          if (hour_of(row) == part)
            count(row, its);
        });
        if (!answer.ok())
          return answer;
      }
      sums.add(its);
    }
    return {};
  }

  /// Hours that are damaged, or lost their first or last row: each is looked through once, for all of its
  /// rollups.
  lmdb::status finish_hours() {
    for (std::size_t begin = 0; begin != unfinished_.size();) {
      const bucket hour = unfinished_[begin].rollup.span;
      std::map<std::uint64_t, tally> found;
      std::size_t end = begin;
      for (; end != unfinished_.size() && unfinished_[end].rollup.span.number == hour.number; ++end)
        found.try_emplace(rank(unfinished_[end].rollup));
      lmdb::status answer = each_row(hour, [&](const row_view& row) {
        if (const auto into = found.find(rank(hour_of(row))); into != found.end())
          count(row, into->second);
      });
      for (; begin != end && answer.ok(); ++begin)
        answer = finish(unfinished_[begin], found[rank(unfinished_[begin].rollup)]);
      if (!answer.ok())
        return answer;
    }
    return {};
  }

  struct unfinished {
    rollup_id rollup;
    bool anew; ///< else only its times are to be found
  };

  lmdb::status finish(const unfinished& made, const tally& rows) {
    const rollup_key key = make_rollup_key(made.rollup);
    const lmdb::status answer = at_.find(key);
    if (!answer.ok())
      return answer;
    if (made.anew) {
      sums_ = rows;
    } else {
      sums_.clear();
      (void)sums_.add_stored(key, at_.value()); // it was written a moment ago
      if (rows.has_times())
        sums_.set_times(rows.first(), rows.last());
    }
    return store(key, true);
  }

  static void count(const row_view& row, tally& into) {
    into.add(row);
    into.add_time(row.time);
  }

  /// Visits all sound rows of an hour.
  template <class Visit>
  lmdb::status each_row(const bucket& hour, Visit&& visit) {
    lmdb::cursor at;
    lmdb::status answer = at.open(txn_, records_);
    if (!answer.ok())
      return answer;
    row_view row;
    for (answer = at.seek(first_key_of(timestamp{std::chrono::microseconds{hour.begin()}})); answer.ok();
         answer = at.next()) {
      row_key key{};
      if (at.key().size() != key.size())
        continue;
      std::ranges::copy(at.key(), key.begin());
      if (time_of(key).time_since_epoch().count() > hour.last())
        break;
      if (parse_row(key, at.value(), row).none())
        visit(row);
    }
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  lmdb::transaction& txn_;
  MDB_dbi rollups_;
  MDB_dbi records_;
  std::optional<std::int64_t> gone_until_;
  std::string& problem_;
  std::vector<placed> order_;
  rollup_kind kind_ = rollup_kind::hour; ///< what is being put
  lmdb::cursor at_;                      ///< in the table of rollups
  std::vector<unfinished> unfinished_;   ///< hours, ascending
  tally sums_;
  std::vector<std::uint8_t> bytes_;
};

lmdb::status rollup_changes::apply(lmdb::transaction& txn, MDB_dbi rollups, MDB_dbi records,
                                   std::optional<std::int64_t> gone_until, std::string& problem) {
  return applying(txn, rollups, records, gone_until, problem).run(steps_);
}

} // namespace weir::storage
