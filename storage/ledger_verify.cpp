// Reading everything and comparing: rows, index, intents, series, rollups.
// Knows all tables; changes nothing. LMDB's own pages are trusted: who doubts them asks in a child process.
#include "storage/error_numbers.hpp"
#include "storage/intents.hpp"
#include "storage/ledger.hpp"
#include "storage/ledger_environment.hpp"
#include "storage/ledger_meta.hpp"
#include "storage/out_of_memory.hpp"
#include "storage/rollups.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string>

namespace weir::storage {

namespace {

constexpr std::size_t most_problems = 100;
constexpr std::uint64_t rows_between_reports = 10'000;

std::string hex(lmdb::bytes_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 32)))
    text.append({digits[byte >> 4U], digits[byte & 15U]});
  return text;
}

/// One check. A day of rows is compared with its rollups in one transaction; the rest in one each.
class checking {
public:
  checking(series_book& book, const std::function<bool(std::uint64_t)>& progress)
      : book_(book), progress_(progress) {}

  verify_report report;

  bool stopped() const { return stopped_; }
  bool more_days() const { return !days_done_ && !stopped_; }
  bool more_ids() const { return !ids_done_ && !stopped_; }

  /// The next day that has rows or rollups.
  lmdb::status day(lmdb::transaction& txn, const ledger_tables& tables) {
    enter(txn, tables);
    std::optional<std::int64_t> moment;
    lmdb::status answer = read_gone_until(txn, tables.meta, gone_until_);
    if (answer.ok())
      answer = next_moment(moment);
    if (!answer.ok() || !moment) {
      days_done_ = true;
      return answer;
    }
    const bucket today = bucket::of(rollup_kind::day, *moment);
    expected_.clear();
    bad_hours_.clear();
    answer = rows_of(today);
    if (answer.ok() && !stopped_)
      answer = rollups_of(today);
    if (today.last() == std::numeric_limits<std::int64_t>::max())
      days_done_ = true;
    else
      next_ = today.last() + 1;
    return answer;
  }

  /// Index entries that have no row, so many at once.
  lmdb::status ids(lmdb::transaction& txn, const ledger_tables& tables) {
    enter(txn, tables);
    lmdb::cursor at;
    lmdb::status answer = at.open(txn, tables.by_id);
    if (!answer.ok())
      return answer;
    std::uint64_t seen = 0;
    for (answer = at.seek(next_id_.bytes); answer.ok(); answer = at.next()) {
      if (at.key().size() != next_id_.bytes.size()) {
        problem("by_id", "key " + hex(at.key()), "is no id");
        continue;
      }
      std::ranges::copy(at.key(), next_id_.bytes.begin());
      if (seen++ == rows_between_reports)
        return answer;
      const auto entry = id_entry::parse(next_id_, at.value());
      lmdb::bytes_view row;
      if (!entry)
        problem("by_id", "id " + to_string(next_id_), "a bad entry");
      else if (!txn.find(tables.records, make_row_key(entry->time(), next_id_), row).ok())
        problem("by_id", "id " + to_string(next_id_), "its row is missing");
    }
    ids_done_ = true;
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  lmdb::status small_tables(lmdb::transaction& txn, const ledger_tables& tables) {
    enter(txn, tables);
    std::vector<std::string> keys;
    if (!read_rollup_tags(txn, tables.meta, keys).ok())
      problem("meta", "rollup_tags", "the value is missing or damaged");
    lmdb::status answer = read_gone_until(txn, tables.meta, gone_until_);
    if (gone_until_ == std::numeric_limits<std::int64_t>::max())
      problem("meta", "rows_gone_until", "the value is damaged");
    if (!answer.ok())
      return answer;
    answer = each(tables.series, [&](lmdb::bytes_view key, lmdb::bytes_view value) {
      series its;
      if (const char* wrong = decode_series(key, value, its); wrong != nullptr)
        problem("series", "number " + hex(key), wrong);
    });
    if (answer.ok())
      answer = each(tables.rollups, [&](lmdb::bytes_view key, lmdb::bytes_view) {
        if (!parse_rollup_key(key))
          problem("rollups", "key " + hex(key), "is no key of a rollup");
      });
    if (!answer.ok())
      return answer;
    series_reader names(book_);
    return each(tables.intents, [&](lmdb::bytes_view key, lmdb::bytes_view value) {
      ++report.open_intents;
      const auto row = intent_row::parse(key, value);
      if (!row)
        return problem("intents", "key " + hex(key), "the row is no intent");
      const std::string where = describe(row->key);
      lmdb::bytes_view entry;
      if (const char* wrong = wrong_with(names, row->key, row->record, true); wrong != nullptr)
        problem("intents", where, wrong);
      else if (txn.find(tables.by_id, key, entry).ok())
        problem("intents", where, "the attempt has ended as well");
    });
  }

private:
  void enter(lmdb::transaction& txn, const ledger_tables& tables) {
    txn_ = &txn;
    tables_ = &tables;
  }

  void problem(const char* table, const std::string& where, const std::string& what) {
    ++report.problem_count;
    if (report.problems.size() < most_problems)
      report.problems.push_back(std::string("table ") + table + ", " + where + ": " + what);
  }

  template <class Work>
  lmdb::status each(MDB_dbi table, Work&& work) {
    lmdb::cursor at;
    lmdb::status answer = at.open(*txn_, table);
    if (!answer.ok())
      return answer;
    for (answer = at.first(); answer.ok(); answer = at.next())
      work(at.key(), at.value());
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  /// What is wrong with a row and its names; null when it is sound, and then `row_` is it.
  const char* wrong_with(series_reader& names, const row_key& key, lmdb::bytes_view bytes, bool intent) {
    row_problem wrong = parse_row(key, bytes, row_);
    if (wrong.none()) {
      const series* const its = names.find(*txn_, tables_->series, row_.series);
      if (its == nullptr)
        return names.problem();
      wrong = to_record(key, row_, *its, record_);
    }
    if (!wrong.none()) {
      text_ = wrong.error().message;
      return text_.c_str();
    }
    if ((row_.state == record_state::intent) != intent)
      return "the state is not one of this table";
    return nullptr;
  }

  /// The earliest moment, from `next_` on, of which there is anything.
  lmdb::status next_moment(std::optional<std::int64_t>& moment) {
    lmdb::cursor rows;
    lmdb::cursor sums;
    lmdb::status answer = rows.open(*txn_, tables_->records);
    if (answer.ok())
      answer = sums.open(*txn_, tables_->rollups);
    if (!answer.ok())
      return answer;
    row_key key{};
    const bool at_the_start = next_ == std::numeric_limits<std::int64_t>::min();
    answer =
        at_the_start ? rows.first() : rows.seek(first_key_of(timestamp{std::chrono::microseconds{next_}}));
    for (; answer.ok() && !moment; answer = rows.next())
      if (rows.key().size() == key.size()) {
        std::ranges::copy(rows.key(), key.begin());
        moment = time_of(key).time_since_epoch().count();
      } else if (at_the_start) { // elsewhere it is met among the rows of the day before
        problem("records", "key " + hex(rows.key()), "is not 24 bytes long");
      }
    if (!answer.ok() && answer.code != MDB_NOTFOUND)
      return answer;
    const bucket today = bucket::of(rollup_kind::day, next_);
    for (const bucket& from : {today, bucket{rollup_kind::hour, today.number * 24}}) {
      for (answer = sums.seek(first_rollup_of(from)); answer.ok(); answer = sums.next()) {
        const auto id = parse_rollup_key(sums.key());
        if (!id)
          continue;
        if (id->span.kind == from.kind)
          moment = std::min(moment.value_or(std::numeric_limits<std::int64_t>::max()),
                            std::max(id->span.begin(), next_));
        break;
      }
      if (!answer.ok() && answer.code != MDB_NOTFOUND)
        return answer;
    }
    return {};
  }

  lmdb::status rows_of(const bucket& today) {
    series_reader names(book_);
    lmdb::cursor at;
    lmdb::status answer = at.open(*txn_, tables_->records);
    if (!answer.ok())
      return answer;
    for (answer = at.seek(first_key_of(timestamp{std::chrono::microseconds{today.begin()}})); answer.ok();
         answer = at.next()) {
      row_key key{};
      if (at.key().size() != key.size()) {
        problem("records", "key " + hex(at.key()), "is not 24 bytes long");
        continue;
      }
      std::ranges::copy(at.key(), key.begin());
      if (time_of(key).time_since_epoch().count() > today.last())
        break;
      if (++report.records % rows_between_reports == 0 && progress_ && !progress_(report.records)) {
        stopped_ = true;
        return {};
      }
      row(names, key, at.value());
    }
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  void row(series_reader& names, const row_key& key, lmdb::bytes_view bytes) {
    lmdb::bytes_view stored;
    const attempt_id id = id_of(key);
    if (!txn_->find(tables_->by_id, id.bytes, stored).ok())
      problem("records", describe(key), "it has no entry in table by_id");
    else if (const auto entry = id_entry::parse(id, stored); !entry || entry->time() != time_of(key))
      problem("by_id", "id " + to_string(id), "the entry is not that of its row");
    const std::int64_t time = time_of(key).time_since_epoch().count();
    if (const char* wrong = wrong_with(names, key, bytes, false); wrong != nullptr) {
      problem("records", describe(key), wrong);
      bad_hours_.push_back(bucket::of(rollup_kind::hour, time).number);
      return;
    }
    rollup_id id_of_sums = hour_of(row_);
    for (const rollup_kind kind : {rollup_kind::hour, rollup_kind::day}) {
      id_of_sums.span = bucket::of(kind, time);
      tally& sums = expected_[make_rollup_key(id_of_sums)];
      sums.add(row_);
      sums.add_time(row_.time);
    }
  }

  /// Whether the rows of a span are all there and sound, so that they can be compared with its rollups.
  bool comparable(const bucket& span) const {
    if (gone_until_ && span.begin() <= *gone_until_)
      return false;
    return span.kind == rollup_kind::day ? bad_hours_.empty()
                                         : std::ranges::find(bad_hours_, span.number) == bad_hours_.end();
  }

  lmdb::status rollups_of(const bucket& today) {
    const bucket hours{rollup_kind::hour, today.number * 24};
    lmdb::status answer = rollups_from(today, today.number);
    if (answer.ok())
      answer = rollups_from(hours, hours.number + 23);
    for (const auto& [key, sums] : expected_)
      if (const auto id = parse_rollup_key(key); id && comparable(id->span))
        problem("rollups", describe(*id), "is missing");
    return answer;
  }

  lmdb::status rollups_from(const bucket& from, std::int64_t last) {
    series_reader names(book_);
    lmdb::cursor at;
    lmdb::status answer = at.open(*txn_, tables_->rollups);
    if (!answer.ok())
      return answer;
    for (answer = at.seek(first_rollup_of(from)); answer.ok(); answer = at.next()) {
      const auto id = parse_rollup_key(at.key());
      if (!id)
        continue; // reported with the small tables
      if (id->span.kind != from.kind || id->span.number > last)
        return answer;
      ++report.rollups;
      rollup(names, *id, at.key(), at.value());
    }
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  void rollup(series_reader& names, const rollup_id& id, lmdb::bytes_view key, lmdb::bytes_view value) {
    rollup_key found{};
    std::ranges::copy(key, found.begin());
    const auto expected = expected_.find(found);
    tally stored;
    if (const char* wrong = stored.add_stored(key, value); wrong != nullptr) {
      problem("rollups", describe(id), wrong);
    } else if (names.find(*txn_, tables_->series, id.series) == nullptr) {
      problem("rollups", describe(id), names.problem());
    } else if (comparable(id.span)) {
      bytes_.clear();
      if (expected != expected_.end())
        expected->second.encode(key, bytes_);
      if (!std::ranges::equal(bytes_, value))
        problem("rollups", describe(id), "differs from its rows");
    }
    if (expected != expected_.end())
      expected_.erase(expected);
  }

  series_book& book_;
  const std::function<bool(std::uint64_t)>& progress_;
  lmdb::transaction* txn_ = nullptr;
  const ledger_tables* tables_ = nullptr;
  std::optional<std::int64_t> gone_until_;
  std::int64_t next_ = std::numeric_limits<std::int64_t>::min();
  id128 next_id_;
  bool days_done_ = false;
  bool ids_done_ = false;
  bool stopped_ = false;
  std::map<rollup_key, tally> expected_;
  std::vector<std::int64_t> bad_hours_;
  row_view row_;
  usage_record record_;
  std::string text_;
  std::vector<std::uint8_t> bytes_;
};

} // namespace

result<verify_report> ledger::verify(const std::function<bool(std::uint64_t)>& progress) const {
  return with_memory([&]() -> result<verify_report> {
    series_book unmet; // what this process has met was sound then: all is read anew
    checking check(unmet, progress);
    using step = lmdb::status (checking::*)(lmdb::transaction&, const ledger_tables&);
    const auto take = [&](step next) {
      return env_->run([&](const environment::lease& held) {
        lmdb::transaction txn;
        const lmdb::status answer = txn.begin(*held.env, lmdb::access::read);
        return answer.ok() ? (check.*next)(txn, held.tables) : answer;
      });
    };
    if (auto done = take(&checking::small_tables); !done)
      return done.error();
    while (check.more_days())
      if (auto done = take(&checking::day); !done)
        return done.error();
    while (check.more_ids())
      if (auto done = take(&checking::ids); !done)
        return done.error();
    if (progress && !check.stopped())
      (void)progress(check.report.records);
    return check.report;
  });
}

} // namespace weir::storage
