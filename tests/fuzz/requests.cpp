// What a request is put through once a server has read it.
// A refusal is as good as a body; neither may be malformed.
#include "requests.hpp"

#include "protocols/anthropic_messages_server.hpp"
#include "protocols/openai_chat_server.hpp"

#include <weir/tokens.hpp>
#include <weir/validation.hpp>

#include <functional>

namespace weir::fuzzing {

namespace {

using server_decoder = std::function<result<chat_request>(std::string_view)>;

void check_refusal(const failure& error, std::string_view who) {
  require(error.type == errc::invalid_request || error.type == errc::token_limit,
          std::string(who) + " refuses a request as invalid", [&] { return to_string(error); });
  require(!error.message.empty(), std::string(who) + " says why it refuses");
  require_body(protocols::encode_error(error).body, "a refusal for clients of the chat API");
  require_body(protocols::encode_messages_error(error).body, "a refusal for clients of the messages API");
}

/// A body that a codec wrote is read by the server of its dialect, and written again the same.
void check_again(api_kind api, const std::string& body, const server_decoder& decode) {
  const auto again = decode(body);
  require(again.has_value(), std::string("our own request is understood: ").append(to_string(api)),
          [&] { return to_string(again.error()) + "\n" + body; });
  const auto sent = codec_for(api).encode_chat(*again);
  require(sent.has_value(), std::string("our own request can be sent again: ").append(to_string(api)),
          [&] { return to_string(sent.error()) + "\n" + body; });
  require(compacted(sent->body) == compacted(body),
          std::string("a request is sent again as it was: ").append(to_string(api)),
          [&] { return body + "\n--- again\n" + sent->body; });
}

} // namespace

void check_request(const result<chat_request>& request) {
  if (!request)
    return check_refusal(request.error(), "the server");
  const std::vector<failure> faults = validate(*request, nullptr);
  require(faults.size() <= most_faults + 1, "faults are bounded");
  for (const failure& each : faults)
    check_refusal(each, "the check");
  const token_count counted = estimate_tokens(*request);
  require(counted.tokens > 0 && !counted.exact, "a request has tokens, and no vocabulary to count them by");
  for (const api_kind api : every_api) {
    const auto sent = codec_for(api).encode_chat(*request);
    if (!sent) {
      check_refusal(sent.error(), to_string(api));
      continue;
    }
    require_body(sent->body, std::string("a request to ").append(to_string(api)));
    if (faults.empty() && api == api_kind::chat)
      check_again(api, sent->body, protocols::decode_chat_request);
    if (faults.empty() && api == api_kind::messages)
      check_again(api, sent->body, protocols::decode_messages_request);
  }
}

} // namespace weir::fuzzing
