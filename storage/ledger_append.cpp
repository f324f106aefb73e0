// Booking a batch: all of it in one transaction, or nothing.
// Knows no clock and no caller; what is in the books decides what is new.
#include "storage/keys.hpp"
#include "storage/ledger.hpp"
#include "storage/ledger_environment.hpp"
#include "storage/record_format.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace weir::storage {

namespace {

/// The records of a batch as bytes, one behind the other.
class encoded_batch {
public:
  result<void> add(const usage_record& record) {
    const std::size_t start = bytes_.size();
    if (auto encoded = encode_record(record, bytes_); !encoded)
      return encoded;
    starts_.push_back(start);
    return {};
  }
  lmdb::bytes_view operator[](std::size_t at) const {
    const std::size_t end = at + 1 == starts_.size() ? bytes_.size() : starts_[at + 1];
    return lmdb::bytes_view(bytes_).subspan(starts_[at], end - starts_[at]);
  }

private:
  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> starts_;
};

constexpr std::uint64_t appends_between_checks = 256; // some seconds, at the pace of a busy weir

/// An intent ends in any of the other states; of an unknown attempt the figures may still come.
bool may_follow(record_state now, record_state next) {
  if (now == record_state::intent)
    return next != record_state::intent;
  return now == record_state::unknown && next == record_state::settled;
}

failure refuse(std::string message, const char* place) {
  failure refused = make_failure(errc::storage, std::move(message), place);
  refused.retryable = false;
  return refused;
}

failure conflict(const attempt_id& id, const std::string& problem) {
  return refuse("record " + to_string(id) + " is in the books already, " + problem, "id_conflict");
}

/// One try to book a batch in a transaction that the caller commits unless there is a refusal.
class booking {
public:
  booking(lmdb::transaction& txn, const ledger_tables& tables) : txn_(txn), tables_(tables) {}

  lmdb::status add(const usage_record& record, lmdb::bytes_view bytes) {
    const id_entry entry(record.time, content_hash(bytes));
    lmdb::bytes_view there;
    lmdb::status answer = txn_.insert(tables_.by_id, record.id.bytes, entry.bytes(), there);
    if (answer.code == MDB_KEYEXIST)
      return add_known(record, bytes, there);
    if (!answer.ok())
      return answer;
    const row_key key = make_row_key(record.time, record.id);
    answer = txn_.insert(tables_.records, key, bytes, there);
    if (answer.code == MDB_KEYEXIST)
      return refused(
          refuse("table records, " + describe(key) + ": the row is missing in table by_id", "by_id"));
    ++report.appended;
    return answer;
  }

  append_report report;
  std::optional<failure> refusal; ///< the batch must not be committed, and no repeat will help

private:
  lmdb::status refused(failure why) {
    refusal = std::move(why);
    return {};
  }

  /// The id is taken: by this very content, now or earlier; by what this follows; or by something else.
  lmdb::status add_known(const usage_record& record, lmdb::bytes_view bytes, lmdb::bytes_view stored) {
    auto entry = id_entry::parse(stored);
    if (!entry)
      return refused(refuse("table by_id, id " + to_string(record.id) + ": a bad entry", "by_id"));
    const std::uint64_t hash = content_hash(bytes);
    if (entry->has_been(hash)) {
      ++report.already_there;
      return {};
    }
    if (entry->time() != record.time)
      return refused(conflict(record.id, "with another time"));
    const row_key key = make_row_key(record.time, record.id);
    lmdb::bytes_view row;
    lmdb::status answer = txn_.find(tables_.records, key, row);
    if (answer.code == MDB_NOTFOUND)
      return refused(conflict(record.id, "with other content, and its row is gone"));
    if (!answer.ok())
      return answer;
    if (auto decoded = decode_record(row, before_); !decoded)
      return refused(refuse("table records, " + describe(key) + ": " + decoded.error().message, "records"));
    if (before_.call != record.call)
      return refused(conflict(record.id, "for another call"));
    if (!may_follow(before_.state, record.state) || !entry->add(hash))
      return refused(conflict(record.id, "with other content, as " + std::string(to_string(before_.state)) +
                                             "; it cannot become " + std::string(to_string(record.state))));
    return advance(record, *entry, key, row, bytes);
  }

  /// The record goes on to its next state. What a newer program has noted in the row is carried along.
  lmdb::status advance(const usage_record& record, const id_entry& entry, const row_key& key,
                       lmdb::bytes_view row, lmdb::bytes_view bytes) {
    if (const auto extension = extension_of(row); !extension.empty()) {
      carried_.clear();
      if (auto encoded = encode_record(record, carried_, extension); !encoded)
        return refused(std::move(encoded.error()));
      bytes = carried_;
    }
    lmdb::status answer = txn_.replace(tables_.records, key, bytes);
    if (answer.ok())
      answer = txn_.replace(tables_.by_id, record.id.bytes, entry.bytes());
    ++report.appended;
    return answer;
  }

  lmdb::transaction& txn_;
  const ledger_tables& tables_;
  usage_record before_;
  std::vector<std::uint8_t> carried_;
};

} // namespace

result<append_report> ledger::append(std::span<const usage_record> batch) {
  if (env_->options.read_only)
    return refuse("ledger " + env_->options.dir.string() + " is open for reading only", "mdb_txn_begin");
  encoded_batch encoded;
  for (const usage_record& record : batch)
    if (auto added = encoded.add(record); !added)
      return added.error();
  // A reader that was killed would keep every freed page from being used again.
  if (appends_++ % appends_between_checks == 0)
    (void)env_->clear_dead_readers();
  append_report report;
  std::optional<failure> refusal;
  // After a failed commit it cannot be known what is on the disk; but a batch given again is known again.
  auto booked = env_->run([&](const environment::lease& held) {
    lmdb::transaction txn;
    lmdb::status answer = txn.begin(*held.env, lmdb::access::write);
    if (!answer.ok())
      return answer;
    booking book(txn, held.tables);
    for (std::size_t at = 0; at != batch.size() && answer.ok() && !book.refusal; ++at)
      answer = book.add(batch[at], encoded[at]);
    refusal = std::move(book.refusal);
    if (!answer.ok() || refusal)
      return answer;
    report = book.report;
    return txn.commit();
  });
  if (refusal)
    return *std::move(refusal);
  if (!booked)
    return booked.error();
  return report;
}

} // namespace weir::storage
