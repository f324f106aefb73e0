// Rewriting what another schema or other tags have left, in one transaction.
// Knows no caller.
#include "storage/ledger_upgrade.hpp"

#include "storage/intents.hpp"
#include "storage/ledger_meta.hpp"
#include "storage/record_format.hpp"
#include "storage/record_v1.hpp"
#include "storage/rollup_changes.hpp"
#include "storage/row_chunk.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace weir::storage {

namespace {

constexpr std::size_t most_changes = 100'000; // rows in memory before they are put into the rollups

/// One rewriting of all rows.
class rewriting {
public:
  rewriting(lmdb::transaction& txn, const ledger_tables& tables, const std::vector<std::string>& keys,
            std::string& problem)
      : txn_(txn), tables_(tables), problem_(problem), names_(book_, txn, tables.series, keys),
        reader_(book_, true) {}

  lmdb::status upgrade() { return each_row(first_key_of(timestamp::min()), &rewriting::upgrade_row); }

  lmdb::status rebuild() {
    std::optional<std::int64_t> gone;
    lmdb::status answer = read_gone_until(txn_, tables_.meta, gone);
    if (!answer.ok())
      return answer;
    gone_ = gone;
    timestamp first = timestamp::min();
    std::int64_t first_hour = std::numeric_limits<std::int64_t>::min();
    if (gone) {
      const bucket hour = bucket::of(rollup_kind::hour, *gone);
      first_hour = hour.number + 1;
      if (hour.last() == std::numeric_limits<std::int64_t>::max())
        return {};
      first = timestamp{std::chrono::microseconds{hour.last() + 1}};
    }
    answer = drop_rollups(first_hour);
    if (answer.ok() && gone)
      answer = keep_rest_of_day(*gone);
    return answer.ok() ? each_row(first_key_of(first), &rewriting::rebuild_row) : answer;
  }

private:
  using work = lmdb::status (rewriting::*)(const row_key&, lmdb::bytes_view);

  lmdb::status each_row(const row_key& from, work each) {
    lmdb::status answer = names_.begin();
    row_chunk rows;
    for (std::optional<row_key> next = from; next && answer.ok(); next = rows.rest()) {
      answer = rows.fill(txn_, tables_.records, *next, std::nullopt);
      for (std::size_t at = 0; at != rows.size() && answer.ok(); ++at)
        answer = (this->*each)(rows.key(at), rows.bytes(at));
      if (answer.ok() && changes_.size() > most_changes)
        answer = flush();
    }
    if (answer.ok())
      answer = flush();
    return answer;
  }

  lmdb::status flush() {
    const lmdb::status answer = changes_.apply(txn_, tables_.rollups, tables_.records, gone_, problem_);
    changes_.clear();
    return answer;
  }

  lmdb::status put(const row_key& key, lmdb::bytes_view extension) {
    const series* names = nullptr;
    lmdb::status answer = names_.resolve(record_, names);
    if (!answer.ok())
      return answer;
    bytes_.clear();
    if (record_.state == record_state::intent) {
      encode_intent(record_, *names, bytes_, extension);
      answer = txn_.replace(tables_.intents, record_.id.bytes, bytes_);
      if (answer.ok())
        answer = txn_.erase(tables_.records, key);
      if (answer.ok())
        answer = txn_.erase(tables_.by_id, record_.id.bytes);
      return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
    }
    encode_record(record_, *names, bytes_, extension);
    if (parse_row(key, bytes_, view_).none())
      changes_.add(view_);
    return txn_.replace(tables_.records, key, bytes_);
  }

  lmdb::status upgrade_row(const row_key& key, lmdb::bytes_view bytes) {
    if (!decode_record_v1(bytes, record_) || record_.time != time_of(key) || record_.id != id_of(key))
      return {};
    return put(key, extension_of_v1(bytes));
  }

  lmdb::status rebuild_row(const row_key& key, lmdb::bytes_view bytes) {
    if (!parse_row(key, bytes, view_).none())
      return {};
    const series* names = reader_.find(txn_, tables_.series, view_.series);
    if (names == nullptr || !to_record(key, view_, *names, record_).none())
      return {};
    return put(key, view_.extension);
  }

  /// Of all hours from one on, and of their days.
  lmdb::status drop_rollups(std::int64_t first_hour) {
    for (const bucket& from :
         {bucket{rollup_kind::day,
                 bucket::of(rollup_kind::day, bucket{rollup_kind::hour, first_hour}.begin()).number},
          bucket{rollup_kind::hour, first_hour}}) {
      lmdb::cursor at;
      lmdb::status answer = at.open(txn_, tables_.rollups);
      if (!answer.ok())
        return answer;
      const auto kind = static_cast<std::uint8_t>(from.kind);
      for (answer = at.seek(first_rollup_of(from)); answer.ok() && at.key()[0] == kind; answer = at.next())
        if (answer = at.erase(); !answer.ok())
          return answer;
      if (!answer.ok() && answer.code != MDB_NOTFOUND)
        return answer;
    }
    return {};
  }

  /// The day from whose beginning rows are gone is the sum of the hours that keep what they had, so far.
  lmdb::status keep_rest_of_day(std::int64_t gone) {
    const bucket hour = bucket::of(rollup_kind::hour, gone);
    const bucket day = bucket::of(rollup_kind::day, gone);
    std::vector<std::pair<rollup_id, tally>> sums;
    {
      lmdb::cursor at;
      lmdb::status answer = at.open(txn_, tables_.rollups);
      if (!answer.ok())
        return answer;
      for (answer = at.seek(first_rollup_of({rollup_kind::hour, day.number * 24})); answer.ok();
           answer = at.next()) {
        auto id = parse_rollup_key(at.key());
        if (!id || id->span.number > hour.number)
          break;
        tally its;
        if (its.add_stored(at.key(), at.value()) != nullptr)
          continue;
        id->span = day;
        const auto there = std::ranges::find(sums, *id, &std::pair<rollup_id, tally>::first);
        if (there != sums.end())
          there->second.add(its);
        else
          sums.emplace_back(*id, std::move(its));
      }
      if (!answer.ok() && answer.code != MDB_NOTFOUND)
        return answer;
    }
    for (const auto& [id, sum] : sums) {
      const rollup_key key = make_rollup_key(id);
      bytes_.clear();
      sum.encode(key, bytes_);
      if (const lmdb::status answer = txn_.replace(tables_.rollups, key, bytes_); !answer.ok())
        return answer;
    }
    return {};
  }

  lmdb::transaction& txn_;
  const ledger_tables& tables_;
  std::string& problem_;
  series_book book_; // its own: nothing of this is durable yet
  series_writer names_;
  series_reader reader_;
  rollup_changes changes_;
  std::optional<std::int64_t> gone_;
  usage_record record_;
  row_view view_;
  std::vector<std::uint8_t> bytes_;
};

} // namespace

lmdb::status upgrade_from_1(lmdb::transaction& txn, const ledger_tables& tables,
                            const std::vector<std::string>& keys, std::string& problem) {
  return rewriting(txn, tables, keys, problem).upgrade();
}

lmdb::status rebuild_rollups(lmdb::transaction& txn, const ledger_tables& tables,
                             const std::vector<std::string>& keys, std::string& problem) {
  return rewriting(txn, tables, keys, problem).rebuild();
}

} // namespace weir::storage
