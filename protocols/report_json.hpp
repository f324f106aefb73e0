// weir's own JSON shapes, as people and programs see them: replies, records, summaries, health.
// Field names are those of the values; raw numbers carry their unit last; money is a decimal string.
#pragma once

#include <weir/chat.hpp>
#include <weir/health.hpp>
#include <weir/usage.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::protocols {

std::string to_json(const chat_reply& reply);
/// `{"type":"content","text":…}`; a tool call's has `index` too and, with its first piece, `id` and `name`.
std::string to_json(const chat_delta& delta);
std::string to_json(const failure& error);
/// `currency` is that of `cost` and, where there is none, of `cost_limit`; what the provider itself says has
/// a currency of its own.
std::string to_json(const usage_record& record);
/// `{"summaries":[…],"totals":{…}}`. A summary has the members that were grouped by; the totals have none.
std::string to_json(const std::vector<usage_summary>& summaries, const usage_grouping& grouping = {});
/// Times are RFC 3339 in UTC; `circuit_breaker` is the worst of the provider's `breakers`.
std::string to_json(const health_report& report);

/// Microseconds as milliseconds with up to three decimals, exactly: `12.345`, `3`.
std::string to_milliseconds(std::chrono::microseconds time);

/// A percentile; nothing where nothing was counted.
std::optional<std::chrono::microseconds> percentile_of(const duration_histogram& times,
                                                       std::uint32_t permille);

/// The grouping of totals: by nothing.
inline usage_grouping no_grouping() {
  usage_grouping none;
  none.provider = none.model = false;
  return none;
}

} // namespace weir::protocols
