// Opening, growing and healing the ledger's environment.
// Knows LMDB's ways of failing; knows no record.
#include "storage/ledger_environment.hpp"

#include "storage/error_numbers.hpp"
#include "storage/ledger_meta.hpp"
#include "storage/ledger_upgrade.hpp"
#include "storage/new_data_file.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

namespace weir::storage {

namespace {

constexpr std::uint64_t min_map_bytes = 64ULL << 10U;
failure refuse_at(const std::filesystem::path& dir, const std::string& problem, const char* place) {
  return refuse("ledger " + dir.string() + ": " + problem, place);
}

/// What came of looking for the tables.
enum class finding : std::uint8_t {
  opened,
  missing,  ///< there are none yet
  outdated, ///< they are those of an older schema, or their rollups are kept by other tags
  full,     ///< the map has no room for what must be written
  outgrown, ///< another process has made the file larger than our map since we mapped it
};

/// Opens the tables in one transaction; makes them, and brings them up to date, when that is a writing one.
class table_opener {
public:
  table_opener(const lmdb::environment& env, const ledger_options& options, ledger_tables& tables,
               std::vector<std::string>& tags)
      : env_(env), options_(options), dir_(options.dir), tables_(tables), tags_(tags) {}

  result<finding> run(lmdb::access kind) {
    writes_ = kind == lmdb::access::write;
    lmdb::status answer = txn_.begin(env_, kind);
    if (!answer.ok())
      return judge(answer);
    if (auto ours = check_owner(); !ours)
      return ours.error();
    MDB_dbi meta = 0;
    if (answer = txn_.open_table("meta", writes_ ? MDB_CREATE : 0U, meta); !answer.ok())
      return judge(answer);
    if (auto known = check_schema(meta); !known)
      return known.error();
    if (version_ < schema_version && !writes_)
      return version_ == 0 ? finding::missing : finding::outdated;
    if (answer = tables_.open(txn_, writes_ ? MDB_CREATE : 0U); !answer.ok())
      return judge(answer);
    answer = read_rollup_tags(txn_, tables_.meta, tags_);
    const bool kept_otherwise = options_.books && !options_.read_only && tags_ != wanted_tags();
    unreadable_ = answer.code == MDB_NOTFOUND || answer.code == MDB_CORRUPTED;
    if ((unreadable_ && !options_.read_only) ||
        (answer.ok() && kept_otherwise && version_ == schema_version)) {
      if (!writes_)
        return finding::outdated;
      answer = {};
    }
    if (answer.ok() && writes_)
      answer = bring_up_to_date();
    if (!problem_.empty())
      return refuse_at(dir_, problem_, "rollups");
    if (answer.ok())
      answer = txn_.commit();
    return answer.ok() ? result<finding>(finding::opened) : judge(answer);
  }

private:
  result<finding> judge(const lmdb::status& answer) const {
    if (answer.code == MDB_MAP_RESIZED)
      return finding::outgrown;
    if (answer.code == MDB_MAP_FULL)
      return finding::full;
    if (answer.code == MDB_NOTFOUND)
      return finding::missing;
    return lmdb::to_failure(answer, dir_);
  }

  /// Without repeats, for their order is nothing.
  std::vector<std::string> wanted_tags() const {
    std::vector<std::string> keys = options_.rollup_tags;
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
  }

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
      return refuse_at(dir_, "data.mdb holds other tables than a ledger's", "mdb_dbi_open");
    return {};
  }

  result<void> check_schema(MDB_dbi meta) {
    const lmdb::status answer = read_schema(txn_, meta, version_);
    if (answer.code == MDB_NOTFOUND)
      return {};
    if (answer.code == MDB_CORRUPTED || (answer.ok() && version_ == 0))
      return refuse_at(dir_, "its schema version cannot be read", "meta");
    if (!answer.ok())
      return lmdb::to_failure(answer, dir_);
    if (version_ > schema_version)
      return refuse_at(dir_,
                       "its schema version is " + std::to_string(version_) + "; this program knows up to " +
                           std::to_string(schema_version) + ". Use the newer program",
                       "meta");
    return {};
  }

  lmdb::status bring_up_to_date() {
    const bool anew = unreadable_ || (tags_ != wanted_tags() && options_.books);
    const std::vector<std::string> keys = anew ? wanted_tags() : tags_;
    lmdb::status answer;
    if (version_ == 1)
      answer = upgrade_from_1(txn_, tables_, keys, problem_);
    else if (version_ == schema_version && anew)
      answer = rebuild_rollups(txn_, tables_, keys, problem_);
    if (answer.ok() && problem_.empty() && version_ != schema_version)
      answer = write_schema(txn_, tables_.meta);
    if (answer.ok() && problem_.empty())
      answer = write_rollup_tags(txn_, tables_.meta, keys);
    tags_ = keys;
    return answer;
  }

  const lmdb::environment& env_;
  const ledger_options& options_;
  const std::filesystem::path& dir_;
  ledger_tables& tables_;
  std::vector<std::string>& tags_;
  lmdb::transaction txn_;
  bool writes_ = false;
  bool unreadable_ = false; ///< the tags that rollups are kept by
  std::uint32_t version_ = 0;
  std::string problem_;
};

result<finding> open_tables(const lmdb::environment& env, const ledger_options& options,
                            ledger_tables& tables, std::vector<std::string>& tags) {
  auto found = table_opener(env, options, tables, tags).run(lmdb::access::read);
  if (!found || (*found != finding::missing && *found != finding::outdated))
    return found;
  if (options.read_only && *found == finding::missing)
    return refuse_at(options.dir, "there is no ledger", "mdb_dbi_open");
  if (options.read_only)
    return refuse_at(
        options.dir,
        "it was written by an older program; open it once for writing with this one, which brings "
        "it up to date",
        "meta");
  return table_opener(env, options, tables, tags).run(lmdb::access::write);
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
                          ledger_tables& tables, std::vector<std::string>& tags) {
  // As large as another process has made it: else every page that it takes into use would outgrow us again.
  std::error_code none_yet;
  if (const auto there = std::filesystem::file_size(options.dir / "data.mdb", none_yet); !none_yet)
    map_bytes = std::max<std::uint64_t>(there, map_bytes);
  if (!options.read_only)
    if (auto made = make_data_file(options.dir, map_bytes); !made)
      return made.error();
  if (auto answer = lmdb::environment::open(options.dir, map_bytes, options.read_only, env); !answer.ok())
    return lmdb::to_failure(answer, options.dir);
  // The map reaches beyond a file that was cut short, and to read there would end the process (SIGBUS).
  const std::uint64_t used = env.used_bytes();
  if (const std::uint64_t there = env.file_bytes(); there < used)
    return refuse_at(options.dir,
                     "data.mdb is cut short: it has " + std::to_string(there) + " of " +
                         std::to_string(used) + " bytes",
                     "mdb_env_info");
  auto found = make_room(env, options);
  if (found && *found == finding::opened)
    found = open_tables(env, options, tables, tags);
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
  const std::uint64_t most = std::max(options.max_map_bytes, min_map_bytes);
  const std::uint64_t map_bytes = std::clamp(options.map_bytes, min_map_bytes, most);
  if (auto opened = made->open_now(map_bytes); !opened)
    return opened.error();
  if (!options.read_only)
    made->ballast.take();
  return made;
}

lmdb::status ledger::environment::check_headroom(lmdb::transaction& txn, const lease& held,
                                                 std::optional<failure>& refused) const {
  std::uint64_t pages = 0;
  const lmdb::status answer = held.tables.used_pages(txn, pages);
  if (!answer.ok() || pages * held.env->page_bytes() <= options.max_map_bytes / 100 * 95)
    return answer;
  refused = refusal("95 % of the " + std::to_string(options.max_map_bytes) +
                        " bytes that its map may have are in use; clean up, or allow a larger one",
                    "max_map_bytes");
  refused->retryable = true; // after a clean-up
  return answer;
}

failure ledger::environment::refusal(const std::string& problem, const char* place) const {
  return refuse_at(options.dir, problem, place);
}

result<void> ledger::environment::open_now(std::uint64_t map_bytes) {
  for (patience left;; --left.growths) {
    lmdb::environment env;
    ledger_tables tables;
    std::vector<std::string> tags;
    const auto found = open_once(options, map_bytes, env, tables, tags);
    if (!found)
      return found.error();
    if (*found == finding::full && map_bytes < options.max_map_bytes && left.growths != 0) {
      map_bytes = std::min(std::max(env.map_bytes(), map_bytes) * 2, options.max_map_bytes);
      continue;
    }
    if (*found == finding::full)
      return lmdb::to_failure({MDB_MAP_FULL, "mdb_put"}, options.dir);
    if (*found != finding::opened) { // outgrown: to open once more maps all that is there now
      if (left.growths == 0)
        return lmdb::to_failure({MDB_MAP_RESIZED, "mdb_txn_begin"}, options.dir);
      continue;
    }
    map_bytes_ = env.map_bytes();
    env_ = std::move(env);
    tables_ = tables;
    rollup_tags_ = std::move(tags);
    series.clear();
    ++generation_;
    return {};
  }
}

ledger::environment::lease ledger::environment::share() {
  const std::lock_guard in_turn(turnstile_);
  std::shared_lock hold(gate_);
  return {std::move(hold), &env_, tables_, generation_, &rollup_tags_};
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
  const std::uint64_t wanted = factor == 1 ? before : std::min(before * factor, options.max_map_bytes);
  if (factor != 1 && wanted <= before) {
    failure full = refusal("its map has reached the limit of " + std::to_string(before) +
                               " bytes; clean up, or allow a larger one",
                           "mdb_env_set_mapsize");
    full.retryable = true; // a clean-up makes room
    return {std::move(full)};
  }
  // Not mdb_env_set_mapsize: when that fails, the old map is gone and the environment unusable.
  env_.close();
  auto opened = open_now(wanted);
  if (opened)
    return {};
  // With the old size at least the readers can go on.
  if (factor != 1)
    (void)open_now(before);
  return {std::move(opened.error())};
}

} // namespace weir::storage
