// Redirects are not followed: where a URL leads is for its owner to say.
#include "transport/get.hpp"

#include <weir/url.hpp>

namespace weir::transport {

result<get_request> make_get(const std::string& address, std::uint64_t max_body_bytes) {
  const auto parsed = parse_url(address);
  if (!parsed)
    return parsed.error();
  if (!parsed->tls && !is_loopback(parsed->host))
    return make_failure(errc::config, "the URL must begin with https://", address);
  auto head = request_head::make("GET", parsed->path.empty() ? "/" : parsed->path,
                                 {{"Host", parsed->authority()},
                                  {"User-Agent", "weir/0.1"},
                                  {"Accept", "*/*"},
                                  {"Accept-Encoding", "identity"}});
  if (!head)
    return head.error();
  endpoint to;
  to.tls = parsed->tls;
  to.host = parsed->host;
  to.port = parsed->port;
  to.max_connections = 1;
  to.max_body_bytes = max_body_bytes;
  return get_request{std::make_shared<const endpoint>(std::move(to)), {std::move(*head), {}}};
}

} // namespace weir::transport
