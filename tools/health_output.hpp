// A health report for people: tables, sentences, and what has changed from one report to the next.
// Knows no options but how much is wanted, and prints nothing.
#pragma once

#include <weir/health.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace weir::tools {

/// The whole report. With `breakers`, each model's circuit breaker and its history as well.
std::string health_text(const health_report& report, bool breakers);

/// What an operator would want to be told of, a sentence each, such as `p: reachable -> unreachable`.
std::vector<std::string> changes_of(const health_report& before, const health_report& after);

/// Whether calls are welcome, some provider may be able to answer them, and the ledger can be written.
bool healthy(const health_report& report);

/// A time for people, to the second, in UTC: `2026-03-01T12:00:00Z`.
std::string time_cell(std::chrono::system_clock::time_point time);

} // namespace weir::tools
