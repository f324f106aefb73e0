// Names of error classes and the sentences that failures print as.
// Knows no vendor, and not what the supervisor does about a failure.
#include <weir/error.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace weir {

namespace {

constexpr std::array<std::string_view, 20> names{"none",
                                                 "network",
                                                 "auth",
                                                 "rate_limit",
                                                 "token_limit",
                                                 "model_not_found",
                                                 "invalid_request",
                                                 "server_error",
                                                 "timeout",
                                                 "unknown",
                                                 "content_filter",
                                                 "quota_exceeded",
                                                 "overloaded",
                                                 "circuit_open",
                                                 "cancelled",
                                                 "budget_exceeded",
                                                 "offline",
                                                 "read_only",
                                                 "config",
                                                 "storage"};

static_assert(static_cast<std::size_t>(errc::storage) + 1 == names.size());

} // namespace

std::string_view to_string(errc type) noexcept {
  const auto at = static_cast<std::size_t>(type);
  return at < names.size() ? names[at] : "unknown";
}

std::optional<errc> to_errc(std::string_view name) noexcept {
  const auto found = std::ranges::find(names, name);
  if (found == names.end())
    return std::nullopt;
  return static_cast<errc>(found - names.begin());
}

std::string_view to_string(outcome value) noexcept {
  switch (value) {
  case outcome::not_sent:
    return "not_sent";
  case outcome::rejected_unprocessed:
    return "rejected_unprocessed";
  case outcome::unknown:
    return "unknown";
  }
  return "unknown";
}

bool is_retryable(errc type) noexcept {
  switch (type) {
  case errc::network:
  case errc::rate_limit:
  case errc::server_error:
  case errc::timeout:
  case errc::overloaded:
  case errc::circuit_open:
    return true;
  default:
    return false;
  }
}

failure make_failure(errc type, std::string message, std::string place) {
  failure made;
  made.type = type;
  made.message = std::move(message);
  made.place = std::move(place);
  made.retryable = is_retryable(type);
  return made;
}

std::string to_string(const failure& error) {
  std::string text(to_string(error.type));
  if (!error.provider.empty())
    text += " at " + error.provider;
  if (!error.place.empty())
    text += " (" + error.place + ")";
  text += ": " + error.message;
  if (!error.vendor_message.empty())
    text += " — " + error.vendor_message;
  return text;
}

void throw_exception_from_error(const failure& error, const boost::source_location&) {
  throw std::runtime_error(to_string(error));
}

} // namespace weir
