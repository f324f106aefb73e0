// A plain GET of one URL, as an endpoint and a request for the client.
// Knows nothing of what is fetched, and no key: nothing secret is ever in it.
#pragma once

#include "transport/client.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace weir::transport {

/// What `client::post` wants.
struct get_request {
  std::shared_ptr<const endpoint> to;
  http_request request;
};

/// Errors (`config`): not a URL of `https:`, or of `http:` on loopback, without query and user.
result<get_request> make_get(const std::string& address, std::uint64_t max_body_bytes);

} // namespace weir::transport
