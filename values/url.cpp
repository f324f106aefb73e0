// Taking a base URL apart, strictly: what is not surely a host and a port is refused.
// Knows neither sockets nor the configuration; resolves nothing.
#include <weir/url.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace weir {

namespace {

failure bad_url(std::string_view why) {
  return make_failure(errc::config, "the URL " + std::string(why));
}

bool is_plain(char letter) {
  return letter > ' ' && letter != 0x7f;
}

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

/// Whether this may stand between the brackets of an IPv6 host. The resolver has the last word.
bool is_ipv6(std::string_view text) {
  return std::ranges::count(text, ':') >= 2 && std::ranges::all_of(text, [](char letter) {
           return letter == ':' || letter == '.' || std::isxdigit(static_cast<unsigned char>(letter)) != 0;
         });
}

/// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port`.
result<void> read_authority(std::string_view text, url& into) {
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos)
      return bad_url("has a '[' without ']'");
    into.host = text.substr(1, close - 1);
    if (!is_ipv6(into.host))
      return bad_url("has no IPv6 address between its brackets");
    port = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    into.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    const bool name = std::ranges::all_of(into.host, [](char letter) {
      return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' || letter == '.' ||
             letter == '_';
    });
    if (!name)
      return bad_url(
          "has a character in its host that no host name has (write international names in punycode)");
  }
  std::ranges::transform(into.host, into.host.begin(), lower);
  if (into.host.empty())
    return bad_url("names no host");
  if (port.empty())
    return {};
  if (port.front() != ':')
    return bad_url("has something other than a port behind its ']'");
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), into.port);
  if (error != std::errc{} || end != port.data() + port.size() || into.port == 0)
    return bad_url("has a port that is not a number from 1 to 65535");
  return {};
}

} // namespace

std::string url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80))
    text += ":" + std::to_string(port);
  return text;
}

result<url> parse_url(std::string_view text) {
  url parsed;
  if (!std::ranges::all_of(text, is_plain))
    return bad_url("has a space or a control character");
  constexpr std::string_view mark = "://";
  const auto scheme_end = text.find(mark);
  std::string scheme(scheme_end == std::string_view::npos ? std::string_view() : text.substr(0, scheme_end));
  std::ranges::transform(scheme, scheme.begin(), lower);
  if (scheme != "https" && scheme != "http")
    return bad_url("must begin with https:// or http://");
  parsed.tls = scheme == "https";
  parsed.port = parsed.tls ? 443 : 80;
  std::string_view rest = text.substr(scheme_end + mark.size());
  if (rest.find_first_of("?#") != std::string_view::npos)
    return bad_url("must not have a query or fragment");
  const auto slash = rest.find('/');
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos)
    return bad_url("must not carry a user name or password");
  if (auto read = read_authority(authority, parsed); !read)
    return read.error();
  if (slash != std::string_view::npos)
    parsed.path = rest.substr(slash);
  while (!parsed.path.empty() && parsed.path.back() == '/')
    parsed.path.pop_back();
  return parsed;
}

bool is_loopback(std::string_view host) noexcept {
  if (host == "localhost" || host.ends_with(".localhost") || host == "::1")
    return true;
  // 127.0.0.0/8, as a dotted quad only: a name such as 127.example.org is somebody else's.
  return host.starts_with("127.") && std::ranges::count(host, '.') == 3 &&
         std::ranges::all_of(host,
                             [](char letter) { return letter == '.' || (letter >= '0' && letter <= '9'); });
}

} // namespace weir
