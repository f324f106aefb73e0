// A small HTTP/1.1 server: reads a request whole, asks a handler for a script of bytes and pauses, plays it.
// The script makes every misbehaviour of a provider sayable as data; an honest reply is a script of one step.
#pragma once

#include "protocols/http_message.hpp"

#include <weir/error.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace weir::transport {

/// A request as the server read it.
struct server_request {
  std::string method;
  std::string target;
  http_fields fields;
  std::string body;
  std::uint64_t connection = 0;    ///< counts connections from 1
  std::uint64_t on_connection = 0; ///< counts requests of this connection from 1

  std::string_view find(std::string_view name) const noexcept { return fields.find(name); }
};

/// Writes these bytes as they are.
struct send_bytes {
  std::string bytes;
};
/// Does nothing for this long.
struct pause {
  std::chrono::milliseconds time{0};
};
/// Keeps the connection open and silent until the peer closes it or the server stops.
struct hang {};
/// Ends the connection with RST.
struct reset_connection {};
/// Ends the connection with FIN.
struct close_connection {};

using plain_step = std::variant<send_bytes, pause, hang, reset_connection, close_connection>;

/// Steps that are made while they are played: `next` is asked for one when the one before is done, and bytes
/// are done when the socket took them, so that a peer that does not read is not written for. It ends with
/// nothing. Called on a server thread; must not block. A copy of the step goes on where the other one is.
struct generate {
  std::function<std::optional<plain_step>()> next;
};
/// From here to the end of the script the peer is watched: if it closes the connection, or what is sent to it
/// fails, the script ends there and `lost` is called, once. Over TLS only the second is seen.
struct watch_peer {
  std::function<void()> lost;
};

using script_step =
    std::variant<send_bytes, pause, hang, reset_connection, close_connection, generate, watch_peer>;

/// Steps in order. A script that ends without closing leaves the connection open for the next request.
using script = std::vector<script_step>;

/// Answers one request. Called on a server thread; must not block.
using request_handler = std::function<script(const server_request&)>;

struct server_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0; ///< 0: any free one
  std::uint32_t threads = 1;
  std::uint64_t max_body_bytes = 64ULL << 20U;
  std::chrono::milliseconds idle_timeout{60'000}; ///< a connection without a request for so long is closed
  std::string certificate_file;                   ///< PEM chain; empty: plain HTTP
  std::string private_key_file;                   ///< PEM
};

class server {
public:
  /// Listens and serves until destroyed. Errors: `network` (address in use …), `config` (bad certificate).
  static result<std::unique_ptr<server>> listen(const server_options& options, request_handler handler);

  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server();

  std::uint16_t port() const noexcept;

  /// Closes the listening socket and every connection, so that connects are refused; the port stays known.
  void refuse_connections();
  /// Listens again on the same port. Errors: `network`.
  result<void> accept_connections();

private:
  struct implementation;
  explicit server(std::unique_ptr<implementation> impl);

  std::unique_ptr<implementation> impl_;
};

/// A response as bytes: status line, fields, `Content-Length` (unless a field says otherwise), blank line,
/// body.
std::string to_bytes(const http_response& response);

} // namespace weir::transport
