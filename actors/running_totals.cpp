// Attempts of unknown fate are kept one by one beside the sums, since a sum cannot be taken back exactly.
#include "actors/running_totals.hpp"

namespace weir::actors {

void running_totals::add(const usage_record& record) {
  const group where{record.provider, record.model};
  auto [entry, fresh] = known_.try_emplace(where);
  if (fresh) {
    entry->second.provider = record.provider;
    entry->second.model = record.model;
  }
  if (const auto open = unknown_.find(where); open != unknown_.end() && open->second.erase(record.id) != 0)
    --remembered_;
  if (record.state != record_state::unknown)
    return entry->second.add(record);
  unknown_[where].insert_or_assign(record.id, record);
  ++remembered_;
  order_.emplace_back(where, record.id);
  // Beyond the room the oldest are counted for good. Entries that were settled meanwhile are passed over.
  while (remembered_ > unknown_room || order_.size() > 2 * unknown_room) {
    const auto [group_of_oldest, oldest] = order_.front();
    order_.pop_front();
    auto& held = unknown_[group_of_oldest];
    if (const auto found = held.find(oldest); found != held.end()) {
      known_[group_of_oldest].add(found->second);
      held.erase(found);
      --remembered_;
    }
  }
}

std::vector<usage_summary> running_totals::all(const usage_filter& filter) const {
  std::vector<usage_summary> sums;
  for (const auto& [where, sum] : known_) {
    if ((filter.provider && *filter.provider != where.first) ||
        (filter.model && *filter.model != where.second))
      continue;
    usage_summary& whole = sums.emplace_back(sum);
    if (const auto open = unknown_.find(where); open != unknown_.end())
      for (const auto& [id, record] : open->second)
        whole.add(record);
  }
  return sums;
}

} // namespace weir::actors
