// The client against servers that misbehave by script. Every fault: its class, its fate, and how often the
// request was seen, since a request that was sent may have been billed.
#include "tests/transport/scripted.hpp"

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
using namespace weir::transport::testing;
using namespace std::chrono_literals;

namespace {

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
  for (int n = 0; n != 300 && open_descriptors() > before + 2; ++n)
    std::this_thread::sleep_for(10ms); // the server's side sees the ends a moment later
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

// Last: its look-up may go on for a while with a descriptor of its own.
BOOST_AUTO_TEST_CASE(a_name_that_nobody_has_was_never_sent) {
  const auto net = make_client(1);
  auto to = plain(1);
  to->host = "nowhere.invalid";
  const exchange end = post(*net, to).get();
  BOOST_REQUIRE(end.response.has_error());
  BOOST_TEST((end.response.error().fate == outcome::not_sent));
}

BOOST_AUTO_TEST_SUITE_END()
