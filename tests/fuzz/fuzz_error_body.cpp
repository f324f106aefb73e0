// Errors of providers: any status, header fields and body give a failure with a class, bounded texts and a
// sensible hint, and its class does not depend on who reads it.
#include "protocols/error_table.hpp"
#include "replies.hpp"

using namespace weir;
using namespace weir::fuzzing;

namespace {

/// A field as an HTTP parser lets it through: without control characters.
void add_field(http_response& response, std::string_view name, std::string_view value) {
  std::string clean;
  for (const char letter : value)
    if (letter == '\t' || static_cast<unsigned char>(letter) >= 0x20)
      clean.push_back(letter);
  if (!clean.empty())
    response.fields.add(name, clean);
}

int status_of(input& from) {
  constexpr std::array<int, 16> statuses{400, 401, 402, 403, 404, 408, 409, 413,
                                         422, 429, 500, 503, 504, 529, 307, 599};
  return from.pick(statuses);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input from(data, size);
  http_response response;
  response.status = status_of(from);
  for (const char* name : {"retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "location"})
    add_field(response, name, from.until('\n'));
  response.body = from.rest();

  const failure error = protocols::classify(response, now);
  check_failure(error, response);
  require(error.status_code == response.status, "the status is kept");
  require(!(error.retryable && response.find("x-should-retry") == "false"), "the server may say no");
  for (const api_kind api : every_api) {
    const auto reply = codec_for(api).decode_chat(response, now);
    require(reply.has_error(), "an error status is no reply");
    check_failure(reply.error(), response);
    const auto models = codec_for(api).decode_models(response, now);
    require(models.has_error(), "an error status is no list of models");
  }

  // The same body under status 200, or as an event of a stream.
  if (const auto parsed = protocols::json_document::parse(response.body)) {
    const protocols::vendor_error words = protocols::read_vendor_error(parsed->root());
    const failure inside = protocols::classify_in_body(words);
    check_failure(inside, {200, {}, response.body});
    require(inside.fate == outcome::unknown, "an error within an answer says nothing of the work done");
  }
  return 0;
}
