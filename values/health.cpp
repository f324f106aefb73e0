// Names of the circuit breaker's states.
#include <weir/health.hpp>

namespace weir {

std::string_view to_string(breaker_state value) noexcept {
  switch (value) {
  case breaker_state::closed:
    return "closed";
  case breaker_state::open:
    return "open";
  case breaker_state::half_open:
    return "half_open";
  }
  return "closed";
}

} // namespace weir
