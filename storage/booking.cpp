// What may be booked, and how it changes the tables.
// Knows no caller; what is in the books decides what is new.
#include "storage/booking.hpp"

#include "storage/error_numbers.hpp"
#include "storage/ledger_meta.hpp"
#include "storage/record_v1.hpp"

#include <algorithm>
#include <utility>

namespace weir::storage {

namespace {

/// The same, but that a request id beyond its limit is stored shorter.
bool same_content(const usage_record& stored, const usage_record& given) {
  if (given.request_id.size() <= max_string_bytes)
    return stored == given;
  usage_record cut = given;
  cut.request_id = cut_request_id(given.request_id);
  return stored == cut;
}

} // namespace

booking::booking(lmdb::transaction& txn, const ledger_tables& tables, series_writer& names, series_book& book)
    : txn_(txn), tables_(tables), names_(names), reader_(book, true) {}

lmdb::status booking::begin(std::size_t records) {
  changes_.reserve(records);
  std::uint64_t intents = 0;
  lmdb::status answer = names_.begin();
  if (answer.ok())
    answer = read_gone_until(txn_, tables_.meta, gone_until_);
  if (answer.ok())
    answer = txn_.count(tables_.intents, intents);
  if (answer.ok())
    answer = records_.open(txn_, tables_.records);
  if (answer.ok())
    answer = by_id_.open(txn_, tables_.by_id);
  no_intents_ = intents == 0;
  return answer;
}

lmdb::status booking::add(const usage_record& record) {
  return record.state == record_state::intent ? add_intent(record) : add_end(record);
}

lmdb::status booking::finish() {
  std::string problem;
  const lmdb::status answer = changes_.apply(txn_, tables_.rollups, tables_.records, gone_until_, problem);
  if (!problem.empty())
    return refused(refuse(problem, "rollups"));
  return answer;
}

lmdb::status booking::refused(failure why) {
  refusal = std::move(why);
  return {};
}

lmdb::status booking::conflict(const attempt_id& id, const std::string& problem) {
  return refused(refuse("record " + to_string(id) + " is in the books already, " + problem, "id_conflict"));
}

lmdb::status booking::damaged(const char* table, const std::string& where, const std::string& problem) {
  return refused(refuse(std::string("table ") + table + ", " + where + ": " + problem, table));
}

lmdb::status booking::encode(const usage_record& record, std::span<const std::uint8_t> extension) {
  const lmdb::status answer = names_.resolve(record, now_names_);
  if (!answer.ok())
    return answer;
  bytes_.clear();
  encode_record(record, *now_names_, bytes_, extension);
  return answer;
}

lmdb::status booking::read_before(const char* table, const row_key& key, lmdb::bytes_view bytes) {
  if (const row_problem wrong = parse_row(key, bytes, before_row_); !wrong.none())
    return damaged(table, describe(key), wrong.error().message);
  before_names_ = reader_.find(txn_, tables_.series, before_row_.series);
  if (before_names_ == nullptr)
    return damaged(table, describe(key), reader_.problem());
  if (const row_problem wrong = to_record(key, before_row_, *before_names_, before_); !wrong.none())
    return damaged(table, describe(key), wrong.error().message);
  return {};
}

lmdb::status booking::was_earlier(const usage_record& record, const id_entry& entry, bool& was) {
  was = false;
  if (entry.is_old()) { // what schema 1 hashed had no such fields
    if (record.usage.images != 0 || record.usage.reported_cost)
      return {};
    bytes_.clear();
    encode_record_v1(record, bytes_);
    was = entry.has_been_v1(content_hash_v1(bytes_));
    return {};
  }
  const lmdb::status answer = encode(record, {});
  if (!answer.ok())
    return answer;
  row_view row;
  if (const row_problem wrong = parse_row(make_row_key(record.time, record.id), bytes_, row); !wrong.none())
    return refused(wrong.error());
  was = entry.has_been(content_hash(row, *now_names_));
  return answer;
}

lmdb::status booking::add_intent(const usage_record& record) {
  lmdb::bytes_view there;
  lmdb::status answer = no_intents_ ? lmdb::status{MDB_NOTFOUND, "mdb_get"}
                                    : txn_.find(tables_.intents, record.id.bytes, there);
  if (answer.ok()) {
    const auto row = intent_row::parse(record.id.bytes, there);
    if (!row)
      return damaged("intents", "id " + to_string(record.id), "a bad row");
    answer = read_before("intents", row->key, row->record);
    if (!answer.ok() || refusal)
      return answer;
    if (!same_content(before_, record))
      return conflict(record.id, "with other content, as intent");
    ++report.already_there;
    return {};
  }
  if (answer.code != MDB_NOTFOUND)
    return answer;
  if (answer = txn_.find(tables_.by_id, record.id.bytes, there); answer.ok())
    return add_known(record, there);
  if (answer.code != MDB_NOTFOUND)
    return answer;
  if (answer = names_.resolve(record, now_names_); !answer.ok())
    return answer;
  bytes_.clear();
  encode_intent(record, *now_names_, bytes_);
  no_intents_ = false;
  ++report.appended;
  return txn_.insert(tables_.intents, record.id.bytes, bytes_, there);
}

/// If the id has an open intent, takes it out of the table and notes what it was.
lmdb::status booking::open_intent(const usage_record& record, bool& there) {
  there = false;
  extension_.clear();
  if (no_intents_)
    return {};
  lmdb::bytes_view stored;
  lmdb::status answer = txn_.find(tables_.intents, record.id.bytes, stored);
  if (answer.code == MDB_NOTFOUND)
    return {};
  if (!answer.ok())
    return answer;
  const auto row = intent_row::parse(record.id.bytes, stored);
  if (!row)
    return damaged("intents", "id " + to_string(record.id), "a bad row");
  if (const row_problem wrong = parse_row(row->key, row->record, before_row_); !wrong.none())
    return damaged("intents", describe(row->key), wrong.error().message);
  before_names_ = reader_.find(txn_, tables_.series, before_row_.series);
  if (before_names_ == nullptr)
    return damaged("intents", describe(row->key), reader_.problem());
  if (time_of(row->key) != record.time)
    return conflict(record.id, "with another time");
  if (!std::ranges::equal(before_row_.call, record.call.bytes))
    return conflict(record.id, "for another call");
  extension_.assign(before_row_.extension.begin(), before_row_.extension.end());
  there = true;
  return {};
}

lmdb::status booking::add_end(const usage_record& record) {
  bool had_intent = false;
  lmdb::status answer = open_intent(record, had_intent);
  if (!answer.ok() || refusal)
    return answer;
  id_entry entry(record.id, record.time);
  if (had_intent) {
    (void)entry.add(content_hash(before_row_, *before_names_)); // the first: there is room
    if (answer = txn_.erase(tables_.intents, record.id.bytes); !answer.ok())
      return answer;
  }
  return insert_row(record, extension_, entry);
}

lmdb::status booking::insert_row(const usage_record& record, std::span<const std::uint8_t> extension,
                                 id_entry entry) {
  const bool had_intent = !entry.bytes().empty() && (entry.bytes()[0] & 3U) != 0;
  lmdb::bytes_view there;
  lmdb::status answer = by_id_.insert(record.id.bytes, entry.bytes(), there);
  if (answer.code == MDB_KEYEXIST && had_intent)
    return damaged("by_id", "id " + to_string(record.id), "there is an open intent, and a row as well");
  if (answer.code == MDB_KEYEXIST)
    return add_known(record, there);
  if (!answer.ok())
    return answer;
  const row_key key = make_row_key(record.time, record.id);
  if (answer = encode(record, extension); !answer.ok())
    return answer;
  answer = records_.insert(key, bytes_, there);
  if (answer.code == MDB_KEYEXIST)
    return damaged("by_id", "id " + to_string(record.id), "the entry of a row is missing");
  if (!answer.ok())
    return answer;
  changes_.add(figures_of(record, now_names_->number));
  ++report.appended;
  return answer;
}

/// The id is taken: by this very content, now or earlier; by what this follows; or by something else.
lmdb::status booking::add_known(const usage_record& record, lmdb::bytes_view stored) {
  auto entry = id_entry::parse(record.id, stored);
  if (!entry)
    return damaged("by_id", "id " + to_string(record.id), "a bad entry");
  if (entry->time() != record.time)
    return conflict(record.id, "with another time");
  const row_key key = make_row_key(record.time, record.id);
  lmdb::bytes_view row;
  lmdb::status answer = txn_.find(tables_.records, key, row);
  if (answer.code == MDB_NOTFOUND)
    return damaged("records", describe(key), "the row is missing");
  if (!answer.ok())
    return answer;
  if (answer = read_before("records", key, row); !answer.ok() || refusal)
    return answer;
  bool known = same_content(before_, record);
  if (!known)
    answer = was_earlier(record, *entry, known);
  if (!answer.ok() || refusal)
    return answer;
  if (known) {
    ++report.already_there;
    return {};
  }
  if (before_.call != record.call)
    return conflict(record.id, "for another call");
  if (before_.state != record_state::unknown || record.state != record_state::settled)
    return conflict(record.id, "with other content, as " + std::string(to_string(before_.state)) +
                                   "; it cannot become " + std::string(to_string(record.state)));
  return advance(record, *entry, key);
}

/// An unknown record gets its figures. What a newer program has noted in the row is carried along.
lmdb::status booking::advance(const usage_record& record, id_entry& entry, const row_key& key) {
  const std::uint32_t was = content_hash(before_row_, *before_names_);
  changes_.take_back(before_row_);
  extension_.assign(before_row_.extension.begin(), before_row_.extension.end());
  lmdb::status answer = encode(record, extension_);
  if (!answer.ok())
    return answer;
  if (answer = txn_.replace(tables_.records, key, bytes_); !answer.ok())
    return answer;
  changes_.add(figures_of(record, now_names_->number));
  ++report.appended;
  if (entry.is_old()) // it has the hash of the row as it was
    return answer;
  if (!entry.add(was))
    return damaged("by_id", "id " + to_string(record.id), "more earlier contents than there can be");
  return txn_.replace(tables_.by_id, record.id.bytes, entry.bytes());
}

lmdb::status booking::close_all(std::vector<usage_record>& closed) {
  {
    lmdb::cursor at;
    lmdb::status answer = at.open(txn_, tables_.intents);
    if (!answer.ok())
      return answer;
    usage_record record;
    for (answer = at.seek(id128{}.bytes); answer.ok(); answer = at.next()) {
      const auto row = intent_row::parse(at.key(), at.value());
      if (!row || !parse_row(row->key, row->record, before_row_).none())
        continue;
      const series* const names = reader_.find(txn_, tables_.series, before_row_.series);
      if (names == nullptr || !to_record(row->key, before_row_, *names, record).none())
        continue;
      closed.push_back(record);
    }
    if (answer.code != MDB_NOTFOUND)
      return answer;
  }
  for (usage_record& record : closed) {
    record.state = record_state::unknown;
    record.success = false;
    record.usage.source = metering::estimated;
    record.error_type = errc::unknown;
    if (const lmdb::status answer = add_end(record); !answer.ok() || refusal)
      return answer;
  }
  return {};
}

lmdb::status booking::reprice(const usage_record& record, bool& changed) {
  changed = false;
  const row_key key = make_row_key(record.time, record.id);
  lmdb::bytes_view row;
  lmdb::status answer = txn_.find(tables_.records, key, row);
  if (answer.code == MDB_NOTFOUND)
    return refused(refuse("record " + to_string(record.id) + " is not in the books", "id_conflict"));
  if (!answer.ok())
    return answer;
  if (answer = read_before("records", key, row); !answer.ok() || refusal)
    return answer;
  if (before_.state != record_state::settled && before_.state != record_state::unknown)
    return conflict(record.id, "as " + std::string(to_string(before_.state)) + ", which has no price");
  const std::optional<money> cost = std::exchange(before_.cost, record.cost);
  const std::optional<money> limit = std::exchange(before_.cost_limit, record.cost_limit);
  const std::uint32_t version = std::exchange(before_.price_version, record.price_version);
  if (!same_content(before_, record))
    return conflict(record.id, "with other content than what was to get a price");
  if (cost == record.cost && limit == record.cost_limit && version == record.price_version)
    return {};
  changed = true;
  // In the series that it is in: its sums are there.
  bytes_.clear();
  encode_record(record, *before_names_, bytes_, before_row_.extension);
  changes_.correct(before_row_, figures_of(record, before_names_->number));
  return txn_.replace(tables_.records, key, bytes_);
}

} // namespace weir::storage
