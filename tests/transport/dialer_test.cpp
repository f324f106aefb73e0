// Which address is connected to: the first that answers.
#include "transport/dialer.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/test/unit_test.hpp>

#include <optional>

using namespace weir::transport;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

asio::ip::address at(const char* text) {
  return asio::ip::make_address(text);
}

/// Listens and never accepts; once its queue is full, it does not even answer.
struct silent_door {
  explicit silent_door(asio::io_context& io, const tcp::endpoint& where) : door(io) {
    door.open(where.protocol());
    door.set_option(tcp::acceptor::reuse_address(true));
    door.bind(where);
    door.listen(0);
    for (int n = 0; n != 3; ++n) {
      guests.emplace_back(io);
      guests.back().async_connect(where, [](const boost::system::error_code&) {});
    }
    io.run_for(100ms);
    io.restart();
  }
  tcp::acceptor door;
  std::vector<tcp::socket> guests;
};

struct end {
  boost::system::error_code error;
  std::optional<asio::ip::address> peer;
};

end dial(asio::io_context& io, std::vector<asio::ip::address> addresses, std::uint16_t port) {
  std::optional<end> seen;
  const auto race = std::make_shared<dialer>(io, std::move(addresses), port,
                                             [&](boost::system::error_code error, tcp::socket socket) {
                                               BOOST_TEST(!seen.has_value());
                                               seen = end{error, {}};
                                               if (!error)
                                                 seen->peer = socket.remote_endpoint().address();
                                             });
  race->start();
  for (int n = 0; n != 300 && !seen; ++n)
    io.run_for(10ms);
  BOOST_REQUIRE(seen.has_value());
  return *seen;
}

} // namespace

BOOST_AUTO_TEST_SUITE(dialer_test)

BOOST_AUTO_TEST_CASE(families_take_turns) {
  const auto ordered = alternate_families({at("::1"), at("::2"), at("::3"), at("1.1.1.1"), at("2.2.2.2")});
  BOOST_TEST((ordered == std::vector{at("::1"), at("1.1.1.1"), at("::2"), at("2.2.2.2"), at("::3")}));
}

BOOST_AUTO_TEST_CASE(an_address_that_is_silent_costs_a_moment_and_not_the_call) {
  asio::io_context io;
  tcp::acceptor alive(io, tcp::endpoint(at("127.0.0.1"), 0));
  const std::uint16_t port = alive.local_endpoint().port();
  const silent_door silent(io, tcp::endpoint(at("127.0.0.2"), port));
  const auto begin = std::chrono::steady_clock::now();
  const end seen = dial(io, {at("127.0.0.2"), at("127.0.0.1")}, port);
  BOOST_REQUIRE(seen.peer.has_value());
  BOOST_TEST(*seen.peer == at("127.0.0.1"));
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 2s));
}

BOOST_AUTO_TEST_CASE(an_address_that_refuses_costs_nothing) {
  asio::io_context io;
  tcp::acceptor alive(io, tcp::endpoint(at("127.0.0.1"), 0));
  const end seen = dial(io, {at("127.0.0.3"), at("127.0.0.1")}, alive.local_endpoint().port());
  BOOST_REQUIRE(seen.peer.has_value());
  BOOST_TEST(*seen.peer == at("127.0.0.1"));
}

BOOST_AUTO_TEST_CASE(when_all_refuse_the_last_refusal_is_told) {
  asio::io_context io;
  std::uint16_t port = 0;
  {
    const tcp::acceptor closed(io, tcp::endpoint(at("127.0.0.1"), 0));
    port = closed.local_endpoint().port();
  }
  const end seen = dial(io, {at("127.0.0.1"), at("127.0.0.2"), at("127.0.0.3")}, port);
  BOOST_TEST((seen.error == asio::error::connection_refused));
}

BOOST_AUTO_TEST_CASE(a_cancelled_race_tells_nobody) {
  asio::io_context io;
  tcp::acceptor alive(io, tcp::endpoint(at("127.0.0.1"), 0));
  const auto race =
      std::make_shared<dialer>(io, std::vector{at("127.0.0.1")}, alive.local_endpoint().port(),
                               [&](boost::system::error_code, tcp::socket) { BOOST_TEST(false); });
  race->start();
  race->cancel();
  io.run_for(50ms);
}

BOOST_AUTO_TEST_SUITE_END()
