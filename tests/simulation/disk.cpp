// An append takes a time, then succeeds, or fails; of those that fail some are durable all the same.
#include "tests/simulation/disk.hpp"

#include <utility>

namespace weir::simulation {

void disk::append(actors::record_batch batch, std::function<void(result<storage::append_report>)> done) {
  const std::chrono::microseconds time{random_.between(100, 8'000)};
  events_.at(now_() + time, [this, batch = std::move(batch), done = std::move(done)] {
    if (!broken) {
      keep(*batch);
      return done(storage::append_report{batch->size(), 0});
    }
    if (random_.chance(200)) {
      keep(*batch);
      for (const usage_record& each : *batch)
        uncertain_.insert(each.id);
    }
    done(make_failure(errc::storage, "the disk is full", "mdb_txn_commit"));
  });
}

/// The real ledger takes a record of the same id and content as the one that it has.
void disk::keep(const std::vector<usage_record>& batch) {
  for (const usage_record& each : batch) {
    if (uncertain_.erase(each.id) != 0)
      continue;
    if (plant_ == planted_fault::lost_booking && random_.chance(20))
      continue;
    records_.push_back(each);
    if (plant_ == planted_fault::double_booking && random_.chance(20))
      records_.push_back(each);
  }
}

void disk::summary(usage_filter, std::function<void(result<std::vector<usage_summary>>)> done) {
  usage_summary all;
  for (const usage_record& each : records_)
    all.add(each);
  events_.at(now_(), [done = std::move(done), all] { done(std::vector{all}); });
}

} // namespace weir::simulation
