// The minimal LMDB program, and weir's ledger behind the same door.
#include "bench/row_store.hpp"

#include "bench/sqlite_store.hpp"

#include "storage/ledger.hpp"
#include "storage/record_format.hpp"
#include "storage/series.hpp"

#include <lmdb.h>

#include <array>
#include <cstring>
#include <vector>

#include <linux/magic.h>
#include <sys/vfs.h>

namespace weir::bench {

namespace {

failure complaint(int code, const char* what) {
  return make_failure(errc::storage, mdb_strerror(code), what);
}

class lmdb_store final : public row_store {
public:
  ~lmdb_store() override {
    if (env_ != nullptr)
      mdb_env_close(env_);
  }

  result<void> open(const std::filesystem::path& dir) {
    MDB_txn* transaction = nullptr;
    int code = mdb_env_create(&env_);
    if (code == 0)
      code = mdb_env_set_mapsize(env_, std::size_t{1} << 36U);
    if (code == 0)
      code = mdb_env_set_maxdbs(env_, 2);
    if (code == 0)
      code = mdb_env_open(env_, dir.c_str(), 0, 0600);
    if (code == 0)
      code = mdb_txn_begin(env_, nullptr, 0, &transaction);
    if (code == 0)
      code = mdb_dbi_open(transaction, "rows", MDB_CREATE, &rows_);
    if (code == 0)
      code = mdb_dbi_open(transaction, "times", MDB_CREATE, &times_);
    if (code == 0)
      code = mdb_txn_commit(transaction);
    if (code != 0)
      return complaint(code, "open");
    return {};
  }

  result<void> insert(std::span<const usage_record> batch) override { return insert_and_settle(batch, {}); }

  result<void> insert_and_settle(std::span<const usage_record> fresh,
                                 std::span<const usage_record> settled) override {
    MDB_txn* transaction = nullptr;
    if (const int code = mdb_txn_begin(env_, nullptr, 0, &transaction); code != 0)
      return complaint(code, "begin");
    int code = 0;
    for (const usage_record& each : fresh)
      if (code == 0)
        code = put(transaction, each, true);
    for (const usage_record& each : settled)
      if (code == 0)
        code = put(transaction, each, false);
    if (code != 0) {
      mdb_txn_abort(transaction);
      return complaint(code, "put");
    }
    code = mdb_txn_commit(transaction);
    if (code != 0)
      return complaint(code, "commit");
    return {};
  }

private:
  int put(MDB_txn* transaction, const usage_record& record, bool fresh) {
    // The bytes of the first row stand for all: a minimal program's row is a structure that is copied.
    if (value_.empty())
      storage::encode_record(record,
                             {.number = 1,
                              .provider = record.provider,
                              .model = record.model,
                              .tags = record.tags,
                              .text_sum = 0},
                             value_);
    std::array<std::uint8_t, 24> key{};
    const auto time = static_cast<std::uint64_t>(record.time.time_since_epoch().count());
    for (unsigned at = 0; at != 8; ++at)
      key[at] = static_cast<std::uint8_t>(time >> (56 - 8 * at));
    std::memcpy(key.data() + 8, record.id.bytes.data(), record.id.bytes.size());
    MDB_val row_key{key.size(), key.data()};
    MDB_val row{value_.size(), value_.data()};
    const int code = mdb_put(transaction, rows_, &row_key, &row, 0);
    if (code != 0 || !fresh)
      return code;
    MDB_val id{record.id.bytes.size(), const_cast<std::uint8_t*>(record.id.bytes.data())};
    MDB_val at{8, key.data()};
    return mdb_put(transaction, times_, &id, &at, 0);
  }

  MDB_env* env_ = nullptr;
  MDB_dbi rows_ = 0;
  MDB_dbi times_ = 0;
  std::vector<std::uint8_t> value_;
};

class weir_store final : public row_store {
public:
  explicit weir_store(std::unique_ptr<storage::ledger> ledger) : ledger_(std::move(ledger)) {}

  result<void> insert(std::span<const usage_record> batch) override {
    const auto done = ledger_->append(batch);
    if (!done)
      return done.error();
    return {};
  }

  result<void> insert_and_settle(std::span<const usage_record> fresh,
                                 std::span<const usage_record> settled) override {
    both_.assign(fresh.begin(), fresh.end());
    both_.insert(both_.end(), settled.begin(), settled.end());
    return insert(both_);
  }

private:
  std::unique_ptr<storage::ledger> ledger_;
  std::vector<usage_record> both_;
};

} // namespace

std::string to_string(store_kind kind) {
  switch (kind) {
  case store_kind::weir:
    return "weir";
  case store_kind::lmdb:
    return "lmdb";
  case store_kind::sqlite:
    return "sqlite";
  case store_kind::sqlite_rollups:
    return "sqlite+";
  }
  return {};
}

result<std::unique_ptr<row_store>> open_store(store_kind kind, const std::filesystem::path& dir) {
  if (kind == store_kind::weir) {
    auto ledger = storage::ledger::open({.dir = dir});
    if (!ledger)
      return ledger.error();
    return std::unique_ptr<row_store>(std::make_unique<weir_store>(std::move(*ledger)));
  }
  if (kind == store_kind::lmdb) {
    auto made = std::make_unique<lmdb_store>();
    if (auto opened = made->open(dir); !opened)
      return opened.error();
    return std::unique_ptr<row_store>(std::move(made));
  }
  auto made = sqlite_store::open(dir, kind == store_kind::sqlite_rollups);
  if (!made)
    return made.error();
  return std::unique_ptr<row_store>(std::move(*made));
}

bool is_in_memory(const std::filesystem::path& dir) {
  struct statfs about {};
  return ::statfs(dir.c_str(), &about) == 0 && (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC);
}

} // namespace weir::bench
