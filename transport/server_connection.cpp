// Reading with strict framing, and playing scripts step by step.
#include "transport/server_connection.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace weir::transport {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr std::uint32_t header_limit = 16 * 1024;

} // namespace

server_connection::server_connection(asio::ip::tcp::socket socket,
                                     const std::shared_ptr<asio::ssl::context>& tls,
                                     const server_options& options,
                                     std::shared_ptr<const request_handler> handler, connection_set& open,
                                     std::uint64_t number)
    : socket_(std::move(socket)), context_(tls), options_(options), handler_(std::move(handler)), open_(open),
      number_(number), timer_(socket_.get_executor()), pause_(socket_.get_executor()) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  buffer_.reserve(read_size);
  if (context_)
    tls_.emplace(socket_, *context_);
}

void server_connection::start() {
  arm(options_.idle_timeout);
  if (!tls_)
    return next_request();
  tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](error_code error) {
    if (error)
      self->end();
    else
      self->next_request();
  });
}

/// Closes the connection if nothing happens for this long. Armed once and looked at when it fires: moving a
/// timer for every request would cost more than serving it.
void server_connection::arm(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  timer_.async_wait([weak = weak_from_this(), seen = requests_](error_code cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self)
      return;
    if (self->requests_ == seen && self->script_.empty())
      self->end();
    else
      self->arm(self->options_.idle_timeout);
  });
}

void server_connection::next_request() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(header_limit);
  parser_->body_limit(options_.max_body_bytes);
  // A pipelined request may be here already.
  if (buffer_.size() != 0)
    received({}, 0);
  else
    read();
}

void server_connection::read() {
  auto arrived = [self = shared_from_this()](error_code error, std::size_t bytes) {
    self->received(error, bytes);
  };
  if (tls_)
    tls_->async_read_some(buffer_.prepare(read_size), std::move(arrived));
  else
    socket_.async_read_some(buffer_.prepare(read_size), std::move(arrived));
}

void server_connection::received(error_code error, std::size_t bytes) {
  if (error)
    return end();
  buffer_.commit(bytes);
  error_code fault;
  const bool done = parse(fault);
  if (fault)
    return refuse("the request breaks HTTP or a limit");
  if (parser_->is_header_done())
    if (const char* why = objection())
      return refuse(why);
  if (done)
    serve();
  else
    read();
}

bool server_connection::parse(error_code& error) {
  while (buffer_.size() != 0 && !parser_->is_done()) {
    const std::size_t used = parser_->put(buffer_.data(), error);
    buffer_.consume(used);
    if (error == http::error::need_more)
      error = {};
    if (error || used == 0)
      break;
  }
  return !error && parser_->is_done();
}

/// What Beast lets pass, and what another server in front of us might read in another way: smuggling lives
/// there.
const char* server_connection::objection() const {
  const auto& head = parser_->get();
  if (head.count(http::field::host) != 1)
    return "a request must have exactly one Host field";
  if (head.count(http::field::content_length) > 1 ||
      head[http::field::content_length].find(',') != std::string_view::npos)
    return "a request must not have two lengths";
  const auto coding = head[http::field::transfer_encoding];
  if (!coding.empty() && (!beast::iequals(coding, "chunked") || head.version() != 11))
    return "the transfer coding must be 'chunked', in HTTP/1.1";
  return nullptr;
}

void server_connection::refuse(const char* why) {
  const std::string body = std::string("{\"error\":{\"message\":\"") + why +
                           "\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}";
  script_ = {
      send_bytes{to_bytes({400, {{"Content-Type", "application/json"}, {"Connection", "close"}}, body})},
      close_connection{}};
  step_ = 0;
  play();
}

void server_connection::serve() {
  server_request request;
  auto message = parser_->release();
  keep_alive_ = message.keep_alive();
  request.method = message.method_string();
  request.target = message.target();
  for (const auto& field : message)
    request.fields.add(field.name_string(), field.value());
  request.body = std::move(message.body());
  request.connection = number_;
  request.on_connection = ++requests_;
  script_ = (*handler_)(request);
  step_ = 0;
  play();
}

/// The next step that does something on the wire; nothing at the script's end.
std::optional<plain_step> server_connection::next_step() {
  while (step_ != script_.size()) {
    script_step& step = script_[step_];
    if (const auto* made = std::get_if<generate>(&step)) {
      if (auto next = made->next())
        return next;
      ++step_;
      continue;
    }
    ++step_;
    if (auto* watched = std::get_if<watch_peer>(&step)) {
      lost_ = std::move(watched->lost);
      watch();
      continue;
    }
    return std::visit(
        [](auto& each) -> std::optional<plain_step> {
          if constexpr (std::is_constructible_v<plain_step, decltype(std::move(each))>)
            return plain_step(std::move(each));
          else
            return std::nullopt;
        },
        step);
  }
  return std::nullopt;
}

void server_connection::play() {
  if (auto step = next_step()) {
    current_ = std::move(*step);
    return perform(current_);
  }
  script_.clear();
  lost_ = nullptr;
  return keep_alive_ ? next_request() : end();
}

void server_connection::perform(const plain_step& step) {
  if (const auto* bytes = std::get_if<send_bytes>(&step))
    return send(bytes->bytes);
  if (const auto* wait = std::get_if<pause>(&step)) {
    pause_.expires_after(wait->time);
    return pause_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled && self->socket_.is_open())
        self->play();
    });
  }
  if (std::holds_alternative<reset_connection>(step))
    return reset();
  if (std::holds_alternative<close_connection>(step))
    return end();
  // Hanging: only the peer's end is waited for; what it may still send is of no interest.
  socket_.async_wait(asio::socket_base::wait_read,
                     [self = shared_from_this()](error_code) { self->peer_left(); });
}

/// Waits for the peer's end while a script is played. A request that comes before its turn, and anything over
/// TLS, cannot be told from more of it without reading: then only a failed write says that nobody is there.
void server_connection::watch() {
  socket_.async_wait(asio::socket_base::wait_read,
                     [self = shared_from_this(), seen = requests_](error_code error) {
                       if (error || seen != self->requests_ || !self->lost_)
                         return;
                       char byte = 0;
                       error_code fault;
                       self->socket_.non_blocking(true, fault);
                       self->socket_.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, fault);
                       if (fault && fault != asio::error::would_block)
                         self->peer_left();
                     });
}

void server_connection::peer_left() {
  if (!socket_.is_open())
    return;
  if (const auto lost = std::exchange(lost_, nullptr))
    lost();
  end();
}

void server_connection::send(const std::string& bytes) {
  auto sent = [self = shared_from_this()](error_code error, std::size_t) {
    if (error)
      self->peer_left();
    else
      self->play();
  };
  if (tls_)
    asio::async_write(*tls_, asio::buffer(bytes), std::move(sent));
  else
    asio::async_write(socket_, asio::buffer(bytes), std::move(sent));
}

void server_connection::end() {
  error_code ignored;
  // FIN first: what was sent must arrive, also when the peer has sent what nobody read.
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  close();
}

void server_connection::reset() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

void server_connection::close() {
  const auto keep = shared_from_this();
  error_code ignored;
  timer_.cancel();
  pause_.cancel();
  socket_.close(ignored);
  open_.remove(keep);
}

} // namespace weir::transport
