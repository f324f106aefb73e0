// The steps of an exchange, in order. Each step's handler keeps the connection alive and does nothing if the
// exchange was ended meanwhile.
#include "transport/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir::transport {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

namespace {

/// A chat reply fits as a rule, so that it takes one read.
constexpr std::size_t read_size = 16 * 1024;
/// More interim responses than this are an attack, not progress.
constexpr int max_interim = 5;
/// A request as short as this goes into the socket's buffer in one piece.
constexpr std::size_t written_at_once = 16 * 1024;

std::string where(const endpoint& to) {
  return to.host + ":" + std::to_string(to.port);
}

std::string in_seconds(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

} // namespace

connection::connection(asio::io_context& io, name_resolver& names, connection_owner& owner, std::uint64_t key,
                       std::shared_ptr<const endpoint> to, tls_context context)
    : io_(io), names_(names), owner_(owner), key_(key), to_(std::move(to)), context_(std::move(context)),
      socket_(io) {
  buffer_.reserve(read_size);
}

void connection::enter(phase next, std::chrono::milliseconds limit, clock_time now) {
  phase_ = next;
  limit_ = now + limit;
}

void connection::perform(job_ptr next) {
  job_ = std::move(next);
  job_->on_connection(phase_ == phase::idle);
  written_ = false;
  interim_ = 0;
  head_told_ = false;
  released_ = false;
  paused_ = false;
  unconsumed_ = 0;
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
  if (!no_literal)
    return connect({address});
  // Weak, and home at once: the resolver's thread must neither touch nor destroy a connection.
  names_.resolve(to_->host, [home = weak_from_this(), &io = io_](result<name_resolver::addresses> found) {
    asio::post(io, [home, found = std::move(found)]() mutable {
      if (const auto self = home.lock())
        self->resolved(std::move(found));
    });
  });
}

void connection::resolved(result<name_resolver::addresses> found) {
  if (!job_)
    return;
  if (found)
    connect(*found);
  else
    broken(found.error().message);
}

void connection::connect(const name_resolver::addresses& addresses) {
  dial_ = std::make_shared<dialer>(io_, alternate_families(addresses), to_->port,
                                   [self = shared_from_this()](error_code error, tcp::socket socket) {
                                     self->dial_.reset();
                                     if (error)
                                       return self->broken("cannot connect to " + where(*self->to_) + ": " +
                                                           error.message());
                                     self->socket_ = std::move(socket);
                                     error_code ignored;
                                     self->socket_.set_option(tcp::no_delay(true), ignored);
                                     if (self->context_)
                                       self->secure();
                                     else
                                       self->send();
                                   });
  dial_->start();
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
  expect_response();
  request_ = job_->take_request();
  framing_.clear();
  if (!request_.body.empty())
    framing_.append("Content-Length: ").append(std::to_string(request_.body.size())).append("\r\n");
  framing_.append("\r\n");
  const std::array<asio::const_buffer, 3> pieces{asio::buffer(request_.head->text()), asio::buffer(framing_),
                                                 asio::buffer(request_.body)};
  written_ = true;
  writing_ = true;
  auto done = [self = shared_from_this()](error_code error, std::size_t bytes) { self->sent(error, bytes); };
  if (tls_)
    asio::async_write(*tls_, pieces, std::move(done));
  else
    asio::async_write(socket_, pieces, std::move(done));
  // A server may refuse a long request before it has read it all.
  if (request_.body.size() > written_at_once)
    read();
}

void connection::sent(error_code error, std::size_t bytes) {
  writing_ = false;
  const bool reading = request_.body.size() > written_at_once;
  request_ = {};
  if (!job_)
    return;
  if (error)
    written_ = bytes > 0 || tls_.has_value();
  // After an error, too: what the server may have said before it closed is worth more than the broken pipe.
  if (!written_)
    broken("cannot send to " + where(*to_) + ": " + error.message());
  else if (!reading)
    read();
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
  if (error)
    return ended(error);
  const clock_time now = std::chrono::steady_clock::now();
  if (phase_ == phase::waiting)
    job_->saw_first_byte(now);
  if (!released_)
    enter(phase::reading, to_->idle_timeout, now);
  buffer_.commit(bytes);
  error_code fault;
  const bool done = parse(fault);
  if (fault)
    return end(unreadable("it breaks HTTP or a limit: " + fault.message()));
  if (parser_->is_header_done())
    if (const auto no = objection_to(parser_->get(), parser_->need_eof(), job_->receiver() != nullptr))
      return judge(*no);
  if (job_->receiver() != nullptr && parser_->is_header_done())
    pass_on();
  // A body is taken out as it comes: what piles up is a head, a chunk's head or trailers without an end.
  if (!done && buffer_.size() > to_->max_header_bytes)
    return end(unreadable("a part of its framing is longer than max_header_bytes"));
  if (done)
    complete();
  else
    read_on();
}

/// The peer said its last byte, or the connection broke.
void connection::ended(const error_code& error) {
  const bool closed = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
  // Of a success only a stream may end so: its own end mark tells whether it is whole.
  if (closed && parser_->is_header_done() && parser_->need_eof() &&
      (parser_->get().result_int() >= 300 || job_->receiver() != nullptr)) {
    error_code ignored;
    parser_->put_eof(ignored);
    return complete();
  }
  broken(std::string(parser_->got_some() ? "the response broke off"
                                         : "the connection ended without a response") +
         (closed ? "" : ": " + error.message()));
}

void connection::expect_response() {
  parser_.reset();
  head_memory_.release();
  parser_.emplace(std::piecewise_construct, std::make_tuple(),
                  std::make_tuple(head_allocator(&head_memory_)));
  parser_->eager(true);
  parser_->header_limit(to_->max_header_bytes);
  if (job_->receiver() == nullptr)
    parser_->body_limit(to_->max_body_bytes);
  else
    parser_->body_limit(boost::none);
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
      expect_response();
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

/// A success that cannot be read is no success. Of an error, status and fields say what matters.
void connection::judge(const std::string& fault) {
  if (parser_->get().result_int() < 300)
    end(unreadable(fault));
  else
    end(head_of(parser_->get()));
}

void connection::complete() {
  std::optional<std::chrono::milliseconds> keep;
  if (parser_->keep_alive() && !writing_ && drained())
    keep = kept_for(parser_->get()).value_or(to_->keep_alive);
  if (keep && *keep <= std::chrono::milliseconds{0})
    keep.reset();
  http_response response = head_of(parser_->get());
  if (job_->receiver() == nullptr)
    response.body = std::move(parser_->get().body());
  end(std::move(response), keep);
}

/// Whether the peer has said nothing beyond the response: not here, and not in the records that TLS holds.
bool connection::drained() {
  if (buffer_.size() != 0)
    return false;
  return !tls_ || is_drained(*tls_);
}

// --- ending ----------------------------------------------------------------------------------------------

outcome connection::fate() const noexcept {
  return written_ ? outcome::unknown : outcome::not_sent;
}

void connection::broken(const std::string& what) {
  failure made = make_failure(errc::network, what);
  made.fate = fate();
  end(std::move(made));
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
    end(overdue());
}

void connection::abort(failure reason) {
  if (!job_)
    return close();
  reason.fate = fate();
  end(std::move(reason));
}

void connection::end(result<http_response> response, std::optional<std::chrono::milliseconds> keep) {
  const auto self = shared_from_this();
  job_ptr ended = std::move(job_);
  if (keep)
    phase_ = phase::idle;
  else
    close();
  const clock_time now = std::chrono::steady_clock::now();
  ended->conclude(std::move(response), now);
  owner_.on_idle(*this, std::move(ended), keep, now);
}

void connection::close() {
  if (dial_)
    std::exchange(dial_, nullptr)->cancel();
  error_code ignored;
  socket_.close(ignored);
}

bool connection::alive() {
  char byte = 0;
  const auto seen = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

} // namespace weir::transport
