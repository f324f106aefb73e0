// Opening, growing and healing the ledger's environment.
// Knows LMDB's ways of failing; knows no record.
#include "storage/ledger_environment.hpp"

#include "storage/record_layout.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

namespace weir::storage {

namespace {

/// The version of the tables and keys; a record has its own.
constexpr std::uint32_t schema_version = 1;

constexpr std::uint64_t min_map_bytes = 64ULL << 10U;
/// Growth stops here: a terabyte.
constexpr std::uint64_t max_map_bytes = 1ULL << 40U;

lmdb::bytes_view to_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

constexpr std::string_view schema_key = "schema_version";
constexpr std::string_view creator_key = "created_by";
constexpr std::string_view creator = "weir";

failure refuse(const std::filesystem::path& dir, const std::string& problem, const char* place) {
  failure refused = make_failure(errc::storage, "ledger " + dir.string() + ": " + problem, place);
  refused.retryable = false;
  return refused;
}

/// What came of looking for the tables.
enum class finding : std::uint8_t {
  opened,
  missing,  ///< there are none yet
  outgrown, ///< another process has made the file larger than our map since we mapped it
};

/// Opens the tables in one transaction, and makes and marks them when that is a writing one.
class table_opener {
public:
  table_opener(const lmdb::environment& env, const std::filesystem::path& dir) : env_(env), dir_(dir) {}

  result<finding> run(lmdb::access kind, ledger_tables& tables) {
    const unsigned flags = kind == lmdb::access::write ? MDB_CREATE : 0U;
    lmdb::status answer = txn_.begin(env_, kind);
    if (answer.code == MDB_MAP_RESIZED)
      return finding::outgrown;
    if (!answer.ok())
      return lmdb::to_failure(answer, dir_);
    if (auto ours = check_owner(); !ours)
      return ours.error();
    MDB_dbi meta = 0;
    answer = txn_.open_table("meta", flags, meta);
    if (answer.ok())
      answer = txn_.open_table("records", flags, tables.records);
    if (answer.ok())
      answer = txn_.open_table("by_id", flags, tables.by_id);
    if (answer.code == MDB_NOTFOUND) {
      txn_.abort();
      return finding::missing;
    }
    if (!answer.ok())
      return lmdb::to_failure(answer, dir_);
    if (auto known = check_schema(meta, kind); !known)
      return known.error();
    if (answer = txn_.commit(); !answer.ok())
      return lmdb::to_failure(answer, dir_);
    return finding::opened;
  }

private:
  /// Other software's tables are not to be mixed with ours.
  result<void> check_owner() {
    MDB_dbi names = 0;
    MDB_dbi meta = 0;
    std::uint64_t entries = 0;
    lmdb::status answer = txn_.open_table(nullptr, 0, names);
    if (answer.ok())
      answer = txn_.count(names, entries);
    if (!answer.ok())
      return lmdb::to_failure(answer, dir_);
    if (entries != 0 && txn_.open_table("meta", 0, meta).code == MDB_NOTFOUND)
      return refuse(dir_, "data.mdb holds other tables than a ledger's", "mdb_dbi_open");
    return {};
  }

  result<void> check_schema(MDB_dbi meta, lmdb::access kind) {
    lmdb::bytes_view stored;
    lmdb::status answer = txn_.find(meta, to_bytes(schema_key), stored);
    if (answer.code == MDB_NOTFOUND && kind == lmdb::access::write)
      return mark(meta);
    if (!answer.ok())
      return lmdb::to_failure(answer, dir_);
    if (stored.size() != sizeof schema_version)
      return refuse(dir_, "its schema version cannot be read", "meta");
    const auto version = layout::load<std::uint32_t>(stored.data());
    if (version == 0 || version > schema_version)
      return refuse(dir_,
                    "its schema version is " + std::to_string(version) + "; this program knows up to " +
                        std::to_string(schema_version) + ". Use the newer program",
                    "meta");
    return {};
  }

  result<void> mark(MDB_dbi meta) {
    std::array<std::uint8_t, sizeof schema_version> version{};
    layout::store(version.data(), schema_version);
    lmdb::status answer = txn_.replace(meta, to_bytes(schema_key), version);
    if (answer.ok())
      answer = txn_.replace(meta, to_bytes(creator_key), to_bytes(creator));
    if (!answer.ok())
      return lmdb::to_failure(answer, dir_);
    return {};
  }

  const lmdb::environment& env_;
  const std::filesystem::path& dir_;
  lmdb::transaction txn_;
};

result<finding> open_tables(const lmdb::environment& env, const ledger_options& options,
                            ledger_tables& tables) {
  auto found = table_opener(env, options.dir).run(lmdb::access::read, tables);
  if (!found || *found != finding::missing)
    return found;
  if (options.read_only)
    return refuse(options.dir, "there is no ledger", "mdb_dbi_open");
  return table_opener(env, options.dir).run(lmdb::access::write, tables);
}

/// Who will write makes room first, so that at no moment of any commit the file ends before its last page.
result<finding> make_room(const lmdb::environment& env, const ledger_options& options) {
  if (options.read_only || env.file_bytes() >= env.map_bytes())
    return finding::opened;
  lmdb::transaction txn;
  lmdb::status answer = txn.begin(env, lmdb::access::write);
  if (answer.code == MDB_MAP_RESIZED)
    return finding::outgrown;
  if (answer.ok())
    answer = env.lengthen_file();
  if (!answer.ok())
    return lmdb::to_failure(answer, options.dir);
  return finding::opened;
}

/// Maps the file and finds the tables.
result<finding> open_once(const ledger_options& options, std::uint64_t map_bytes, lmdb::environment& env,
                          ledger_tables& tables) {
  // As large as another process has made it: else every page that it takes into use would outgrow us again.
  std::error_code none_yet;
  if (const auto there = std::filesystem::file_size(options.dir / "data.mdb", none_yet); !none_yet)
    map_bytes = std::clamp<std::uint64_t>(there, map_bytes, max_map_bytes);
  if (auto answer = lmdb::environment::open(options.dir, map_bytes, options.read_only, env); !answer.ok())
    return lmdb::to_failure(answer, options.dir);
  // The map reaches beyond a file that was cut short, and to read there would end the process (SIGBUS).
  const std::uint64_t used = env.used_bytes();
  if (const std::uint64_t there = env.file_bytes(); there < used)
    return refuse(options.dir,
                  "data.mdb is cut short: it has " + std::to_string(there) + " of " + std::to_string(used) +
                      " bytes",
                  "mdb_env_info");
  auto found = make_room(env, options);
  if (found && *found == finding::opened)
    found = open_tables(env, options, tables);
  return found;
}

} // namespace

result<std::unique_ptr<ledger::environment>> ledger::environment::open(const ledger_options& options) {
  const folder_use use = options.read_only ? folder_use::read
                         : options.books   ? folder_use::book
                                           : folder_use::maintain;
  auto folder = ledger_folder::claim(options.dir, use);
  if (!folder)
    return folder.error();
  std::unique_ptr<environment> made(new environment(options, std::move(*folder)));
  const std::uint64_t map_bytes = std::clamp(options.map_bytes, min_map_bytes, max_map_bytes);
  if (auto opened = made->open_now(map_bytes); !opened)
    return opened.error();
  return made;
}

result<void> ledger::environment::open_now(std::uint64_t map_bytes) {
  for (patience left;; --left.growths) {
    lmdb::environment env;
    ledger_tables tables;
    const auto found = open_once(options, map_bytes, env, tables);
    if (!found)
      return found.error();
    if (*found == finding::outgrown) {
      if (left.growths == 0)
        return lmdb::to_failure({MDB_MAP_RESIZED, "mdb_txn_begin"}, options.dir);
      continue; // to open once more maps all that is there now
    }
    map_bytes_ = env.map_bytes();
    env_ = std::move(env);
    tables_ = tables;
    ++generation_;
    return {};
  }
}

ledger::environment::lease ledger::environment::share() {
  const std::lock_guard in_turn(turnstile_);
  std::shared_lock hold(gate_);
  return {std::move(hold), &env_, tables_, generation_};
}

bool ledger::environment::clear_dead_readers() {
  const lease held = share();
  int dead = 0;
  return held.env->is_open() && held.env->clear_dead_readers(dead).ok() && dead != 0;
}

ledger::environment::cure ledger::environment::heal(const lmdb::status& answer, std::uint64_t generation,
                                                    patience& left) {
  lmdb::status cause = answer;
  // LMDB reports a write that came short as an input/output error; mostly it is the disk that is full.
  if (cause.code == EIO && is_full(options.dir))
    cause.code = ENOSPC;
  const bool full = cause.code == MDB_MAP_FULL;
  if ((full || cause.code == ENOSPC || cause.code == EDQUOT) && left.clearings != 0) {
    --left.clearings;
    if (clear_dead_readers())
      return {}; // there is room again
  }
  if ((full || cause.code == MDB_MAP_RESIZED) && left.growths != 0) {
    --left.growths;
    return renew(generation, full ? 2 : 1);
  }
  if ((cause.code == EIO || cause.code == MDB_PANIC) && left.reopenings != 0) {
    --left.reopenings;
    return renew(generation, 1);
  }
  return {lmdb::to_failure(cause, options.dir)};
}

ledger::environment::cure ledger::environment::renew(std::uint64_t generation, std::uint64_t factor) {
  const std::lock_guard in_turn(turnstile_);
  const std::unique_lock alone(gate_);
  if (generation != generation_)
    return {}; // another thread was quicker
  const std::uint64_t before = map_bytes_;
  if (before * factor > max_map_bytes)
    return {refuse(options.dir,
                   "its map has reached the limit of " + std::to_string(max_map_bytes) + " bytes",
                   "mdb_env_set_mapsize")};
  // Not mdb_env_set_mapsize: when that fails, the old map is gone and the environment unusable.
  env_.close();
  auto opened = open_now(before * factor);
  if (opened)
    return {};
  // With the old size at least the readers can go on.
  if (factor != 1)
    (void)open_now(before);
  return {std::move(opened.error())};
}

} // namespace weir::storage
