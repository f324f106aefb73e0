// The server: accepts, reads requests strictly, and plays the handler's scripts.
#include "transport/server.hpp"

#include "transport/server_connection.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <future>
#include <thread>
#include <utility>

namespace weir::transport {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

std::string to_bytes(const http_response& response) {
  std::string bytes = "HTTP/1.1 " + std::to_string(response.status) + " ";
  bytes += boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  bytes += "\r\n";
  bool framed = false;
  for (const http_fields::view each : response.fields) {
    framed = framed || boost::beast::iequals(each.name, "content-length") ||
             boost::beast::iequals(each.name, "transfer-encoding");
    bytes.append(each.name).append(": ").append(each.value).append("\r\n");
  }
  if (!framed)
    bytes.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  return bytes.append("\r\n").append(response.body);
}

/// Everything but `port_` is touched on the server's threads only; with more than one, each accepts for
/// itself.
struct server::implementation {
  /// A thread with its own listening socket on the shared port, and its own connections.
  class lane {
  public:
    lane(const server_options& options, std::shared_ptr<const request_handler> handler,
         std::shared_ptr<asio::ssl::context> tls, std::atomic<std::uint64_t>& connections)
        : options_(options), handler_(std::move(handler)), tls_(std::move(tls)), count_(connections), io_(1),
          work_(asio::make_work_guard(io_)), acceptor_(io_) {}
    lane(const lane&) = delete;
    lane& operator=(const lane&) = delete;
    ~lane() {
      if (!thread_.joinable())
        return;
      asio::post(io_, [this] { refuse(); });
      work_.reset();
      thread_.join();
    }

    /// Opens the socket. Called before the thread runs, or on it.
    boost::system::error_code listen(std::uint16_t port);
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void run() {
      thread_ = std::thread([this] { io_.run(); });
    }

    /// Runs something on the thread and waits for it.
    template <class Work>
    auto on_thread(Work work) {
      std::packaged_task<decltype(work())()> task(std::move(work));
      auto done = task.get_future();
      asio::post(io_, std::move(task));
      return done.get();
    }

    void refuse() {
      boost::system::error_code ignored;
      acceptor_.close(ignored);
      for (const auto& each : open_.take())
        each->close();
    }

  private:
    void accept();

    server_options options_;
    std::shared_ptr<const request_handler> handler_;
    std::shared_ptr<asio::ssl::context> tls_;
    std::atomic<std::uint64_t>& count_;
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    tcp::acceptor acceptor_;
    connection_set open_;
    std::thread thread_;
  };

  std::atomic<std::uint64_t> connections{0};
  std::vector<std::unique_ptr<lane>> lanes;
  std::uint16_t port = 0;
};

boost::system::error_code server::implementation::lane::listen(std::uint16_t port) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(options_.address, error);
  if (!error)
    acceptor_.open(tcp::endpoint(address, port).protocol(), error);
  if (!error)
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
  if (!error && options_.threads > 1)
    acceptor_.set_option(reuse_port(true), error);
  if (!error)
    acceptor_.bind({address, port}, error);
  if (!error)
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error)
    accept();
  else
    acceptor_.close();
  return error;
}

void server::implementation::lane::accept() {
  acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
    if (!acceptor_.is_open())
      return;
    if (!error) {
      auto served =
          std::make_shared<server_connection>(std::move(socket), tls_, options_, handler_, open_, ++count_);
      open_.add(served);
      served->start();
    }
    // Out of descriptors, or a peer that was gone at once: the next one may do better.
    accept();
  });
}

result<std::unique_ptr<server>> server::listen(const server_options& options, request_handler handler) {
  auto impl = std::make_unique<implementation>();
  std::shared_ptr<asio::ssl::context> tls;
  if (!options.certificate_file.empty()) {
    boost::system::error_code error;
    tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    tls->use_certificate_chain_file(options.certificate_file, error);
    if (!error)
      tls->use_private_key_file(options.private_key_file, asio::ssl::context::pem, error);
    if (error)
      return make_failure(errc::config, "cannot use the certificate and key: " + error.message(),
                          options.certificate_file);
  }
  const auto shared = std::make_shared<const request_handler>(std::move(handler));
  impl->port = options.port;
  for (std::uint32_t n = 0; n != std::max(options.threads, 1U); ++n) {
    auto lane = std::make_unique<implementation::lane>(options, shared, tls, impl->connections);
    if (const auto error = lane->listen(impl->port))
      return make_failure(errc::network, "cannot listen: " + error.message(),
                          options.address + ":" + std::to_string(impl->port));
    impl->port = lane->port();
    impl->lanes.push_back(std::move(lane));
  }
  for (const auto& each : impl->lanes)
    each->run();
  return std::unique_ptr<server>(new server(std::move(impl)));
}

server::server(std::unique_ptr<implementation> impl) : impl_(std::move(impl)) {}

server::~server() = default;

std::uint16_t server::port() const noexcept {
  return impl_->port;
}

void server::refuse_connections() {
  for (const auto& each : impl_->lanes)
    each->on_thread([&each] { each->refuse(); });
}

result<void> server::accept_connections() {
  for (const auto& each : impl_->lanes)
    if (const auto error = each->on_thread([&] { return each->listen(impl_->port); }))
      return make_failure(errc::network, "cannot listen again: " + error.message(),
                          std::to_string(impl_->port));
  return {};
}

} // namespace weir::transport
