// The ledger of a history: in memory, with a disk's delays and faults.
// Knows no actor.
#pragma once

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/simulation.hpp"

#include "actors/ledger_service.hpp"

#include <functional>
#include <set>
#include <vector>

namespace weir::simulation {

class disk final : public actors::ledger_service {
public:
  disk(agenda& events, std::function<time_point()> now, dice random, planted_fault plant)
      : events_(events), now_(std::move(now)), random_(random), plant_(plant) {}

  void append(actors::record_batch batch, std::function<void(result<storage::append_report>)> done) override;
  void summary(usage_filter filter, std::function<void(result<std::vector<usage_summary>>)> done) override;
  void close() override {}

  bool broken = false;

  /// In the order of booking. A record that is booked twice stands here twice.
  const std::vector<usage_record>& records() const noexcept { return records_; }

private:
  void keep(const std::vector<usage_record>& batch);

  agenda& events_;
  std::function<time_point()> now_;
  dice random_;
  planted_fault plant_;
  std::vector<usage_record> records_;
  std::set<attempt_id> uncertain_; ///< durable, although the append was told to have failed
};

} // namespace weir::simulation
