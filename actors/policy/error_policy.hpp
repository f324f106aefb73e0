// One table: what the supervisor does with each class of error.
// Pure data; knows no actor, no clock and no configuration.
#pragma once

#include <weir/error.hpp>

namespace weir::policy {

/// What may be done about a failure of one class.
struct error_policy {
  bool retry_here; ///< the same provider may be asked again, if the configuration has a rule for the class
  bool retry_elsewhere;  ///< the next candidate may be asked
  bool counts_as_broken; ///< it is the provider's fault: the circuit breaker counts it
};

/// The row of a class. With `reroute_content_filter`, as a route may say, a refusal by safety rules may be
/// taken elsewhere.
error_policy policy_for(errc type, bool reroute_content_filter = false) noexcept;

} // namespace weir::policy
