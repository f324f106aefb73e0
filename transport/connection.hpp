// One connection to one endpoint: connects, secures, sends a request, reads its response, again and again.
// Runs on one thread. Knows no pool: it tells its owner when it is free or broken.
#pragma once

#include "transport/dialer.hpp"
#include "transport/job.hpp"
#include "transport/resolver.hpp"
#include "transport/response_head.hpp"
#include "transport/tls.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>

namespace weir::transport {

class connection;

/// Whom a connection tells that its exchange has ended.
class connection_owner {
public:
  /// The job is concluded and not told yet. `keep` is how long the connection may serve again; nothing: it is
  /// closed.
  virtual void on_idle(connection& who, job_ptr ended, std::optional<std::chrono::milliseconds> keep,
                       clock_time now) = 0;

protected:
  ~connection_owner() = default;
};

class connection : public std::enable_shared_from_this<connection> {
public:
  /// `context` null: plain TCP.
  connection(boost::asio::io_context& io, name_resolver& names, connection_owner& owner, std::uint64_t key,
             std::shared_ptr<const endpoint> to, tls_context context);
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  std::uint64_t key() const noexcept { return key_; }
  const std::shared_ptr<const endpoint>& to() const noexcept { return to_; }
  bool busy() const noexcept { return job_ != nullptr; }

  /// Performs an exchange; connects first if this is the connection's first one.
  void perform(job_ptr next);

  /// Whether an idle connection still lives: the peer has neither closed it nor sent anything. To be asked
  /// right before reuse; the peer may still close it a moment later, which cannot be told from a failure
  /// after processing.
  bool alive();

  /// Ends the exchange when one of its limits has passed.
  void check_limits(clock_time now);

  /// Ends the exchange, if there is one, and closes.
  void abort(failure reason);

  /// So many bytes of the streamed body were consumed.
  void grant(std::size_t bytes);

  /// Nobody wants the rest of the streamed body: it is read for a moment, to keep the connection.
  void release();

  /// Closes an idle connection.
  void close();

private:
  enum class phase : std::uint8_t { fresh, connecting, securing, waiting, reading, idle };
  using parser = boost::beast::http::response_parser<boost::beast::http::string_body, head_allocator>;
  using error_code = boost::system::error_code;

  void enter(phase next, std::chrono::milliseconds limit, clock_time now = std::chrono::steady_clock::now());
  void resolve();
  void resolved(result<name_resolver::addresses> found);
  void connect(const name_resolver::addresses& addresses);
  void secure();
  void send();
  void sent(error_code error, std::size_t bytes);
  void read();
  void received(error_code error, std::size_t bytes);
  void ended(const error_code& error);
  void expect_response();
  bool parse(error_code& error);
  void read_on();
  void pass_on();
  void judge(const std::string& fault);
  failure unreadable(const std::string& why) const;
  void complete();
  bool drained();
  void broken(const std::string& what);
  failure overdue() const;
  outcome fate() const noexcept;
  void end(result<http_response> response, std::optional<std::chrono::milliseconds> keep = std::nullopt);

  boost::asio::io_context& io_;
  name_resolver& names_;
  connection_owner& owner_;
  std::uint64_t key_;
  std::shared_ptr<const endpoint> to_;
  tls_context context_;
  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<dialer> dial_; ///< while it connects
  std::optional<tls_stream> tls_;
  boost::beast::flat_buffer buffer_;
  std::array<std::byte, 4096> arena_;
  std::pmr::monotonic_buffer_resource head_memory_{arena_.data(),
                                                   arena_.size()}; ///< of one response's fields
  std::optional<parser> parser_;
  http_request request_; ///< kept here until it is written, also when its exchange has ended before
  std::string framing_;  ///< `Content-Length` and the blank line of the request
  job_ptr job_;
  phase phase_ = phase::fresh;
  clock_time limit_{};   ///< of the phase
  bool written_ = false; ///< a byte of the request may have left
  bool writing_ = false; ///< the request is being written
  int interim_ = 0;      ///< 1xx responses seen
  // of a streamed response:
  bool head_told_ = false;
  bool released_ = false;      ///< the rest of the body is wanted by nobody
  bool paused_ = false;        ///< the window is full, and nothing is being read
  std::size_t unconsumed_ = 0; ///< bytes told and not granted back
};

} // namespace weir::transport
