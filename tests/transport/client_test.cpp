// The client against servers that misbehave by script. Every fault: its class, its fate, and how often the
// request was seen, since a request that was sent may have been billed.
#include "transport/client.hpp"
#include "transport/server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <set>
#include <thread>

using namespace weir;
using namespace weir::transport;
using namespace std::chrono_literals;

namespace {

const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A server whose n-th request gets the n-th script, and the last one for ever after.
class scripted {
public:
  explicit scripted(std::vector<script> scripts) : scripts_(std::move(scripts)) {
    server_ = std::move(*server::listen({}, [this](const server_request& request) {
      const std::size_t n = seen_++;
      {
        const std::lock_guard hold(lock_);
        connections_.insert(request.connection);
        bodies_.push_back(request.body);
      }
      return scripts_[std::min(n, scripts_.size() - 1)];
    }));
  }
  std::uint16_t port() const { return server_->port(); }
  std::size_t seen() const { return seen_; }
  std::size_t connections() {
    const std::lock_guard hold(lock_);
    return connections_.size();
  }
  server& itself() { return *server_; }

private:
  std::vector<script> scripts_;
  std::atomic<std::size_t> seen_{0};
  std::mutex lock_;
  std::set<std::uint64_t> connections_;
  std::vector<std::string> bodies_;
  std::unique_ptr<server> server_;
};

std::shared_ptr<endpoint> plain(std::uint16_t port) {
  auto to = std::make_shared<endpoint>();
  to->tls = false;
  to->host = "127.0.0.1";
  to->port = port;
  return to;
}

http_request request(std::string body = "{}") {
  return {*request_head::make("POST", "/v1/chat/completions", {{"Host", "127.0.0.1"}}), std::move(body)};
}

std::future<exchange> post(client& net, std::shared_ptr<const endpoint> to,
                           std::chrono::milliseconds total = 5s) {
  auto promise = std::make_shared<std::promise<exchange>>();
  auto end = promise->get_future();
  net.post(std::move(to), request(), total,
           [promise](exchange done) { promise->set_value(std::move(done)); });
  return end;
}

/// One exchange with a server that answers so.
exchange once(script steps, std::function<void(endpoint&)> change = {},
              std::chrono::milliseconds total = 5s) {
  scripted upstream({std::move(steps)});
  const auto net = make_client(1);
  auto to = plain(upstream.port());
  if (change)
    change(*to);
  auto end = post(*net, to, total).get();
  BOOST_TEST(upstream.seen() <= 1U);
  return end;
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_test)

BOOST_AUTO_TEST_CASE(a_response_comes_whole_and_its_connection_is_used_again) {
  scripted upstream({{send_bytes{good}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  for (int n = 0; n != 20; ++n) {
    const exchange end = post(*net, to).get();
    BOOST_REQUIRE(end.response.has_value());
    BOOST_TEST(end.response->status == 200);
    BOOST_TEST(end.response->body == "hello");
    BOOST_TEST(end.reused == (n != 0));
    BOOST_TEST((end.total >= end.first_byte));
  }
  BOOST_TEST(upstream.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(chunks_and_single_bytes_make_the_same_response) {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX: y\r\n\r\n";
  for (const std::string& bytes : {good, chunked}) {
    script drip;
    for (const char byte : bytes)
      drip.emplace_back(send_bytes{std::string(1, byte)});
    const exchange end = once(drip);
    BOOST_REQUIRE(end.response.has_value());
    BOOST_TEST(end.response->body == "hello");
  }
}

BOOST_AUTO_TEST_CASE(a_response_that_breaks_off_at_any_byte_is_unknown_and_sent_once) {
  for (std::size_t length = 0; length != good.size(); ++length)
    for (const bool reset : {false, true}) {
      script steps;
      if (length != 0)
        steps.emplace_back(send_bytes{good.substr(0, length)});
      if (reset)
        steps.emplace_back(reset_connection{});
      else
        steps.emplace_back(close_connection{});
      const exchange end = once(steps);
      BOOST_REQUIRE(end.response.has_error());
      BOOST_TEST((end.response.error().type == errc::network), "cut at " << length);
      BOOST_TEST((end.response.error().fate == outcome::unknown));
    }
}

BOOST_AUTO_TEST_CASE(a_refused_connection_was_never_sent) {
  scripted upstream({{send_bytes{good}}});
  upstream.itself().refuse_connections();
  const auto net = make_client(1);
  const exchange end = post(*net, plain(upstream.port())).get();
  BOOST_TEST((end.response.error().type == errc::network));
  BOOST_TEST((end.response.error().fate == outcome::not_sent));
  BOOST_REQUIRE(upstream.itself().accept_connections().has_value());
  BOOST_TEST(post(*net, plain(upstream.port())).get().response.has_value());
}

BOOST_AUTO_TEST_CASE(a_name_that_nobody_has_was_never_sent) {
  const auto net = make_client(1);
  auto to = plain(1);
  to->host = "nowhere.invalid";
  const exchange end = post(*net, to).get();
  BOOST_REQUIRE(end.response.has_error());
  BOOST_TEST((end.response.error().fate == outcome::not_sent));
}

BOOST_AUTO_TEST_CASE(each_limit_fires_by_its_own_name) {
  const auto first = once({hang{}}, [](endpoint& to) { to.first_byte_timeout = 100ms; });
  BOOST_TEST((first.response.error().type == errc::timeout));
  BOOST_TEST(first.response.error().message.find("first_byte_timeout") != std::string::npos);
  BOOST_TEST((first.response.error().fate == outcome::unknown));
  const auto idle =
      once({send_bytes{good.substr(0, 20)}, hang{}}, [](endpoint& to) { to.idle_timeout = 100ms; });
  BOOST_TEST(idle.response.error().message.find("idle_timeout") != std::string::npos);
  const auto total = once({hang{}}, {}, 100ms);
  BOOST_TEST(total.response.error().message.find("(timeout)") != std::string::npos);
  BOOST_TEST((total.total >= 100ms));
  BOOST_TEST((total.total < 1s));
}

BOOST_AUTO_TEST_CASE(heads_and_bodies_over_their_bound_are_refused) {
  const auto head = once(
      {send_bytes{"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\nContent-Length: 0\r\n\r\n"}});
  BOOST_TEST(
      (head.response.error().type == errc::network || head.response.error().type == errc::server_error));
  const auto body =
      once({send_bytes{"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x')}},
           [](endpoint& to) { to.max_body_bytes = 50'000; });
  BOOST_TEST(body.response.has_error());
  const auto chunks = once({send_bytes{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" +
                                       std::string(65535, 'x') + "\r\nffff\r\n"}},
                           [](endpoint& to) { to.max_body_bytes = 50'000; });
  BOOST_TEST(chunks.response.has_error());
}

BOOST_AUTO_TEST_CASE(a_response_whose_end_or_body_is_in_doubt_is_refused) {
  for (const char* head : {"HTTP/1.1 200 OK\r\n\r\nhello",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
                           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                           "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
                           "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    const exchange end = once({send_bytes{head}, close_connection{}});
    BOOST_TEST(end.response.has_error(), head);
  }
}

BOOST_AUTO_TEST_CASE(an_error_keeps_its_status_and_fields_when_its_body_is_in_doubt) {
  const exchange old =
      once({send_bytes{"HTTP/1.0 429 Slow down\r\nRetry-After: 7\r\n\r\n{\"error\":1}"}, close_connection{}});
  BOOST_REQUIRE(old.response.has_value());
  BOOST_TEST(old.response->status == 429);
  BOOST_TEST(old.response->find("retry-after") == "7");
  BOOST_TEST(old.response->body == "{\"error\":1}");
  const exchange packed = once(
      {send_bytes{"HTTP/1.1 401 No\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"}, hang{}});
  BOOST_REQUIRE(packed.response.has_value());
  BOOST_TEST(packed.response->status == 401);
  BOOST_TEST(packed.response->body.empty());
}

BOOST_AUTO_TEST_CASE(framing_without_an_end_is_refused) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& flood :
       {chunked + "5;" + std::string(1U << 20U, 'x'), chunked + "0\r\nX: " + std::string(1U << 20U, 'x')}) {
    const exchange end = once({send_bytes{flood}, hang{}});
    BOOST_REQUIRE(end.response.has_error());
    BOOST_TEST((end.response.error().type == errc::server_error));
    BOOST_TEST((end.total < 2s));
  }
  std::string many = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  for (int n = 0; n != 100; ++n)
    many += "X-" + std::to_string(n) + ": y\r\n";
  BOOST_TEST(once({send_bytes{many + "\r\n"}}).response.has_error());
}

BOOST_AUTO_TEST_CASE(interim_responses_are_passed_over_but_not_for_ever) {
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  BOOST_TEST(once({send_bytes{interim + interim + good}}).response.has_value());
  std::string flood;
  for (int n = 0; n != 1000; ++n)
    flood += interim;
  BOOST_TEST(once({send_bytes{flood + good}}).response.has_error());
}

BOOST_AUTO_TEST_CASE(a_connection_with_bytes_left_over_is_not_used_again) {
  scripted upstream(
      {{send_bytes{good + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}}, {send_bytes{good}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  BOOST_TEST(post(*net, to).get().response->body == "hello");
  const exchange next = post(*net, to).get();
  BOOST_TEST(next.response->body == "hello");
  BOOST_TEST(!next.reused);
}

BOOST_AUTO_TEST_CASE(a_server_that_says_close_is_believed) {
  scripted upstream({{send_bytes{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  BOOST_TEST(post(*net, to).get().response.has_value());
  BOOST_TEST(!post(*net, to).get().reused);
}

BOOST_AUTO_TEST_CASE(a_server_that_keeps_connections_for_a_second_only_is_not_raced) {
  scripted upstream(
      {{send_bytes{"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok"}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  BOOST_TEST(post(*net, to).get().response.has_value());
  BOOST_TEST(!post(*net, to).get().reused);
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_too_old_to_serve_again_is_closed) {
  scripted upstream({{transport::pause{5ms}, send_bytes{good}}}); // too old by the end of its first exchange
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  to->max_age = 1ms;
  BOOST_TEST(post(*net, to).get().response.has_value());
  const std::size_t before = open_descriptors();
  for (int n = 0; n != 20; ++n)
    BOOST_TEST(post(*net, to).get().response.has_value());
  BOOST_TEST(upstream.connections() == 21U);
  std::this_thread::sleep_for(20ms); // the server's side sees the ends a moment later
  BOOST_TEST(open_descriptors() <= before + 2);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_that_the_server_closed_is_replaced_before_anything_is_sent) {
  scripted upstream({{send_bytes{good}, close_connection{}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  for (int n = 0; n != 20; ++n) {
    const exchange end = post(*net, to).get();
    // Once the server's FIN is here, the next exchange sees it before it writes.
    BOOST_REQUIRE(end.response.has_value());
    std::this_thread::sleep_for(5ms);
  }
  BOOST_TEST(upstream.seen() == 20U);
  BOOST_TEST(upstream.connections() == 20U);
}

BOOST_AUTO_TEST_CASE(a_server_that_reads_and_dies_sees_the_request_once) {
  scripted upstream({{send_bytes{good}}, {close_connection{}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  BOOST_TEST(post(*net, to).get().response.has_value());
  const exchange end = post(*net, to).get(); // on the reused connection
  BOOST_TEST(end.reused);
  BOOST_TEST((end.response.error().fate == outcome::unknown));
  BOOST_TEST(upstream.seen() == 2U);
}

BOOST_AUTO_TEST_CASE(a_refusal_is_heard_while_the_request_is_still_being_written) {
  boost::asio::io_context io;
  using boost::asio::ip::tcp;
  tcp::acceptor door(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  // Reads the head, refuses, and then neither reads on nor closes.
  std::promise<void> done;
  std::thread rude([&] {
    tcp::socket guest = door.accept();
    std::string head;
    boost::asio::read_until(guest, boost::asio::dynamic_buffer(head), "\r\n\r\n");
    boost::asio::write(
        guest, boost::asio::buffer(std::string("HTTP/1.1 413 Too large\r\nContent-Length: 2\r\n\r\n{}")));
    done.get_future().wait();
  });
  const auto net = make_client(1);
  std::promise<exchange> promise;
  net->post(plain(door.local_endpoint().port()), request(std::string(32U << 20U, 'x')), 10s,
            [&](exchange end) { promise.set_value(std::move(end)); });
  const exchange end = promise.get_future().get();
  done.set_value();
  rude.join();
  BOOST_REQUIRE(end.response.has_value());
  BOOST_TEST(end.response->status == 413);
  BOOST_TEST((end.total < 5s));
}

BOOST_AUTO_TEST_CASE(no_more_connections_than_allowed_and_nobody_starves) {
  script slow;
  slow.emplace_back(transport::pause{2ms});
  slow.emplace_back(send_bytes{good});
  scripted upstream({slow});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  to->max_connections = 3;
  std::vector<std::future<exchange>> ends;
  for (int n = 0; n != 60; ++n)
    ends.push_back(post(*net, to));
  for (auto& each : ends)
    BOOST_TEST(each.get().response.has_value());
  BOOST_TEST(upstream.connections() <= 3U);
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_connection_is_bound_by_his_deadline) {
  scripted upstream({{hang{}}});
  const auto net = make_client(1);
  const auto to = plain(upstream.port());
  to->max_connections = 1;
  auto first = post(*net, to, 400ms);
  auto second = post(*net, to, 100ms);
  const exchange end = second.get();
  BOOST_TEST((end.response.error().type == errc::timeout));
  BOOST_TEST((end.response.error().fate == outcome::not_sent));
  BOOST_TEST(first.get().response.has_error());
}

BOOST_AUTO_TEST_CASE(cancelling_ends_the_exchange_and_closes_its_connection) {
  scripted upstream({{hang{}}});
  const auto net = make_client(1);
  std::promise<exchange> promise;
  const auto id = net->post(plain(upstream.port()), request(), 10s,
                            [&](exchange end) { promise.set_value(std::move(end)); });
  while (upstream.seen() == 0)
    std::this_thread::sleep_for(1ms);
  const auto begin = std::chrono::steady_clock::now();
  net->cancel(id);
  const exchange end = promise.get_future().get();
  BOOST_TEST((end.response.error().type == errc::cancelled));
  BOOST_TEST((end.response.error().fate == outcome::unknown));
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 1s));
  net->cancel(id); // once more is nothing
}

BOOST_AUTO_TEST_CASE(closing_ends_everything_once_and_leaks_nothing) {
  const std::size_t before = open_descriptors();
  {
    scripted upstream({{hang{}}});
    const auto net = make_client(2);
    std::vector<std::future<exchange>> ends;
    for (int n = 0; n != 50; ++n)
      ends.push_back(post(*net, plain(upstream.port()), 60s));
    while (upstream.seen() < 10)
      std::this_thread::sleep_for(1ms);
    net->close();
    for (auto& each : ends)
      BOOST_TEST((each.get().response.error().type == errc::cancelled));
    BOOST_TEST((post(*net, plain(upstream.port())).get().response.error().type == errc::cancelled));
    net->close();
  }
  BOOST_TEST(open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(many_at_once_all_come_back_with_their_own_answer) {
  std::unique_ptr<server> echo = std::move(*server::listen({}, [](const server_request& asked) {
    return script{send_bytes{to_bytes({200, {}, asked.body})}};
  }));
  const auto net = make_client(2);
  const auto to = plain(echo->port());
  std::atomic<int> right{0};
  std::atomic<int> all{0};
  for (int n = 0; n != 3000; ++n) {
    const std::string body = "request " + std::to_string(n);
    net->post(to, request(body), 30s, [&, body](exchange end) {
      right += end.response && end.response->body == body ? 1 : 0;
      ++all;
    });
    if (n % 64 == 63)
      while (all < n - 64)
        std::this_thread::yield();
  }
  while (all != 3000)
    std::this_thread::sleep_for(1ms);
  BOOST_TEST(right == 3000);
}

BOOST_AUTO_TEST_SUITE_END()
