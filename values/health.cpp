// Names of states and modes.
#include <weir/health.hpp>

#include <algorithm>
#include <array>

namespace weir {

namespace {

constexpr std::array<std::string_view, 3> mode_names{"normal", "offline", "read_only"};

} // namespace

std::string_view to_string(run_mode value) noexcept {
  return mode_names[static_cast<std::size_t>(value)];
}

std::optional<run_mode> to_run_mode(std::string_view name) noexcept {
  const auto found = std::ranges::find(mode_names, name);
  if (found == mode_names.end())
    return std::nullopt;
  return static_cast<run_mode>(found - mode_names.begin());
}

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
