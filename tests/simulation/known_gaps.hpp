// Invariants that weir does not keep yet: counted, and not held against it by the test suite. To be deleted
// one by one. Knows no reason: that stands in the changelog when it is done.
#pragma once

#include <set>
#include <string>

namespace weir::simulation {

inline const std::set<std::string> known_gaps{};

/// Whether the retry budget keeps a storm down.
inline constexpr bool has_retry_budget = false;

} // namespace weir::simulation
