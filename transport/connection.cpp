// The steps of an exchange, in order. Each step's handler keeps the connection alive and does nothing if the
// exchange was ended meanwhile.
#include "transport/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
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
/// More fields than any provider sends.
constexpr std::ptrdiff_t max_fields = 100;

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

/// Writes the request and reads beside it: a server may refuse a long request before it has read it all.
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
  read();
}

void connection::sent(error_code error, std::size_t bytes) {
  writing_ = false;
  request_ = {};
  if (!job_ || !error)
    return;
  // What the server may have said before it closed is worth more than the broken pipe: the read will tell.
  written_ = bytes > 0 || tls_.has_value();
  if (!written_)
    broken("cannot send to " + where(*to_) + ": " + error.message());
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
  if (phase_ == phase::waiting)
    job_->saw_first_byte(std::chrono::steady_clock::now());
  enter(phase::reading, to_->idle_timeout);
  buffer_.commit(bytes);
  error_code fault;
  const bool done = parse(fault);
  if (fault)
    return end(unreadable("it breaks HTTP or a limit: " + fault.message()));
  if (parser_->is_header_done())
    if (const auto no = objection())
      return judge(*no);
  // A body is taken out as it comes: what piles up is a head, a chunk's head or trailers without an end.
  if (!done && buffer_.size() > to_->max_header_bytes)
    return end(unreadable("a part of its framing is longer than max_header_bytes"));
  if (done)
    complete();
  else
    read();
}

/// The peer said its last byte, or the connection broke.
void connection::ended(const error_code& error) {
  const bool closed = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
  // An error's text may end with its connection; if it broke off, no harm is done.
  if (closed && parser_->is_header_done() && parser_->need_eof() && parser_->get().result_int() >= 300) {
    error_code ignored;
    parser_->put_eof(ignored);
    return complete();
  }
  broken(std::string(parser_->got_some() ? "the response broke off"
                                         : "the connection ended without a response") +
         (closed ? "" : ": " + error.message()));
}

void connection::expect_response() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(to_->max_header_bytes);
  parser_->body_limit(to_->max_body_bytes);
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

/// What in a response's head makes it unreadable, or unsafe to read: its end must be certain, its body as it
/// is.
std::optional<std::string> connection::objection() const {
  const auto& head = parser_->get();
  if (std::distance(head.begin(), head.end()) > max_fields)
    return "it has more than " + std::to_string(max_fields) + " header fields";
  if (const auto coding = head[http::field::content_encoding];
      !coding.empty() && !boost::beast::iequals(coding, "identity"))
    return "it is compressed, which was not asked for";
  if (const auto coding = head[http::field::transfer_encoding];
      !coding.empty() && !boost::beast::iequals(coding, "chunked"))
    return "its transfer coding is not 'chunked'";
  if (parser_->need_eof() && head.result_int() < 300)
    return "it has neither a length nor chunks, so its end cannot be told from a break";
  return std::nullopt;
}

/// A success that cannot be read is no success. Of an error, status and fields say what matters.
void connection::judge(const std::string& fault) {
  if (parser_->get().result_int() < 300)
    end(unreadable(fault));
  else
    end(response_head());
}

http_response connection::response_head() const {
  const auto& head = parser_->get();
  http_response response;
  response.status = static_cast<int>(head.result_int());
  for (const auto& field : head)
    response.fields.push_back({std::string(field.name_string()), std::string(field.value())});
  return response;
}

void connection::complete() {
  std::optional<std::chrono::milliseconds> keep;
  if (parser_->keep_alive() && !writing_ && drained())
    keep = server_keeps();
  http_response response = response_head();
  response.body = std::move(parser_->get().body());
  end(std::move(response), keep);
}

/// Whether the peer has said nothing beyond the response: not here, and not in the records that TLS holds.
bool connection::drained() {
  if (buffer_.size() != 0)
    return false;
  return !tls_ || is_drained(*tls_);
}

/// How long the server says that it keeps the connection, less a second for what is under way.
std::chrono::milliseconds connection::server_keeps() const {
  constexpr std::string_view parameter = "timeout=";
  const auto field = parser_->get()[http::field::keep_alive];
  const auto at = field.find(parameter);
  std::uint32_t seconds = 0;
  if (at == std::string_view::npos ||
      std::from_chars(field.data() + at + parameter.size(), field.data() + field.size(), seconds).ec !=
          std::errc{})
    return to_->keep_alive;
  return std::chrono::seconds{seconds} - std::chrono::seconds{1};
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
  ended->finish(std::move(response), std::chrono::steady_clock::now());
  owner_.on_idle(*this, ended->id(), keep);
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
