// Replies in: a Messages response as weir's values, and the pieces that whole and streamed replies share.
// Knows no request.
#pragma once

#include "protocols/http_message.hpp"
#include "protocols/json.hpp"

#include <weir/chat.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::protocols::anthropic {

/// Decodes a response of any status. An error, also one under status 200, or no message in it, is a failure.
result<chat_reply> decode_reply(const http_response& response, std::chrono::sys_seconds now);

/// Whether a body, or a stream's event, is an error, whatever the status said.
bool tells_error(const json_value& root);

/// The figures of `usage` objects. Where one is told again, the later figure counts: a stream's are totals.
class usage_reader {
public:
  /// Takes what an object tells; null: nothing. `begun` says that the reply's length is not known yet.
  void read(const json_value* usage, bool begun = false);

  /// In weir's terms: the prompt with what was cached and written to the cache, which this API counts apart.
  /// Figures that are impossible, or were never told, become estimates from what `reply` holds.
  token_usage figures(const chat_reply& reply) const;

private:
  std::optional<std::uint64_t> input_;
  std::optional<std::uint64_t> output_;
  std::optional<std::uint64_t> cached_;
  std::optional<std::uint64_t> written_;
  std::optional<std::uint64_t> written_5m_;
  std::optional<std::uint64_t> written_1h_;
  std::optional<std::uint64_t> thinking_;
  bool begun_ = false;
  bool good_ = true;
};

/// Takes `stop_reason` and `stop_sequence` of a message, or of a stream's last delta. What is null stays as
/// it was.
void read_stop(const json_value& from, chat_reply& reply);

/// Why the model refused, as `stop_details` beside the reason explains it; empty where it does not.
std::string_view refusal_of(const json_value& from) noexcept;

/// Whether a reply that ended so may have ended within a block: its last call must not be trusted.
bool cuts_calls(finish_reason reason) noexcept;

/// Empties `reply.parts` where they say no more than the text does.
void settle_parts(chat_reply& reply);

} // namespace weir::protocols::anthropic
