// The network as the rest of weir sees it: post a request, get a response or a failure, exactly once.
// Knows HTTP and TLS, no vendor and no actor. Tests and simulations put their own client in its place.
#pragma once

#include "protocols/http_message.hpp"

#include <weir/error.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace weir::transport {

/// Where to connect, and on which terms. One keep-alive pool for each; make one with `make_shared` and reuse
/// it.
struct endpoint {
  bool tls = true;
  std::string host; ///< a name or an IP literal without brackets
  std::uint16_t port = 443;
  std::string ca_file;                              ///< PEM; empty: the system's store
  std::chrono::milliseconds connect_timeout{5'000}; ///< name look-up and TCP, all addresses together
  std::chrono::milliseconds tls_timeout{10'000};
  std::chrono::milliseconds first_byte_timeout{
      60'000};                                    ///< from the request written to the response's first byte
  std::chrono::milliseconds idle_timeout{60'000}; ///< between two reads of a response
  std::chrono::milliseconds keep_alive{15'000};   ///< an idle connection is closed after this …
  std::chrono::milliseconds max_age{300'000};     ///< … and no connection is reused after this
  std::uint32_t max_connections = 256;            ///< more exchanges wait, within their deadline
  std::uint32_t max_header_bytes = 16 * 1024;
  std::uint64_t max_body_bytes = 32ULL << 20U; ///< of a whole response; a streamed one is read by credit
  std::uint32_t stream_window = 64 * 1024;     ///< bytes of a streamed body that may be under way unconsumed

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// Names an exchange for `cancel`. 0 is none.
using exchange_id = std::uint64_t;

/// How an exchange went. A failure's `type` is `network`, `timeout`, `cancelled` or `server_error` (a body or
/// head that breaks HTTP or a limit), and its `fate` says whether the request may have been processed.
struct exchange {
  result<http_response> response = failure{};
  std::chrono::microseconds first_byte{0}; ///< from `post` to the response's first byte; 0: none came
  std::chrono::microseconds total{0};      ///< from `post` to the end
  bool reused = false;                     ///< on a connection that had served before
};

/// Called once for each `post`, on a thread of the client's. Must not block and must not throw.
using exchange_handler = std::function<void(exchange)>;

/// Takes a response while it arrives. Called on a thread of the client's, in this order; must neither block
/// nor throw.
class stream_receiver {
public:
  stream_receiver() = default;
  stream_receiver(const stream_receiver&) = delete;
  stream_receiver& operator=(const stream_receiver&) = delete;
  virtual ~stream_receiver() = default;

  /// Status and fields, once, as soon as they are there. Not called when the exchange fails before.
  virtual void on_head(http_response head) = 0;
  /// The next bytes of the body. What is not granted back counts against the endpoint's `stream_window`: when
  /// it is full, nothing more is read, and the peer has to wait.
  virtual void on_body(std::string bytes) = 0;
  /// The end, exactly once. The response of a success has no body.
  virtual void on_end(exchange end) = 0;
};

/// A client with a keep-alive pool for each endpoint. All members may be called from any thread.
class client {
public:
  client() = default;
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  virtual ~client() = default;

  /// Sends a request and hands its end to `done`, no later than `total` from now.
  /// A request is never sent twice: after its first byte was written on a connection, a failure is reported.
  virtual exchange_id post(std::shared_ptr<const endpoint> to, http_request request,
                           std::chrono::milliseconds total, exchange_handler done) = 0;

  /// Sends a request and hands its response to `receiver` while it arrives. Everything else is as with
  /// `post`; `idle_timeout` does not run while the window is full.
  virtual exchange_id stream(std::shared_ptr<const endpoint> to, http_request request,
                             std::chrono::milliseconds total, std::shared_ptr<stream_receiver> receiver) = 0;

  /// So many bytes of a streamed body were consumed: as many more may come.
  virtual void grant(exchange_id id, std::size_t bytes) = 0;

  /// Nothing more is wanted of a streamed response. Its connection serves again if the response ends at once.
  virtual void release(exchange_id id) = 0;

  /// Ends an exchange with `cancelled` and closes its connection. Nothing happens when it has ended already.
  virtual void cancel(exchange_id id) = 0;

  /// Ends every exchange with `cancelled`, closes every connection and joins the threads. Later posts fail.
  virtual void close() = 0;
};

/// The real thing: Beast over TCP and TLS on `threads` threads of its own (0 counts as 1).
std::unique_ptr<client> make_client(std::uint32_t threads);

} // namespace weir::transport
