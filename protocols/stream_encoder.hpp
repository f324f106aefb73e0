// A reply as a stream of server-sent events: what a server writes to its client, delta by delta.
// Knows no socket; each dialect has an encoder of its own.
#pragma once

#include <weir/chat.hpp>

#include <string>

namespace weir::protocols {

/// Writes one streamed reply. Each member gives the bytes to send next, which may be none; the order of calls
/// is `begin`, any number of `encode`, then `end` or `fail`.
class stream_encoder {
public:
  stream_encoder() = default;
  stream_encoder(const stream_encoder&) = delete;
  stream_encoder& operator=(const stream_encoder&) = delete;
  virtual ~stream_encoder() = default;

  virtual std::string begin() = 0;
  virtual std::string encode(const chat_delta& delta) = 0;
  /// `whole` says how it ended: reason and usage. Its content is not sent again.
  virtual std::string end(const chat_reply& whole) = 0;
  virtual std::string fail(const failure& error) = 0;
};

} // namespace weir::protocols
