// SQLite with prepared statements, one transaction a batch.
#include "bench/sqlite_store.hpp"

#include <map>
#include <tuple>

namespace weir::bench {

namespace {

constexpr const char* tables = R"(
CREATE TABLE records(
  id BLOB PRIMARY KEY, call BLOB, time INTEGER, model TEXT, provider TEXT, request_id TEXT, attempt INTEGER,
  state INTEGER, prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, cached_tokens INTEGER,
  cache_write_tokens INTEGER, reasoning_tokens INTEGER, metering INTEGER, cost INTEGER, currency TEXT,
  cost_limit INTEGER, price_version INTEGER, success INTEGER, error_type INTEGER, response_time INTEGER,
  first_token_time INTEGER, tags TEXT) WITHOUT ROWID;
CREATE INDEX by_time ON records(time);
CREATE TABLE rollups(
  hour INTEGER, provider TEXT, model TEXT, success INTEGER, currency TEXT, requests INTEGER, prompt_tokens INTEGER,
  completion_tokens INTEGER, cached_tokens INTEGER, cost INTEGER, response_time INTEGER,
  PRIMARY KEY(hour, provider, model, success, currency)) WITHOUT ROWID;
)";

constexpr const char* insert_row =
    "INSERT INTO records VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* settle_row =
    "UPDATE records SET state=?2, prompt_tokens=?3, completion_tokens=?4, total_tokens=?5, cost=?6, "
    "cost_limit=NULL, success=?7, error_type=?8, response_time=?9, request_id=?10 WHERE id=?1";
constexpr const char* roll_up_row =
    "INSERT INTO rollups VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11) ON CONFLICT DO UPDATE SET "
    "requests=requests+?6, prompt_tokens=prompt_tokens+?7, completion_tokens=completion_tokens+?8, "
    "cached_tokens=cached_tokens+?9, cost=cost+?10, response_time=response_time+?11";

/// Hour, provider, model, success, currency.
using rollup_key = std::tuple<std::int64_t, std::string, std::string, bool, std::string>;

struct rollup_sums {
  std::uint64_t requests = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t cached_tokens = 0;
  std::int64_t cost = 0;
  std::int64_t response_time = 0;
};

/// Binds one value after the other.
class binder {
public:
  explicit binder(sqlite3_stmt* statement) : statement_(statement) { sqlite3_reset(statement); }

  binder& number(std::int64_t value) {
    sqlite3_bind_int64(statement_, ++at_, value);
    return *this;
  }
  binder& count(std::uint64_t value) { return number(static_cast<std::int64_t>(value)); }
  template <class Value>
  binder& optional(const std::optional<Value>& value) {
    if (value)
      return count(static_cast<std::uint64_t>(*value));
    sqlite3_bind_null(statement_, ++at_);
    return *this;
  }
  binder& text(const std::string& value) {
    sqlite3_bind_text(statement_, ++at_, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    return *this;
  }
  binder& id(const id128& value) {
    sqlite3_bind_blob(statement_, ++at_, value.bytes.data(), static_cast<int>(value.bytes.size()),
                      SQLITE_TRANSIENT);
    return *this;
  }

private:
  sqlite3_stmt* statement_;
  int at_ = 0;
};

std::optional<std::int64_t> picos_of(const std::optional<money>& amount) {
  return amount ? std::optional(amount->picos) : std::nullopt;
}

std::string unit_of(const usage_record& record) {
  const auto& amount = record.cost ? record.cost : record.cost_limit;
  return amount ? amount->unit.str() : std::string();
}

} // namespace

result<std::unique_ptr<sqlite_store>> sqlite_store::open(const std::filesystem::path& dir, bool rollups) {
  sqlite3* base = nullptr;
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX; // one thread
  const int code = sqlite3_open_v2((dir / "rows.sqlite").c_str(), &base, flags, nullptr);
  std::unique_ptr<sqlite_store> made(new sqlite_store(base));
  if (code != SQLITE_OK)
    return made->complaint("open");
  for (const char* each :
       {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-65536", tables})
    if (auto done = made->run(each); !done)
      return done.error();
  if (auto done = made->prepare(rollups); !done)
    return done.error();
  return made;
}

sqlite_store::~sqlite_store() {
  for (sqlite3_stmt* each : {insert_, settle_, roll_up_})
    sqlite3_finalize(each);
  sqlite3_close(base_);
}

failure sqlite_store::complaint(const char* what) const {
  return make_failure(errc::storage, sqlite3_errmsg(base_), std::string("sqlite: ") + what);
}

result<void> sqlite_store::run(const char* statement) {
  if (sqlite3_exec(base_, statement, nullptr, nullptr, nullptr) != SQLITE_OK)
    return complaint(statement);
  return {};
}

result<void> sqlite_store::prepare(bool rollups) {
  const auto make = [this](const char* text, sqlite3_stmt** into) {
    return sqlite3_prepare_v3(base_, text, -1, SQLITE_PREPARE_PERSISTENT, into, nullptr) == SQLITE_OK;
  };
  if (!make(insert_row, &insert_) || !make(settle_row, &settle_) ||
      (rollups && !make(roll_up_row, &roll_up_)))
    return complaint("prepare");
  return {};
}

result<void> sqlite_store::step(sqlite3_stmt* statement) {
  if (sqlite3_step(statement) != SQLITE_DONE)
    return complaint("step");
  return {};
}

result<void> sqlite_store::insert_one(const usage_record& record) {
  std::string tags;
  for (const auto& [key, value] : record.tags)
    tags += key + '=' + value + ';';
  const token_usage& usage = record.usage;
  binder(insert_)
      .id(record.id)
      .id(record.call)
      .number(record.time.time_since_epoch().count())
      .text(record.model.str())
      .text(record.provider.str())
      .text(record.request_id)
      .count(record.attempt)
      .count(static_cast<std::uint64_t>(record.state))
      .count(usage.prompt_tokens)
      .count(usage.completion_tokens)
      .count(usage.total_tokens)
      .optional(usage.cached_tokens)
      .optional(usage.cache_write_tokens)
      .optional(usage.reasoning_tokens)
      .count(static_cast<std::uint64_t>(usage.source))
      .optional(picos_of(record.cost))
      .text(unit_of(record))
      .optional(picos_of(record.cost_limit))
      .count(record.price_version)
      .count(record.success ? 1 : 0)
      .count(static_cast<std::uint64_t>(record.error_type))
      .number(record.response_time.count())
      .optional(record.first_token_time
                    ? std::optional(static_cast<std::uint64_t>(record.first_token_time->count()))
                    : std::nullopt)
      .text(tags);
  return step(insert_);
}

result<void> sqlite_store::settle_one(const usage_record& record) {
  binder(settle_)
      .id(record.id)
      .count(static_cast<std::uint64_t>(record.state))
      .count(record.usage.prompt_tokens)
      .count(record.usage.completion_tokens)
      .count(record.usage.total_tokens)
      .optional(picos_of(record.cost))
      .count(record.success ? 1 : 0)
      .count(static_cast<std::uint64_t>(record.error_type))
      .number(record.response_time.count())
      .text(record.request_id);
  return step(settle_);
}

result<void> sqlite_store::insert(std::span<const usage_record> batch) {
  return insert_and_settle(batch, {});
}

result<void> sqlite_store::insert_and_settle(std::span<const usage_record> fresh,
                                             std::span<const usage_record> settled) {
  if (auto done = run("BEGIN IMMEDIATE"); !done)
    return done;
  for (const usage_record& each : fresh)
    if (auto done = insert_one(each); !done)
      return done;
  for (const usage_record& each : settled)
    if (auto done = settle_one(each); !done)
      return done;
  if (roll_up_ != nullptr)
    if (auto done = roll_up(settled.empty() ? fresh : settled); !done)
      return done;
  return run("COMMIT");
}

/// Sums up in memory first, as weir does: an upsert a group.
result<void> sqlite_store::roll_up(std::span<const usage_record> ended) {
  std::map<rollup_key, rollup_sums> groups;
  for (const usage_record& each : ended) {
    const auto hour = std::chrono::floor<std::chrono::hours>(each.time).time_since_epoch().count();
    rollup_sums& sums = groups[{hour, each.provider.str(), each.model.str(), each.success, unit_of(each)}];
    ++sums.requests;
    sums.prompt_tokens += each.usage.prompt_tokens;
    sums.completion_tokens += each.usage.completion_tokens;
    sums.cached_tokens += each.usage.cached_tokens.value_or(0);
    sums.cost += picos_of(each.cost).value_or(0);
    sums.response_time += each.response_time.count();
  }
  for (const auto& [key, sums] : groups) {
    const auto& [hour, provider, model, success, unit] = key;
    binder(roll_up_)
        .number(hour)
        .text(provider)
        .text(model)
        .count(success ? 1 : 0)
        .text(unit)
        .count(sums.requests)
        .count(sums.prompt_tokens)
        .count(sums.completion_tokens)
        .count(sums.cached_tokens)
        .number(sums.cost)
        .number(sums.response_time);
    if (auto done = step(roll_up_); !done)
      return done;
  }
  return {};
}

result<std::uint64_t> sqlite_store::ask(const std::string& statement, std::int64_t from) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(base_, statement.c_str(), -1, &prepared, nullptr) != SQLITE_OK)
    return complaint(statement.c_str());
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> keep(prepared, sqlite3_finalize);
  if (sqlite3_bind_parameter_count(prepared) != 0)
    sqlite3_bind_int64(prepared, 1, from);
  const int columns = sqlite3_column_count(prepared);
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0; // every column is read: a page that nobody reads is none
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(prepared)) == SQLITE_ROW) {
    ++rows;
    for (int column = 0; column != columns; ++column) {
      sqlite3_column_blob(prepared, column);
      bytes += static_cast<std::uint64_t>(sqlite3_column_bytes(prepared, column));
    }
  }
  if (code != SQLITE_DONE || (rows != 0 && bytes == 0))
    return complaint(statement.c_str());
  return rows;
}

} // namespace weir::bench
