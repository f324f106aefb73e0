// The race between addresses.
#include "transport/dialer.hpp"

#include <algorithm>
#include <utility>

namespace weir::transport {

namespace asio = boost::asio;

std::vector<asio::ip::address> alternate_families(const std::vector<asio::ip::address>& addresses) {
  std::vector<asio::ip::address> ordered;
  std::vector<asio::ip::address> same;
  std::vector<asio::ip::address> other;
  for (const auto& each : addresses)
    (each.is_v6() == addresses.front().is_v6() ? same : other).push_back(each);
  for (std::size_t at = 0; at != std::max(same.size(), other.size()); ++at) {
    if (at < same.size())
      ordered.push_back(same[at]);
    if (at < other.size())
      ordered.push_back(other[at]);
  }
  return ordered;
}

dialer::dialer(asio::io_context& io, std::vector<asio::ip::address> addresses, std::uint16_t port,
               handler done)
    : io_(io), addresses_(std::move(addresses)), port_(port), done_(std::move(done)), timer_(io) {
  sockets_.reserve(addresses_.size()); // sockets stay where they are while they connect
}

void dialer::try_next() {
  const std::size_t which = sockets_.size();
  tcp::socket& socket = sockets_.emplace_back(io_);
  socket.async_connect(
      tcp::endpoint(addresses_[which], port_),
      [self = shared_from_this(), which](const error_code& error) { self->ended(which, error); });
  if (sockets_.size() == addresses_.size())
    return;
  timer_.expires_after(head_start);
  timer_.async_wait([self = shared_from_this(), which](const error_code& cancelled) {
    // Another one may have been begun meanwhile, since this one failed.
    if (!cancelled && self->done_ && self->sockets_.size() == which + 1)
      self->try_next();
  });
}

void dialer::ended(std::size_t which, const error_code& error) {
  if (!done_)
    return;
  if (!error) {
    tcp::socket won = std::move(sockets_[which]);
    const handler done = std::exchange(done_, nullptr);
    cancel();
    return done({}, std::move(won));
  }
  ++failed_;
  if (sockets_.size() != addresses_.size())
    return try_next();
  if (failed_ == addresses_.size())
    std::exchange(done_, nullptr)(error, tcp::socket(io_));
}

void dialer::cancel() {
  done_ = nullptr;
  timer_.cancel();
  error_code ignored;
  for (tcp::socket& each : sockets_)
    each.close(ignored);
}

} // namespace weir::transport
