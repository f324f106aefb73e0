// Connects to one of several addresses: the first that answers. An address that is silent costs 250 ms, not
// the whole of the time (RFC 8305, "happy eyeballs"). Knows addresses and sockets; no names, no TLS.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace weir::transport {

/// IPv6 and IPv4 in turn, beginning with the family that comes first; within a family the order stays.
std::vector<boost::asio::ip::address>
alternate_families(const std::vector<boost::asio::ip::address>& addresses);

/// One race. Runs on one thread, which is the `io_context`'s.
class dialer : public std::enable_shared_from_this<dialer> {
public:
  using tcp = boost::asio::ip::tcp;
  using error_code = boost::system::error_code;
  /// Called once, unless cancelled: a connected socket, or why the last address failed.
  using handler = std::function<void(error_code, tcp::socket)>;

  /// How long an address may be silent before the next one is tried beside it.
  static constexpr std::chrono::milliseconds head_start{250};

  /// `addresses` must not be empty.
  dialer(boost::asio::io_context& io, std::vector<boost::asio::ip::address> addresses, std::uint16_t port,
         handler done);

  void start() { try_next(); }

  /// Closes everything; the handler is not called.
  void cancel();

private:
  void try_next();
  void ended(std::size_t which, const error_code& error);

  boost::asio::io_context& io_;
  std::vector<boost::asio::ip::address> addresses_;
  std::uint16_t port_;
  handler done_; ///< null: over
  boost::asio::steady_timer timer_;
  std::vector<tcp::socket> sockets_; ///< of the addresses tried so far
  std::size_t failed_ = 0;
};

} // namespace weir::transport
