// A streamed answer as steps that are made while they are played: events, silences, signs of life, faults.
// Knows no socket and no request; what is said comes as deltas.
#pragma once

#include "protocols/http_message.hpp"
#include "protocols/stream_encoder.hpp"
#include "tools/mock/plan.hpp"
#include "transport/server.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::mock {

/// What a stream is made of.
struct stream_parts {
  std::unique_ptr<protocols::stream_encoder> encoder;
  chat_reply reply; ///< how it ends
  std::vector<chat_delta> deltas;
  milliseconds chunk_delay{0};
  milliseconds ping_every{0}; ///< 0: no pings
  std::string ping;
  std::optional<fault> struck; ///< one that needs a stream
  failure error;               ///< of `error_in_stream`
  std::string broken;          ///< of `malformed_chunk`: the event
  http_fields fields;          ///< beside those of every stream
};

/// Gives the steps of one stream, one after the other. One thread takes them; any may ask what was sent.
class stream_source {
public:
  explicit stream_source(stream_parts parts);

  /// The next step; nothing at the end.
  std::optional<transport::plain_step> next();
  /// Chunks given so far: pieces of the reply, without the events at its begin and end.
  std::uint64_t chunks() const noexcept { return chunks_; }
  /// Chunks until the end; nothing: there is none.
  std::optional<std::uint64_t> planned() const noexcept;

private:
  std::optional<transport::plain_step> wait();
  std::optional<transport::plain_step> strike();
  transport::plain_step chunk();
  transport::plain_step end();

  stream_parts parts_;
  bool begun_ = false;
  bool over_ = false;
  bool struck_ = false;
  bool delayed_ = false;    ///< the time before the next chunk has passed
  milliseconds waiting_{0}; ///< still to be waited
  milliseconds silent_{0};  ///< waited since the last sign of life
  std::size_t at_ = 0;      ///< the next delta
  std::atomic<std::uint64_t> chunks_{0};
};

/// Bytes as a chunk of HTTP's chunked coding; none for none, since an empty one would be the last.
std::string to_chunk(std::string_view bytes);

/// Status 200 and the fields of an event stream, with this body whole in chunked coding.
http_response event_stream(http_fields fields, std::string_view body);

/// All that a stream sends, without its pauses: the head and the coded events.
std::string bytes_of(stream_source& stream);

/// The events alone, from a stream that has not begun.
std::string events_of(stream_parts parts);

} // namespace weir::mock
