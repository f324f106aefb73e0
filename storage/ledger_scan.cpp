// Walking the ledger in order of time, and the open intents.
// Knows no visitor: rows are copied out first, so that who is slow pins no old page and holds up no growth.
#include "storage/error_numbers.hpp"
#include "storage/intents.hpp"
#include "storage/ledger.hpp"
#include "storage/ledger_environment.hpp"
#include "storage/out_of_memory.hpp"
#include "storage/record_format.hpp"
#include "storage/rollups.hpp"
#include "storage/row_chunk.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace weir::storage {

namespace {

failure bad_row(const ledger_options& options, const char* table, const std::string& where,
                const std::string& problem) {
  return refuse("ledger " + options.dir.string() + ", table " + table + ", " + where + ": " + problem, table);
}

/// Whether a row is wanted, as far as can be told before its record is made.
bool wanted(const usage_filter& filter, const row_view& row, const series& names) {
  if ((filter.model && *filter.model != names.model) ||
      (filter.provider && *filter.provider != names.provider))
    return false;
  if (filter.error_type && *filter.error_type != row.error_type)
    return false;
  if (filter.status && static_cast<std::uint8_t>(*filter.status) != status_number(row))
    return false;
  return std::ranges::all_of(filter.tags,
                             [&](const auto& tag) { return has_tag(row, names, tag.first, tag.second); });
}

} // namespace

result<void> ledger::scan(const usage_filter& filter,
                          const std::function<bool(const usage_record&)>& visit) const {
  return with_memory([&]() -> result<void> {
    std::optional<row_key> next = first_key_of(filter.since.value_or(timestamp::min()));
    std::optional<row_key> end;
    if (filter.until)
      end = first_key_of(*filter.until);
    row_chunk rows;
    row_view row;
    usage_record record;
    series_reader names(env_->series);
    while (next) {
      auto read = env_->run([&](const environment::lease& held) {
        lmdb::transaction txn;
        lmdb::status answer = txn.begin(*held.env, lmdb::access::read);
        if (answer.ok())
          answer = rows.fill(txn, held.tables.records, *next, end);
        // While there is a transaction: a series that a row names and that is not met after this is not
        // there.
        for (std::size_t at = 0; at != rows.size() && answer.ok(); ++at)
          if (parse_row(rows.key(at), rows.bytes(at), row).none())
            (void)names.find(txn, held.tables.series, row.series);
        return answer;
      });
      if (!read)
        return read;
      for (std::size_t at = 0; at != rows.size(); ++at) {
        const row_key& key = rows.key(at);
        row_problem wrong = parse_row(key, rows.bytes(at), row);
        if (!wrong.none())
          return bad_row(env_->options, "records", describe(key), wrong.error().message);
        const series* const its = names.met(row.series);
        if (its == nullptr)
          return bad_row(env_->options, "records", describe(key), "its series is missing or damaged");
        if (!wanted(filter, row, *its))
          continue;
        if (wrong = to_record(key, row, *its, record); !wrong.none())
          return bad_row(env_->options, "records", describe(key), wrong.error().message);
        if (!visit(record))
          return {};
      }
      if (rows.bad_key())
        return bad_row(env_->options, "records",
                       rows.size() == 0 ? "the first" : "after " + describe(rows.key(rows.size() - 1)),
                       "a key that is not 24 bytes long");
      next = rows.rest();
    }
    return {};
  });
}

result<std::vector<usage_record>> ledger::intents() const {
  return with_memory([&]() -> result<std::vector<usage_record>> {
    std::vector<usage_record> found;
    std::optional<failure> bad;
    auto read = env_->run([&](const environment::lease& held) {
      found.clear();
      lmdb::transaction txn;
      lmdb::cursor at;
      series_reader names(env_->series);
      lmdb::status answer = txn.begin(*held.env, lmdb::access::read);
      if (answer.ok())
        answer = at.open(txn, held.tables.intents);
      if (!answer.ok())
        return answer;
      row_view view;
      for (answer = at.seek(id128{}.bytes); answer.ok(); answer = at.next()) {
        const auto row = intent_row::parse(at.key(), at.value());
        if (!row) {
          bad = bad_row(env_->options, "intents", "a row", "is no intent");
          return answer;
        }
        row_problem wrong = parse_row(row->key, row->record, view);
        const series* const its = wrong.none() ? names.find(txn, held.tables.series, view.series) : nullptr;
        if (wrong.none() && its != nullptr)
          wrong = to_record(row->key, view, *its, found.emplace_back());
        if (!wrong.none() || its == nullptr) {
          bad = bad_row(env_->options, "intents", describe(row->key),
                        wrong.none() ? names.problem() : wrong.error().message);
          return answer;
        }
      }
      return answer.code == MDB_NOTFOUND ? lmdb::status{} : answer;
    });
    if (bad)
      return *std::move(bad);
    if (!read)
      return read.error();
    return found;
  });
}

} // namespace weir::storage
