// One table: what a provider's error means, whatever shape its body has.
// Pure data and look-ups; the OpenAI-shaped, Anthropic-shaped and odd bodies of compatible servers are all
// read here.
#pragma once

#include "protocols/http_message.hpp"
#include "protocols/json.hpp"

#include <weir/error.hpp>

#include <chrono>
#include <string>

namespace weir::protocols {

/// What a body says of an error, in the vendor's words. Any part may be empty.
struct vendor_error {
  std::string type;
  std::string code; ///< a number is kept as its digits
  std::string message;
  std::string request_id;
  int status = 0; ///< the HTTP status that the body names; 0: none
};

/// Finds the error in a parsed body: `{"error":{…}}`, `{"error":"text"}`, `{"errors":[…]}`, `{"message":…}`,
/// `{"detail":…}`, or an array that holds one of these.
vendor_error read_vendor_error(const json_value& whole);

/// The failure that a response with an error status tells, with class, retryability, fate and hint.
failure classify(const http_response& response, std::chrono::sys_seconds now);

/// The failure that an error under status 200, or in the middle of a stream, tells. A status in the body, or
/// a numeric code, counts as status.
failure classify_in_body(const vendor_error& error);

/// Whether a response's status says that what was asked has been done.
inline bool succeeded(const http_response& response) noexcept {
  return response.status >= 200 && response.status <= 299;
}

/// What a response's fields say of its error: `retry-after` and its kin, `x-should-retry`, the request's id.
void read_hints(const http_response& response, std::chrono::sys_seconds now, failure& error);

/// The failure of a response that is no answer at all: no JSON, or JSON without what must be in it.
failure nonsense(const http_response& response, std::string what, std::string place);

} // namespace weir::protocols
