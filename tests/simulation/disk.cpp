// An append takes a time, then succeeds, or fails; of those that fail some are durable all the same.
#include "tests/simulation/disk.hpp"

#include <charconv>
#include <utility>

namespace weir::simulation {

std::optional<std::uint64_t> call_of(const usage_record& record) {
  for (const auto& [key, value] : record.tags)
    if (key == "call") {
      std::uint64_t number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);
      return number;
    }
  return std::nullopt;
}

std::uint64_t disk::announced(std::uint64_t call, const std::string& provider) const {
  const auto found = announced_.find({call, provider});
  return found == announced_.end() ? 0 : found->second;
}

void disk::append(actors::record_batch batch, std::function<void(result<storage::append_report>)> done) {
  const std::chrono::microseconds time{random_.between(100, 8'000)};
  events_.at(now_() + time, [this, batch = std::move(batch), done = std::move(done)] {
    if (!broken) {
      if (plant_ == planted_fault::early_answer)
        events_.at(now_() + std::chrono::milliseconds{50}, [this, batch] { keep(*batch); });
      else
        keep(*batch);
      return done(storage::append_report{batch->size(), 0});
    }
    if (random_.chance(200)) {
      keep(*batch);
      for (const usage_record& each : *batch)
        uncertain_.emplace(each.id, each.state);
    }
    done(make_failure(errc::storage, "the disk is full", "mdb_txn_commit"));
  });
}

/// The real ledger takes a record of the same id and content as the one that it has.
void disk::keep(const std::vector<usage_record>& batch) {
  for (const usage_record& each : batch) {
    if (uncertain_.erase({each.id, each.state}) != 0)
      continue;
    if (each.state == record_state::intent) {
      intents_.insert(each.id);
      ++announced_[{call_of(each).value_or(0), each.provider.str()}];
      continue;
    }
    intents_.erase(each.id);
    ended_.insert(each.id);
    if (plant_ == planted_fault::lost_booking && random_.chance(20))
      continue;
    records_.push_back(each);
    if (plant_ == planted_fault::double_booking && random_.chance(20))
      records_.push_back(each);
  }
}

void disk::summary(usage_filter, usage_grouping,
                   std::function<void(result<std::vector<usage_summary>>)> done) {
  usage_summary all;
  for (const usage_record& each : records_)
    all.add(each);
  events_.at(now_(), [done = std::move(done), all] { done(std::vector{all}); });
}

} // namespace weir::simulation
