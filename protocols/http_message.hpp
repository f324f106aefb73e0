// An HTTP request and response as values: what the codecs make and the transport carries.
// Knows no socket and no vendor.
#pragma once

#include <weir/error.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// One header field.
struct http_field {
  std::string name;
  std::string value;

  friend bool operator==(const http_field&, const http_field&) = default;
};

/// The value of the first field of that name, whatever its case, trimmed; empty when there is none.
std::string_view find_field(const std::vector<http_field>& fields, std::string_view name) noexcept;

/// A request's head up to its body's length, written once for each provider and path and reused for each
/// call: request line and fields, each ended by CRLF. The transport adds `Content-Length` and the blank line.
class request_head {
public:
  /// Refuses (`config`) a target or field in which a control character, a bare space in a name or target, or
  /// a line end would change the framing; names `Host`, `Content-Length` and `Transfer-Encoding` more than
  /// allowed.
  static result<std::shared_ptr<const request_head>> make(std::string_view method, std::string_view target,
                                                          const std::vector<http_field>& fields);

  std::string_view text() const noexcept { return text_; }

private:
  request_head() = default;

  std::string text_;
};

/// A request ready to be sent.
struct http_request {
  std::shared_ptr<const request_head> head;
  std::string body;
};

/// A whole response. Field names keep the server's spelling; look-ups ignore case.
struct http_response {
  int status = 0;
  std::vector<http_field> fields;
  std::string body;

  /// The first field of that name, trimmed; empty when there is none.
  std::string_view find(std::string_view name) const noexcept;
};

} // namespace weir
