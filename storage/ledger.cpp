// The ledger's front: opening, and how big it is.
// Knows no record's bytes.
#include "storage/ledger.hpp"

#include "storage/ledger_environment.hpp"
#include "storage/out_of_memory.hpp"

#include <utility>

namespace weir::storage {

ledger::ledger(std::unique_ptr<environment> env) : env_(std::move(env)) {}

ledger::~ledger() = default;

result<std::unique_ptr<ledger>> ledger::open(const ledger_options& options) {
  return with_memory([&]() -> result<std::unique_ptr<ledger>> {
    auto env = environment::open(options);
    if (!env)
      return env.error();
    return std::unique_ptr<ledger>(new ledger(std::move(*env)));
  });
}

result<ledger_stats> ledger::stats() const {
  return with_memory([&]() -> result<ledger_stats> {
    ledger_stats found;
    auto read = env_->run([&](const environment::lease& held) {
      lmdb::transaction txn;
      lmdb::status answer = txn.begin(*held.env, lmdb::access::read);
      if (!answer.ok())
        return answer;
      std::uint64_t pages = 0;
      answer = txn.count(held.tables.records, found.records);
      if (answer.ok())
        answer = txn.count(held.tables.intents, found.open_intents);
      if (answer.ok())
        answer = txn.count(held.tables.rollups, found.rollups);
      if (answer.ok())
        answer = held.tables.used_pages(txn, pages);
      found.used_bytes = pages * held.env->page_bytes();
      found.file_bytes = held.env->used_bytes();
      found.map_bytes = held.env->map_bytes();
      return answer;
    });
    if (!read)
      return read.error();
    return found;
  });
}

} // namespace weir::storage
