// Copying rows out of a transaction.
// Knows keys; not what is in a row.
#include "storage/row_chunk.hpp"

#include <algorithm>

namespace weir::storage {

lmdb::status row_chunk::fill(lmdb::transaction& txn, MDB_dbi records, const row_key& from,
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
    if (rows_.size() == most_rows || bytes_.size() >= most_bytes) {
      rest_ = key;
      return {};
    }
    bytes_.insert(bytes_.end(), at.value().begin(), at.value().end());
    rows_.push_back({key, bytes_.size()});
  }
  return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
}

} // namespace weir::storage
