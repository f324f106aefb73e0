// What can go wrong with a call, as a value: one enumeration, one struct, one result type.
// Knows no vendor and no actor; how a vendor's reply becomes a failure stands in protocols/.
#pragma once

#include <boost/system/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// The class of a failure. Its name in JSON, CSV and logs is the enumerator's name.
enum class errc : std::uint8_t {
  none = 0,
  network,         ///< no whole response: DNS, connect, TLS, reset, truncated
  auth,            ///< the key is wrong or may not do this
  rate_limit,      ///< too many requests or tokens per time; goes away by itself
  token_limit,     ///< the request does not fit the model's context
  model_not_found, ///< the provider has no such model
  invalid_request, ///< the request can never succeed as it is
  server_error,    ///< the provider failed, is overloaded, or answered nonsense
  timeout,         ///< a time limit of ours passed, or the provider said 408/504
  unknown,         ///< none of the others fits; the vendor's text is kept
  content_filter,  ///< refused by the provider's safety rules
  quota_exceeded,  ///< the account has no money or no quota left
  overloaded,      ///< weir itself refuses: too many calls in flight
  circuit_open,    ///< every candidate's circuit breaker is open
  cancelled,       ///< the caller or a stop ended the call
  budget_exceeded, ///< a budget of the configuration, or a limit of a tool loop, is spent
  offline,         ///< weir may open no socket
  read_only,       ///< weir may write nothing
  config,          ///< the configuration is wrong
  storage,         ///< the ledger cannot be read or written
};

/// The enumerator's name, for example `rate_limit`.
std::string_view to_string(errc type) noexcept;

/// The class of that name; nothing for any other text.
std::optional<errc> to_errc(std::string_view name) noexcept;

/// What is known of a failed request's fate at the provider. It decides whether a repeat may bill twice.
enum class outcome : std::uint8_t {
  not_sent,             ///< no byte reached the provider
  rejected_unprocessed, ///< the provider refused it before doing any work
  unknown,              ///< it was sent, and whether it was processed and billed cannot be known
};

std::string_view to_string(outcome value) noexcept;

/// A failure, born with its place. Defaults are those of an unexplained one.
struct failure {
  errc type = errc::unknown;
  std::string message;        ///< our sentence, for people
  std::string vendor_message; ///< the provider's own text, unchanged but bounded; empty when there is none
  std::string vendor_code;    ///< the provider's own code or type, such as `insufficient_quota`
  std::string provider;       ///< the provider's configured name; empty when none was involved
  std::string place;          ///< where: `file:line:column`, a JSON path, the name of an LMDB call
  std::string request_id;     ///< the provider's id of the request, when it gave one
  int status_code = 0;        ///< HTTP status; 0 when no response came
  bool retryable = false;     ///< the same request may succeed later
  outcome fate = outcome::not_sent;
  std::optional<std::chrono::milliseconds> retry_after; ///< the server's own hint

  friend bool operator==(const failure&, const failure&) = default;
};

/// Whether a failure of this class is transient, when nobody said otherwise.
bool is_retryable(errc type) noexcept;

/// A failure of a class with our sentence and, if there is one, its place; `retryable` follows the class.
failure make_failure(errc type, std::string message, std::string place = {});

/// One line for people: type, place, message, the vendor's words.
std::string to_string(const failure& error);

/// A value or a failure.
template <class Value>
using result = boost::system::result<Value, failure>;

/// Called by `result::value()` on a failure; throws `std::runtime_error` with its text.
[[noreturn]] void throw_exception_from_error(const failure& error, const boost::source_location& where);

} // namespace weir
