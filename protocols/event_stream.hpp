// What the streams of all vendors have in common: events of JSON, an end mark, bounds, and bodies that turn
// out to be no stream at all. Knows no vendor's events: each vendor has a reader for them.
#pragma once

#include "protocols/codec.hpp"
#include "protocols/json.hpp"
#include "protocols/reply_builder.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace weir::protocols {

/// Reads one vendor's events. Made for one stream.
class event_reader {
public:
  event_reader() = default;
  event_reader(const event_reader&) = delete;
  event_reader& operator=(const event_reader&) = delete;
  virtual ~event_reader() = default;

  /// One event: `name` of its `event` line (may be empty), `data` as JSON. Calls `reply.set_finished()` when
  /// the answer is whole. Unknown events and members are passed over. A failure ends the stream; its
  /// `fate`, status and request id are filled in by the caller where they are not set.
  virtual std::optional<failure> read(std::string_view name, const json_value& data,
                                      reply_builder& reply) = 0;

  /// Two strings of an event.
  struct plain_piece {
    const json_value* words = nullptr;   ///< a piece of text, all that the event said; null: it said more
    const json_value* padding = nullptr; ///< one that was passed over; null: there was none
  };

  /// What the last event said. Until the next `read`, an event that differs from it in these strings alone
  /// may be given to `repeat` in its place.
  virtual plain_piece plain() const noexcept { return {}; }

  /// The last event once more, with other words.
  virtual void repeat(std::string_view /*words*/, reply_builder& /*reply*/) {}

  /// Whether the last event was the vendor's own end mark, after which nothing counts.
  virtual bool ended() const noexcept = 0;

  /// The body is over and nobody failed: the last corrections. A failure when what came is no answer.
  virtual std::optional<failure> close(reply_builder& reply) = 0;
};

/// How a body is read that was no stream: the codec's `decode_chat`.
using whole_decoder = std::function<result<chat_reply>(const http_response&)>;

/// The failure of a stream that came to its end mark without a reason to finish, if it was cut in a tool
/// call: that is seen only in the arguments.
std::optional<failure> cut_in_call(const chat_reply& reply);

/// Bytes that a streamed reply, or one of its events, may have.
inline constexpr std::size_t stream_limit = 32U << 20U;

/// Reads a body by its head: an error status or a JSON body goes to `whole`, anything else is a stream of
/// events for `reader`. `data: [DONE]` ends any of them.
std::unique_ptr<stream_decoder> make_stream_decoder(http_response head, std::unique_ptr<event_reader> reader,
                                                    whole_decoder whole);

} // namespace weir::protocols
