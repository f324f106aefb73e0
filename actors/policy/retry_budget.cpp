// Whole thousandths throughout, so that a simulation repeats itself exactly.
#include "actors/policy/retry_budget.hpp"

#include <algorithm>

namespace weir::policy {

namespace {

constexpr std::uint64_t token = 1000;

} // namespace

void retry_budget::refill(time_point now) {
  const std::uint64_t room = rules_.tokens * token;
  if (rules_.refill_time.count() > 0 && refilled_ != time_point{} && now > refilled_) {
    const auto back = static_cast<std::uint64_t>((now - refilled_) / rules_.refill_time);
    permille_ += std::min(back, std::uint64_t{rules_.tokens}) * token;
    refilled_ += static_cast<std::int64_t>(back) * rules_.refill_time;
  }
  permille_ = std::min(permille_, room);
  if (permille_ == room) // time begins to count with the first token that is missing
    refilled_ = now;
}

bool retry_budget::spend(time_point now) {
  if (!rules_.enabled)
    return true;
  refill(now);
  if (permille_ < token)
    return false;
  permille_ -= token;
  return true;
}

void retry_budget::success(time_point now) {
  refill(now);
  permille_ = std::min(permille_ + rules_.per_success_permille, rules_.tokens * token);
}

std::uint64_t retry_budget::left_permille(time_point now) {
  refill(now);
  return permille_;
}

void retry_budget::configure(const retry_budget_config& rules, time_point now) {
  refill(now);
  rules_ = rules;
  refilled_ = now;
  permille_ = std::min(permille_, rules.tokens * token);
}

} // namespace weir::policy
