// Rows copied out of a short transaction, so that who is slow pins no old page and holds up no growth.
// Knows keys; not what is in a row.
#pragma once

#include "storage/keys.hpp"
#include "storage/lmdb.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir::storage {

/// Rows as one short transaction found them.
class row_chunk {
public:
  static constexpr std::size_t most_rows = 1024;
  static constexpr std::size_t most_bytes = 1U << 20U; ///< exceeded by one row at most

  /// Takes the rows from a key on, before `end` if there is one, until the chunk is full.
  lmdb::status fill(lmdb::transaction& txn, MDB_dbi records, const row_key& from,
                    const std::optional<row_key>& end);

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

} // namespace weir::storage
