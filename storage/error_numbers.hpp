// The numbers that error classes have on disk, and the failures of storage.
// Never change a number: new ones go to the end (docs/ledger-format.md).
#pragma once

#include <weir/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace weir::storage {

/// The error classes by their number on disk.
inline constexpr std::array error_types{
    errc::none,
    errc::network,
    errc::auth,
    errc::rate_limit,
    errc::token_limit,
    errc::model_not_found,
    errc::invalid_request,
    errc::server_error,
    errc::timeout,
    errc::unknown,
    errc::content_filter,
    errc::quota_exceeded,
    errc::overloaded,
    errc::circuit_open,
    errc::cancelled,
    errc::budget_exceeded,
    errc::offline,
    errc::read_only,
    errc::config,
    errc::storage,
};
static_assert(error_types.size() == static_cast<std::size_t>(errc::storage) + 1,
              "a new error class needs a number on disk");

/// Nothing for what is no error class.
inline std::optional<std::uint8_t> error_number(errc type) noexcept {
  // The numbers began as the enumeration has them; where they part, the search finds it.
  if (const auto at = static_cast<std::size_t>(type); at < error_types.size() && error_types[at] == type)
    return static_cast<std::uint8_t>(at);
  const auto found = std::ranges::find(error_types, type);
  if (found == error_types.end())
    return std::nullopt;
  return static_cast<std::uint8_t>(found - error_types.begin());
}

/// A `storage` failure that no repeat will cure.
inline failure refuse(std::string message, std::string place) {
  failure refused = make_failure(errc::storage, std::move(message), std::move(place));
  refused.retryable = false;
  return refused;
}

} // namespace weir::storage
