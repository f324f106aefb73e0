// One connection of a server: reads requests one after the other and plays a script for each.
// Runs on one thread. Knows the handler as a function only.
#pragma once

#include "transport/server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

namespace weir::transport {

class server_connection;

/// The open connections of a thread; each takes itself out at its end.
class connection_set {
public:
  void add(const std::shared_ptr<server_connection>& one) { open_.insert(one); }
  void remove(const std::shared_ptr<server_connection>& one) { open_.erase(one); }
  /// All of them; the set is empty afterwards.
  std::unordered_set<std::shared_ptr<server_connection>> take() { return std::exchange(open_, {}); }

private:
  std::unordered_set<std::shared_ptr<server_connection>> open_;
};

class server_connection : public std::enable_shared_from_this<server_connection> {
public:
  /// `tls` null: plain TCP. The options and the set must outlive the connection.
  server_connection(boost::asio::ip::tcp::socket socket,
                    const std::shared_ptr<boost::asio::ssl::context>& tls, const server_options& options,
                    std::shared_ptr<const request_handler> handler, connection_set& open,
                    std::uint64_t number);

  void start();
  void close();

private:
  using error_code = boost::system::error_code;
  using parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  void next_request();
  void read();
  void received(error_code error, std::size_t bytes);
  bool parse(error_code& error);
  const char* objection() const;
  void refuse(const char* why);
  void serve();
  void play();
  std::optional<plain_step> next_step();
  void perform(const plain_step& step);
  void watch();
  void peer_left();
  void send(const std::string& bytes);
  void end();
  void reset();
  void arm(std::chrono::milliseconds time);

  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  const server_options& options_;
  std::shared_ptr<const request_handler> handler_;
  connection_set& open_;
  std::uint64_t number_;
  std::uint64_t requests_ = 0;
  boost::asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::optional<parser> parser_;
  bool keep_alive_ = true;
  script script_;
  std::size_t step_ = 0;       ///< the next one
  plain_step current_;         ///< the one that is played; it holds the bytes on their way
  std::function<void()> lost_; ///< called when the peer leaves a watched script
  boost::asio::steady_timer pause_;
};

} // namespace weir::transport
