// Walking the ledger in order of time, and summing it up.
// Knows no visitor: rows are copied out first, so that who is slow pins no old page and holds up no growth.
#include "storage/keys.hpp"
#include "storage/ledger.hpp"
#include "storage/ledger_environment.hpp"
#include "storage/record_format.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace weir::storage {

namespace {

constexpr std::size_t chunk_rows = 1024;
constexpr std::size_t chunk_bytes = 1U << 20U; // exceeded by one row at most

failure bad_row(const ledger_options& options, const std::string& where, const std::string& problem) {
  failure bad = make_failure(errc::storage,
                             "ledger " + options.dir.string() + ", table records, " + where + ": " + problem,
                             "records");
  bad.retryable = false;
  return bad;
}

/// Rows as one short read transaction found them.
class chunk {
public:
  /// Takes the rows from a key on, before `end` if there is one, until the chunk is full.
  lmdb::status fill(lmdb::transaction& txn, MDB_dbi records, const row_key& from,
                    const std::optional<row_key>& end) {
    rows_.clear();
    bytes_.clear();
    rest_.reset();
    bad_key_ = false;
    lmdb::cursor at;
    lmdb::status answer = at.open(txn, records);
    if (!answer.ok())
      return answer;
    for (answer = at.seek(from); answer.ok(); answer = at.next()) {
      row_key key{};
      if (at.key().size() != key.size()) {
        bad_key_ = true;
        return {};
      }
      std::ranges::copy(at.key(), key.begin());
      if (end && key >= *end)
        return {};
      if (rows_.size() == chunk_rows || bytes_.size() >= chunk_bytes) {
        rest_ = key;
        return {};
      }
      bytes_.insert(bytes_.end(), at.value().begin(), at.value().end());
      rows_.push_back({key, bytes_.size()});
    }
    return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
  }

  std::size_t size() const { return rows_.size(); }
  const row_key& key(std::size_t at) const { return rows_[at].key; }
  lmdb::bytes_view bytes(std::size_t at) const {
    const std::size_t start = at == 0 ? 0 : rows_[at - 1].end;
    return lmdb::bytes_view(bytes_).subspan(start, rows_[at].end - start);
  }

  /// Where the next chunk begins; nothing when this is the last.
  const std::optional<row_key>& rest() const { return rest_; }

  /// Whether the row after these has a key that is none.
  bool bad_key() const { return bad_key_; }

private:
  struct row {
    row_key key;
    std::size_t end;
  };
  std::vector<row> rows_;
  std::vector<std::uint8_t> bytes_;
  std::optional<row_key> rest_;
  bool bad_key_ = false;
};

/// The row's record, if the row is sound and its record the key's.
result<void> read_row(const ledger_options& options, const row_key& key, lmdb::bytes_view bytes,
                      usage_record& record) {
  if (auto decoded = decode_record(bytes, record); !decoded)
    return bad_row(options, describe(key), decoded.error().message);
  if (record.time != time_of(key) || record.id != id_of(key))
    return bad_row(options, describe(key), "the record is that of another key");
  return {};
}

bool wanted(const usage_record& record, const usage_filter& filter) {
  return (!filter.model || record.model == *filter.model) &&
         (!filter.provider || record.provider == *filter.provider);
}

/// Finds a summary by a record without copying its names.
struct by_provider_and_model {
  using is_transparent = void;
  template <class Left, class Right>
  bool operator()(const Left& left, const Right& right) const {
    return std::tie(left.provider, left.model) < std::tie(right.provider, right.model);
  }
};

struct group_names {
  provider_name provider;
  model_name model;
};

} // namespace

result<void> ledger::scan(const usage_filter& filter,
                          const std::function<bool(const usage_record&)>& visit) const {
  std::optional<row_key> next = first_key_of(filter.since.value_or(timestamp::min()));
  std::optional<row_key> end;
  if (filter.until)
    end = first_key_of(*filter.until);
  chunk rows;
  usage_record record;
  while (next) {
    auto read = env_->run([&](const environment::lease& held) {
      lmdb::transaction txn;
      lmdb::status answer = txn.begin(*held.env, lmdb::access::read);
      return answer.ok() ? rows.fill(txn, held.tables.records, *next, end) : answer;
    });
    if (!read)
      return read;
    for (std::size_t at = 0; at != rows.size(); ++at) {
      if (auto sound = read_row(env_->options, rows.key(at), rows.bytes(at), record); !sound)
        return sound;
      if (wanted(record, filter) && !visit(record))
        return {};
    }
    if (rows.bad_key())
      return bad_row(env_->options,
                     rows.size() == 0 ? "the first" : "after " + describe(rows.key(rows.size() - 1)),
                     "a key that is not 24 bytes long");
    next = rows.rest();
  }
  return {};
}

result<std::vector<usage_summary>> ledger::summary(const usage_filter& filter, const usage_grouping&,
                                                   summary_basis) const {
  std::map<group_names, usage_summary, by_provider_and_model> groups;
  auto summed = scan(filter, [&](const usage_record& record) {
    auto group = groups.find(record);
    if (group == groups.end()) {
      group = groups.try_emplace({record.provider, record.model}).first;
      group->second.provider = record.provider;
      group->second.model = record.model;
    }
    group->second.add(record);
    return true;
  });
  if (!summed)
    return summed.error();
  std::vector<usage_summary> ordered;
  ordered.reserve(groups.size());
  for (auto& [names, group] : groups)
    ordered.push_back(std::move(group));
  return ordered;
}

} // namespace weir::storage
