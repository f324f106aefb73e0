// What was booked since the start, summed up in memory by provider and model.
// Knows no disk; belongs to one actor and runs on its thread.
#pragma once

#include <weir/usage.hpp>

#include <cstddef>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::actors {

class running_totals {
public:
  /// Attempts of unknown fate that are remembered, so that figures which come late replace the estimate.
  static constexpr std::size_t unknown_room = 65'536;

  /// Counts an attempt that has ended. A settlement of one that was counted as unknown takes its place.
  void add(const usage_record& record);

  /// By provider, then model, as far as the filter's provider and model let them through.
  std::vector<usage_summary> all(const usage_filter& filter) const;

private:
  using group = std::pair<provider_name, model_name>;

  std::map<group, usage_summary> known_; ///< attempts whose fate is known
  std::map<group, std::map<attempt_id, usage_record>>
      unknown_;                                    ///< those whose is not, as far as there is room
  std::deque<std::pair<group, attempt_id>> order_; ///< of the unknown, the oldest first
  std::size_t remembered_ = 0;
};

} // namespace weir::actors
