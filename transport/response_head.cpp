// Rules for heads.
#include "transport/response_head.hpp"

#include <boost/beast/http/field.hpp>

#include <charconv>
#include <cstddef>
#include <iterator>
#include <string_view>

namespace weir::transport {

namespace http = boost::beast::http;

namespace {

/// More fields than any provider sends.
constexpr std::ptrdiff_t max_fields = 100;

} // namespace

std::optional<std::string> objection_to(const parsed_response& head, bool until_eof, bool streamed) {
  if (std::distance(head.begin(), head.end()) > max_fields)
    return "it has more than " + std::to_string(max_fields) + " header fields";
  if (const auto coding = head[http::field::content_encoding];
      !coding.empty() && !boost::beast::iequals(coding, "identity"))
    return "it is compressed, which was not asked for";
  if (const auto coding = head[http::field::transfer_encoding];
      !coding.empty() && !boost::beast::iequals(coding, "chunked"))
    return "its transfer coding is not 'chunked'";
  // An error's text may end with its connection: if it broke off, no harm is done.
  if (until_eof && head.result_int() < 300 && !streamed)
    return "it has neither a length nor chunks, so its end cannot be told from a break";
  return std::nullopt;
}

http_response head_of(const parsed_response& head) {
  http_response response;
  response.status = static_cast<int>(head.result_int());
  std::size_t bytes = 0;
  for (const auto& field : head)
    bytes += field.name_string().size() + field.value().size() + 2;
  response.fields.reserve(bytes);
  for (const auto& field : head)
    response.fields.add(field.name_string(), field.value());
  return response;
}

std::optional<std::chrono::milliseconds> kept_for(const parsed_response& head) {
  constexpr std::string_view parameter = "timeout=";
  const std::string_view field = head[http::field::keep_alive];
  const auto at = field.find(parameter);
  std::uint32_t seconds = 0;
  if (at == std::string_view::npos ||
      std::from_chars(field.data() + at + parameter.size(), field.data() + field.size(), seconds).ec !=
          std::errc{})
    return std::nullopt;
  return std::chrono::seconds{seconds} - std::chrono::seconds{1};
}

} // namespace weir::transport
