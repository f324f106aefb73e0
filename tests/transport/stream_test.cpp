// Streamed responses: pieces as they come, a peer that has to wait, ends of every kind.
#include "tests/transport/scripted.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <condition_variable>
#include <thread>

using namespace weir;
using namespace weir::transport;
using namespace weir::transport::testing;
using namespace std::chrono_literals;

namespace {

/// Writes everything down; grants nothing by itself.
class recorder final : public stream_receiver {
public:
  void on_head(http_response head) override {
    const std::lock_guard hold(lock_);
    heads_.push_back(std::move(head));
    news_.notify_all();
  }
  void on_body(std::string bytes) override {
    const std::lock_guard hold(lock_);
    ++pieces_;
    body_ += bytes;
    news_.notify_all();
  }
  void on_end(exchange end) override {
    const std::lock_guard hold(lock_);
    ends_.push_back(std::move(end));
    news_.notify_all();
  }

  const exchange& end() {
    wait([this] { return !ends_.empty(); });
    BOOST_REQUIRE_EQUAL(ends_.size(), 1U);
    for (const http_response& head : heads_) // checked here: Boost.Test is for one thread
      BOOST_TEST(head.body.empty());
    return ends_.front();
  }
  void wait_for(std::size_t bytes) {
    wait([this, bytes] { return body_.size() >= bytes; });
  }
  std::string body() {
    const std::lock_guard hold(lock_);
    return body_;
  }
  std::size_t size() {
    const std::lock_guard hold(lock_);
    return body_.size();
  }
  std::size_t pieces() {
    const std::lock_guard hold(lock_);
    return pieces_;
  }
  const std::vector<http_response>& heads() const { return heads_; }
  bool ended() {
    const std::lock_guard hold(lock_);
    return !ends_.empty();
  }

private:
  template <class Condition>
  void wait(Condition condition) {
    std::unique_lock hold(lock_);
    BOOST_REQUIRE(news_.wait_for(hold, 10s, condition));
  }

  std::mutex lock_;
  std::condition_variable news_;
  std::vector<http_response> heads_;
  std::string body_;
  std::size_t pieces_ = 0;
  std::vector<exchange> ends_;
};

const std::string stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(const std::string& text) {
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
  return size.data() + text + "\r\n";
}

const std::string last_chunk = "0\r\n\r\n";

struct opened {
  std::shared_ptr<recorder> to = std::make_shared<recorder>();
  exchange_id id = 0;
};

opened open(client& net, std::shared_ptr<const endpoint> to, std::chrono::milliseconds total = 10s) {
  opened made;
  made.id = net.stream(std::move(to), request(), total, made.to);
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(stream_test)

BOOST_AUTO_TEST_CASE(pieces_come_while_the_response_goes_on_and_the_connection_serves_again) {
  scripted upstream({{send_bytes{stream_head + chunk("data: 1\n\n")}, transport::pause{100ms},
                      send_bytes{chunk("data: 2\n\n") + last_chunk}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  for (int n = 0; n != 3; ++n) {
    const opened stream = open(*net, to);
    stream.to->wait_for(9);
    BOOST_TEST(!stream.to->ended());
    const exchange& end = stream.to->end();
    BOOST_REQUIRE(end.response.has_value());
    BOOST_TEST(end.response->status == 200);
    BOOST_TEST(end.response->body.empty());
    BOOST_TEST(end.reused == (n != 0));
    BOOST_TEST(stream.to->body() == "data: 1\n\ndata: 2\n\n");
    BOOST_TEST(stream.to->pieces() >= 2U);
    BOOST_REQUIRE_EQUAL(stream.to->heads().size(), 1U);
    BOOST_TEST(stream.to->heads().front().find("content-type") == "text/event-stream");
  }
  BOOST_TEST(upstream.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(a_full_window_makes_the_peer_wait_and_a_grant_lets_it_go_on) {
  const std::string part(16 * 1024, 'x');
  script steps{send_bytes{stream_head}};
  for (int n = 0; n != 2048; ++n) // 32 MiB: more than any socket buffers
    steps.emplace_back(send_bytes{chunk(part)});
  steps.emplace_back(send_bytes{last_chunk});
  scripted upstream({std::move(steps)});
  const auto net = make_client(1);
  auto to = plain(upstream.port());
  to->idle_timeout = 1s; // must not strike while we are the ones who wait
  const opened stream = open(*net, to, 60s);
  stream.to->wait_for(to->stream_window);
  std::this_thread::sleep_for(1500ms);
  BOOST_TEST(!stream.to->ended());
  BOOST_TEST(stream.to->size() <= to->stream_window + 16 * 1024);
  std::size_t granted = 0;
  while (!stream.to->ended()) {
    const std::size_t seen = stream.to->size();
    if (seen > granted)
      net->grant(stream.id, seen - std::exchange(granted, seen));
    std::this_thread::sleep_for(100us);
  }
  BOOST_TEST(stream.to->end().response.has_value());
  BOOST_TEST(stream.to->body().size() == 2048 * part.size());
}

BOOST_AUTO_TEST_CASE(cancelling_closes_the_connection_at_once_also_while_the_peer_waits) {
  using tcp = boost::asio::ip::tcp;
  boost::asio::io_context io;
  tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0));
  std::promise<std::chrono::steady_clock::time_point> closed;
  std::thread peer([&] {
    tcp::socket socket = acceptor.accept();
    std::string head;
    boost::asio::read_until(socket, boost::asio::dynamic_buffer(head), "{}");
    boost::system::error_code error;
    boost::asio::write(socket, boost::asio::buffer(stream_head), error);
    const std::string part = chunk(std::string(60'000, 'x'));
    while (!error)
      boost::asio::write(socket, boost::asio::buffer(part), error);
    closed.set_value(std::chrono::steady_clock::now());
  });
  const auto net = make_client(1);
  const auto to = plain(acceptor.local_endpoint().port());
  const opened stream = open(*net, to);
  stream.to->wait_for(to->stream_window);
  std::this_thread::sleep_for(50ms);
  const auto told = std::chrono::steady_clock::now();
  net->cancel(stream.id);
  BOOST_TEST(((closed.get_future().get() - told) < 50ms));
  peer.join();
  BOOST_TEST((stream.to->end().response.error().type == errc::cancelled));
  BOOST_TEST((stream.to->end().response.error().fate == outcome::unknown));
}

BOOST_AUTO_TEST_CASE(what_is_released_ends_soon_and_keeps_its_connection_if_the_rest_is_there) {
  scripted upstream(
      {{send_bytes{stream_head + chunk("data: [DONE]\n\n")}, transport::pause{50ms}, send_bytes{last_chunk}},
       {send_bytes{stream_head + chunk("data: [DONE]\n\n")}, hang{}},
       {send_bytes{good}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  const opened first = open(*net, to);
  first.to->wait_for(14);
  net->release(first.id);
  BOOST_TEST(first.to->end().response.has_value());
  const opened second = open(*net, to); // its rest never comes
  second.to->wait_for(14);
  const auto told = std::chrono::steady_clock::now();
  net->release(second.id);
  BOOST_TEST((second.to->end().response.error().type == errc::timeout));
  BOOST_TEST(((std::chrono::steady_clock::now() - told) < 1s));
  BOOST_TEST(second.to->end().reused);
  BOOST_TEST(!post(*net, to).get().reused);
}

BOOST_AUTO_TEST_CASE(a_stream_may_end_with_its_connection_and_an_error_comes_with_its_body) {
  const std::string open_end = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
  scripted upstream({{send_bytes{open_end}, close_connection{}},
                     {send_bytes{"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}"}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  const opened first = open(*net, to);
  BOOST_TEST(first.to->end().response.has_value());
  BOOST_TEST(first.to->body() == "data: 1\n\n");
  const opened second = open(*net, to);
  BOOST_TEST(second.to->end().response.value().status == 429);
  BOOST_TEST(second.to->body() == "{}");
}

BOOST_AUTO_TEST_CASE(a_stream_that_breaks_off_or_stands_still_is_told_and_its_fate_is_unknown) {
  scripted upstream({{send_bytes{stream_head + chunk("data: 1\n\n")}, close_connection{}},
                     {send_bytes{stream_head + chunk("data: 1\n\n")}, reset_connection{}},
                     {send_bytes{stream_head + chunk("data: 1\n\n")}, hang{}}});
  const auto net = make_client(1);
  auto to = plain(upstream.port());
  to->idle_timeout = 100ms;
  for (const errc expected : {errc::network, errc::network, errc::timeout}) {
    const opened stream = open(*net, to);
    const failure& error = stream.to->end().response.error();
    BOOST_TEST((error.type == expected), error.message);
    BOOST_TEST((error.fate == outcome::unknown));
  }
}

BOOST_AUTO_TEST_SUITE_END()
