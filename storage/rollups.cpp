// Keys of rollups, and putting a batch's changes into their table.
// Knows no caller.
#include "storage/rollups.hpp"

#include "storage/bytes.hpp"
#include "storage/error_numbers.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace weir::storage {

namespace {

constexpr std::uint64_t bias = 1ULL << 63U;

std::int64_t length_of(rollup_kind kind) noexcept {
  return kind == rollup_kind::hour ? hour_us : day_us;
}

std::int64_t clamped(int128 time) noexcept {
  return static_cast<std::int64_t>(std::clamp(time, int128{std::numeric_limits<std::int64_t>::min()},
                                              int128{std::numeric_limits<std::int64_t>::max()}));
}

bucket day_of(const bucket& hour) noexcept {
  return {rollup_kind::day, hour.number >= 0 ? hour.number / 24 : -((23 - hour.number) / 24)};
}

} // namespace

bucket bucket::of(rollup_kind kind, std::int64_t time) noexcept {
  const std::int64_t length = length_of(kind);
  const std::int64_t number = time / length;
  return {kind, time % length < 0 ? number - 1 : number};
}

std::int64_t bucket::begin() const noexcept {
  return clamped(int128{number} * length_of(kind));
}

std::int64_t bucket::last() const noexcept {
  return clamped((int128{number} + 1) * length_of(kind) - 1);
}

rollup_key make_rollup_key(const rollup_id& id) noexcept {
  rollup_key key = first_rollup_of(id.span);
  layout::store_sorted(key.data() + 9, id.series);
  key[13] = id.status;
  key[14] = id.error;
  return key;
}

rollup_key first_rollup_of(const bucket& span) noexcept {
  rollup_key key{};
  key[0] = static_cast<std::uint8_t>(span.kind);
  layout::store_sorted(key.data() + 1, static_cast<std::uint64_t>(span.number) ^ bias);
  return key;
}

std::optional<rollup_id> parse_rollup_key(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.size() != sizeof(rollup_key))
    return std::nullopt;
  rollup_id id;
  id.span.kind = static_cast<rollup_kind>(bytes[0]);
  id.span.number = static_cast<std::int64_t>(layout::load_sorted<std::uint64_t>(bytes.data() + 1) ^ bias);
  id.series = layout::load_sorted<std::uint32_t>(bytes.data() + 9);
  id.status = bytes[13];
  id.error = bytes[14];
  const bool known = (id.span.kind == rollup_kind::day || id.span.kind == rollup_kind::hour) &&
                     id.series != 0 && id.status >= static_cast<std::uint8_t>(usage_status::succeeded) &&
                     id.status <= static_cast<std::uint8_t>(usage_status::void_attempt) &&
                     id.error < error_types.size();
  return known ? std::optional(id) : std::nullopt;
}

std::string describe(const rollup_id& id) {
  return std::string(id.span.kind == rollup_kind::hour ? "hour " : "day ") +
         to_string(timestamp{std::chrono::microseconds{id.span.begin()}}) + ", series " +
         std::to_string(id.series) + ", " + std::string(to_string(static_cast<usage_status>(id.status))) +
         ", " + std::string(to_string(error_types[id.error]));
}

std::uint8_t status_number(const row_figures& row) noexcept {
  const auto status = [&] {
    switch (row.state) {
    case record_state::settled:
      return row.success ? usage_status::succeeded : usage_status::failed;
    case record_state::void_attempt:
      return usage_status::void_attempt;
    case record_state::intent:
    case record_state::unknown:
      break;
    }
    return usage_status::unknown;
  }();
  return static_cast<std::uint8_t>(status);
}

rollup_id hour_of(const row_figures& row) noexcept {
  return {bucket::of(rollup_kind::hour, row.time), row.series, status_number(row),
          error_number(row.error_type).value_or(0)};
}

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
    tally& sums = sums_;
    sums.clear();
    lmdb::status answer = at_.find(key);
    if (!answer.ok() && answer.code != MDB_NOTFOUND)
      return answer;
    const bool was_there = answer.ok();
    const char* const wrong = was_there ? sums.add_stored(key, at_.value()) : nullptr;
    if (wrong != nullptr && rows_are_gone(id)) {
      problem_ = "table rollups, " + describe(id) + ": " + wrong;
      return {};
    }
    answer = {};
    if (wrong != nullptr) { // made anew: what is below it is as it will be
      sums.clear();
      answer = sum_below(id, sums);
    } else {
      const bool lost_an_end = was_there && takes_an_end(made, sums);
      for (const placed& each : made)
        apply(*each.what, sums);
      if (lost_an_end && sums.requests() != 0 && !rows_are_gone(id))
        answer = find_times(id, sums);
    }
    if (!answer.ok())
      return answer;
    if (sums.requests() == 0)
      return was_there ? at_.erase() : lmdb::status{};
    bytes_.clear();
    sums.encode(key, bytes_);
    lmdb::bytes_view there;
    return was_there ? at_.replace(key, bytes_) : at_.insert(key, bytes_, there);
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

  lmdb::status find_times(const rollup_id& id, tally& sums) {
    tally found;
    const lmdb::status answer = sum_below(id, found);
    if (answer.ok() && found.has_times())
      sums.set_times(found.first(), found.last());
    return answer;
  }

  /// An hour from its rows, a day from its hours.
  lmdb::status sum_below(const rollup_id& id, tally& sums) {
    if (id.span.kind == rollup_kind::hour)
      return sum_rows(id, sums);
    for (int hour = 0; hour != 24; ++hour) {
      rollup_id part = id;
      part.span = {rollup_kind::hour, id.span.number * 24 + hour};
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
        if (answer = sum_rows(part, its); !answer.ok())
          return answer;
      }
      sums.add(its);
    }
    return {};
  }

  lmdb::status sum_rows(const rollup_id& id, tally& sums) {
    lmdb::cursor at;
    lmdb::status answer = at.open(txn_, records_);
    if (!answer.ok())
      return answer;
    const row_key begin = first_key_of(timestamp{std::chrono::microseconds{id.span.begin()}});
    row_view row;
    for (answer = at.seek(begin); answer.ok(); answer = at.next()) {
      row_key key{};
      if (at.key().size() != key.size())
        continue;
      std::ranges::copy(at.key(), key.begin());
      if (time_of(key).time_since_epoch().count() > id.span.last())
        break;
      if (!parse_row(key, at.value(), row).none() || !(hour_of(row) == id))
        continue;
      sums.add(row);
      sums.add_time(row.time);
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
  tally sums_;
  std::vector<std::uint8_t> bytes_;
};

lmdb::status rollup_changes::apply(lmdb::transaction& txn, MDB_dbi rollups, MDB_dbi records,
                                   std::optional<std::int64_t> gone_until, std::string& problem) {
  return applying(txn, rollups, records, gone_until, problem).run(steps_);
}

} // namespace weir::storage
