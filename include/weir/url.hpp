// The parts of a provider's base URL, and whether weir may talk to it in the clear.
// Opens nothing and resolves nothing.
#pragma once

#include <weir/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// An absolute `http:` or `https:` URL without user info, query and fragment.
struct url {
  bool tls = true;        ///< `https`
  std::string host;       ///< lower case; an IPv6 literal without its brackets
  std::uint16_t port = 0; ///< 443 or 80 where none is written
  std::string path;       ///< empty, or starts with `/` and does not end with one

  /// `host` or `host:port` as a Host header has it; IPv6 literals in brackets; the scheme's own port left
  /// out.
  std::string authority() const;

  friend bool operator==(const url&, const url&) = default;
};

/// Errors (`config`): another scheme, no host, bad port, user info, query, fragment, control characters.
result<url> parse_url(std::string_view text);

/// `localhost`, names below it, 127.0.0.0/8 and ::1.
bool is_loopback(std::string_view host) noexcept;

} // namespace weir
