// The ledger of a history: in memory, with a disk's delays and faults.
// Knows no actor.
#pragma once

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/simulation.hpp"

#include "actors/ledger_service.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace weir::simulation {

/// The call that a record belongs to, by its tag.
std::optional<std::uint64_t> call_of(const usage_record& record);

class disk final : public actors::ledger_service {
public:
  disk(agenda& events, std::function<time_point()> now, dice random, planted_fault plant)
      : events_(events), now_(std::move(now)), random_(random), plant_(plant) {}

  void append(actors::record_batch batch, std::function<void(result<storage::append_report>)> done) override;
  std::uint64_t recovered() const override { return 0; }
  void summary(usage_filter filter, usage_grouping grouping,
               std::function<void(result<std::vector<usage_summary>>)> done) override;
  void export_to(export_usage, std::function<void(result<exported>)> done) override { done(exported{}); }
  void cleanup(storage::cleanup_bounds, std::function<void(result<storage::cleanup_report>)> done) override {
    done(storage::cleanup_report{});
  }
  void close() override {}

  bool broken = false;

  /// Ends of attempts in the order of booking. One that is booked twice stands here twice.
  const std::vector<usage_record>& records() const noexcept { return records_; }
  /// The intents of attempts whose end is not here.
  const std::set<attempt_id>& open_intents() const noexcept { return intents_; }
  /// How many attempts of a call at a provider have ever been announced by an intent.
  std::uint64_t announced(std::uint64_t call, const std::string& provider) const;
  /// Whether the end of an attempt is here.
  bool has(const attempt_id& id) const { return ended_.contains(id); }

private:
  void keep(const std::vector<usage_record>& batch);

  agenda& events_;
  std::function<time_point()> now_;
  dice random_;
  planted_fault plant_;
  std::vector<usage_record> records_;
  std::set<attempt_id> intents_;
  std::set<attempt_id> ended_;
  std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> announced_;
  std::set<std::pair<attempt_id, record_state>> uncertain_; ///< durable, although the append was told to have
                                                            ///< failed
};

} // namespace weir::simulation
