// The steps of an exchange, in order. Each step's handler keeps the connection alive and does nothing if the
// exchange was ended meanwhile.
#include "transport/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>

#include <algorithm>
#include <utility>

#include <sys/socket.h>

namespace weir::transport {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

namespace {

/// A chat reply fits as a rule, so that it takes one read.
constexpr std::size_t read_size = 16 * 1024;
/// More interim responses than this are an attack, not progress.
constexpr int max_interim = 5;

std::string where(const endpoint& to) {
  return to.host + ":" + std::to_string(to.port);
}

std::string in_seconds(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

} // namespace

connection::connection(asio::io_context& io, connection_owner& owner, std::uint64_t key,
                       std::shared_ptr<const endpoint> to, tls_context context)
    : io_(io), owner_(owner), key_(key), to_(std::move(to)), context_(std::move(context)), socket_(io),
      resolver_(io) {
  buffer_.reserve(read_size);
}

void connection::enter(phase next, std::chrono::milliseconds limit) {
  phase_ = next;
  limit_ = std::chrono::steady_clock::now() + limit;
}

void connection::perform(job_ptr next) {
  job_ = std::move(next);
  job_->on_connection(phase_ == phase::idle);
  written_ = false;
  interim_ = 0;
  if (phase_ == phase::idle)
    send();
  else
    resolve();
}

// --- connecting ------------------------------------------------------------------------------------------

void connection::resolve() {
  enter(phase::connecting, to_->connect_timeout);
  error_code no_literal;
  const auto address = asio::ip::make_address(to_->host, no_literal);
  if (!no_literal) {
    const tcp::endpoint only(address, to_->port);
    return connect(tcp::resolver::results_type::create(only, to_->host, std::to_string(to_->port)));
  }
  resolver_.async_resolve(
      to_->host, std::to_string(to_->port), tcp::resolver::numeric_service,
      [self = shared_from_this()](error_code error, tcp::resolver::results_type addresses) {
        if (!self->job_)
          return;
        if (error)
          self->broken("cannot find " + self->to_->host + ": " + error.message());
        else
          self->connect(std::move(addresses));
      });
}

void connection::connect(tcp::resolver::results_type addresses) {
  asio::async_connect(
      socket_, addresses, [self = shared_from_this()](error_code error, const tcp::endpoint&) {
        if (!self->job_)
          return;
        if (error)
          return self->broken("cannot connect to " + where(*self->to_) + ": " + error.message());
        error_code ignored;
        self->socket_.set_option(tcp::no_delay(true), ignored);
        if (self->context_)
          self->secure();
        else
          self->send();
      });
}

void connection::secure() {
  enter(phase::securing, to_->tls_timeout);
  tls_.emplace(socket_, *context_);
  if (!expect_host(*tls_, to_->host))
    return broken("the host name " + to_->host + " cannot be verified");
  tls_->async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](error_code error) {
    if (!self->job_)
      return;
    if (error)
      self->broken("no TLS connection to " + where(*self->to_) + ": " + handshake_fault(*self->tls_, error));
    else
      self->send();
  });
}

// --- exchanging ------------------------------------------------------------------------------------------

void connection::send() {
  enter(phase::waiting, to_->first_byte_timeout);
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(to_->max_header_bytes);
  parser_->body_limit(to_->max_body_bytes);
  const http_request& request = job_->request();
  framing_.clear();
  if (!request.body.empty())
    framing_.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  framing_.append("\r\n");
  const std::array<asio::const_buffer, 3> pieces{asio::buffer(request.head->text()), asio::buffer(framing_),
                                                 asio::buffer(request.body)};
  written_ = true;
  auto sent = [self = shared_from_this()](error_code error, std::size_t bytes) {
    if (!self->job_)
      return;
    if (!error)
      return self->read();
    self->written_ = bytes > 0 || self->tls_.has_value();
    // The server may have answered before it closed: an early refusal is worth more than the broken pipe.
    if (self->written_)
      self->read();
    else
      self->broken("cannot send to " + where(*self->to_) + ": " + error.message());
  };
  if (tls_)
    asio::async_write(*tls_, pieces, std::move(sent));
  else
    asio::async_write(socket_, pieces, std::move(sent));
}

void connection::read() {
  auto arrived = [self = shared_from_this()](error_code error, std::size_t bytes) {
    if (self->job_)
      self->received(error, bytes);
  };
  if (tls_)
    tls_->async_read_some(buffer_.prepare(read_size), std::move(arrived));
  else
    socket_.async_read_some(buffer_.prepare(read_size), std::move(arrived));
}

void connection::received(error_code error, std::size_t bytes) {
  if (error) {
    const bool ended = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
    return broken(std::string(parser_->got_some() ? "the response broke off"
                                                  : "the connection ended without a response") +
                  (ended ? "" : ": " + error.message()));
  }
  if (phase_ == phase::waiting)
    job_->saw_first_byte(std::chrono::steady_clock::now());
  enter(phase::reading, to_->idle_timeout);
  buffer_.commit(bytes);
  error_code fault;
  const bool done = parse(fault);
  if (fault)
    end(unreadable("it breaks HTTP or a limit: " + fault.message()), false);
  else if (auto no = parser_->is_header_done() ? objection() : std::nullopt)
    end(std::move(*no), false);
  else if (done)
    complete();
  else
    read();
}

/// Feeds the parser what has arrived. True when the final response is whole; interim ones are passed over.
bool connection::parse(error_code& error) {
  while (buffer_.size() != 0) {
    const std::size_t used = parser_->put(buffer_.data(), error);
    buffer_.consume(used);
    if (error == http::error::need_more)
      error = {};
    if (error)
      return false;
    if (parser_->is_header_done() && parser_->get().result_int() < 200) {
      if (++interim_ > max_interim || parser_->get().result_int() == 101) {
        error = http::error::bad_status;
        return false;
      }
      parser_.emplace();
      parser_->eager(true);
      parser_->header_limit(to_->max_header_bytes);
      parser_->body_limit(to_->max_body_bytes);
      continue;
    }
    if (parser_->is_done())
      return true;
    if (used == 0)
      return false;
  }
  return false;
}

failure connection::unreadable(const std::string& why) const {
  failure made = make_failure(errc::server_error, "the response cannot be read: " + why);
  made.status_code = parser_->is_header_done() ? static_cast<int>(parser_->get().result_int()) : 0;
  made.fate = outcome::unknown;
  return made;
}

/// What in a response's head makes it unreadable, or unsafe to read: its end must be certain, its body as it
/// is.
std::optional<failure> connection::objection() const {
  const auto& head = parser_->get();
  if (const auto coding = head[http::field::content_encoding];
      !coding.empty() && !boost::beast::iequals(coding, "identity"))
    return unreadable("it is compressed, which was not asked for");
  if (const auto coding = head[http::field::transfer_encoding];
      !coding.empty() && !boost::beast::iequals(coding, "chunked"))
    return unreadable("its transfer coding is not 'chunked'");
  if (parser_->need_eof())
    return unreadable("it has neither a length nor chunks, so its end cannot be told from a break");
  return std::nullopt;
}

void connection::complete() {
  const bool reusable = parser_->keep_alive() && buffer_.size() == 0;
  auto message = parser_->release();
  http_response response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message)
    response.fields.push_back({std::string(field.name_string()), std::string(field.value())});
  response.body = std::move(message.body());
  end(std::move(response), reusable);
}

// --- ending ----------------------------------------------------------------------------------------------

outcome connection::fate() const noexcept {
  return written_ ? outcome::unknown : outcome::not_sent;
}

void connection::broken(const std::string& what) {
  failure made = make_failure(errc::network, what);
  made.fate = fate();
  end(std::move(made), false);
}

failure connection::overdue() const {
  const clock_time now = std::chrono::steady_clock::now();
  std::string what;
  if (job_->deadline() <= now) {
    what = "no whole response within " + in_seconds(job_->total()) + " (timeout)";
  } else {
    switch (phase_) {
    case phase::connecting:
      what = "no connection within " + in_seconds(to_->connect_timeout) + " (connect_timeout)";
      break;
    case phase::securing:
      what = "no TLS handshake within " + in_seconds(to_->tls_timeout) + " (tls_timeout)";
      break;
    case phase::waiting:
      what = "no response within " + in_seconds(to_->first_byte_timeout) + " (first_byte_timeout)";
      break;
    default:
      what = "the response stood still for " + in_seconds(to_->idle_timeout) + " (idle_timeout)";
    }
  }
  failure made = make_failure(errc::timeout, what, where(*to_));
  made.fate = fate();
  return made;
}

void connection::check_limits(clock_time now) {
  if (job_ && now >= std::min(limit_, job_->deadline()))
    end(overdue(), false);
}

void connection::abort(failure reason) {
  if (!job_)
    return close();
  reason.fate = fate();
  end(std::move(reason), false);
}

void connection::end(result<http_response> response, bool reusable) {
  const auto keep = shared_from_this();
  job_ptr ended = std::move(job_);
  if (reusable)
    phase_ = phase::idle;
  else
    close();
  ended->finish(std::move(response), std::chrono::steady_clock::now());
  owner_.on_idle(*this, ended->id(), reusable);
}

void connection::close() {
  error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
}

bool connection::alive() {
  char byte = 0;
  const auto seen = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

} // namespace weir::transport
