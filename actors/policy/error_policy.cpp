// The table itself. A row says whose fault it is and who could do better.
#include "actors/policy/error_policy.hpp"

namespace weir::policy {

error_policy policy_for(errc type, bool reroute_content_filter) noexcept {
  constexpr error_policy give_up{false, false, false};
  constexpr error_policy elsewhere{false, true, false};
  switch (type) {
  case errc::network:
  case errc::server_error:
  case errc::timeout:
    return {true, true, true};
  case errc::rate_limit: // the limiter's business, not the breaker's: the provider is well
    return {true, true, false};
  case errc::unknown:
  case errc::auth: // wrong here, and never right by repeating
  case errc::quota_exceeded:
  case errc::model_not_found:
  case errc::overloaded: // the provider's queue is full
  case errc::circuit_open:
  case errc::budget_exceeded: // another provider may be paid from another budget
    return elsewhere;
  case errc::token_limit: // a larger model; who is not larger is taken off the list before
    return elsewhere;
  case errc::content_filter: // another provider must not be used to get around a refusal, unless told
    return reroute_content_filter ? elsewhere : give_up;
  case errc::invalid_request: // wrong everywhere
  case errc::cancelled:
  case errc::offline:
  case errc::read_only:
  case errc::config:
  case errc::storage:
  case errc::none:
    return give_up;
  }
  return give_up;
}

} // namespace weir::policy
