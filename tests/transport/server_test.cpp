// The server's framing: what could be read in two ways is refused, and the connection with it.
#include "transport/server.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace weir;
using namespace weir::transport;

namespace {

/// Sends bytes over a plain socket and reads until the server closes or says nothing for a moment.
std::string talk(std::uint16_t port, const std::string& bytes) {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  BOOST_REQUIRE(::connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const timeval patience{0, 300'000};
  ::setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  [[maybe_unused]] const auto sent = ::send(file, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  std::string answer;
  char part[4096];
  for (ssize_t length = 0; (length = ::recv(file, part, sizeof part, 0)) > 0;)
    answer.append(part, static_cast<std::size_t>(length));
  ::close(file);
  return answer;
}

} // namespace

BOOST_AUTO_TEST_SUITE(server_test)

BOOST_AUTO_TEST_CASE(requests_that_could_be_smuggled_are_refused_and_never_handled) {
  std::atomic<int> handled{0};
  const auto upstream = server::listen({}, [&](const server_request&) {
    ++handled;
    return script{send_bytes{to_bytes({200, {}, "ok"})}};
  });
  const std::string post = "POST /x HTTP/1.1\r\n";
  for (const std::string& request :
       {post + "Content-Length: 0\r\n\r\n", post + "Host: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n",
        post + "Host: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        post + "Host: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        post + "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        post + "Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        post + "Host: a\r\nContent-Length: 2, 2\r\n\r\nok", post + "Host: a\r\nContent-Length: +2\r\n\r\nok",
        post + "Host : a\r\nContent-Length: 0\r\n\r\n",
        std::string("POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        std::string("nonsense\r\n\r\n"), post + "Host: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"}) {
    const std::string answer = talk((*upstream)->port(), request);
    BOOST_TEST(answer.starts_with("HTTP/1.1 400 "), request.substr(0, 80) << " got " << answer.substr(0, 40));
  }
  BOOST_TEST(handled == 0);
}

BOOST_AUTO_TEST_CASE(requests_in_one_breath_are_answered_in_order) {
  const auto upstream = server::listen({}, [](const server_request& asked) {
    return script{send_bytes{to_bytes({200, {}, asked.target + ";"})}};
  });
  std::string three;
  for (const char* path : {"/a", "/b", "/c"})
    three += std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string answer = talk((*upstream)->port(), three);
  BOOST_TEST(answer.find("/a;") < answer.find("/b;"));
  BOOST_TEST(answer.find("/b;") < answer.find("/c;"));
  BOOST_TEST(answer.find("/c;") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_port_in_use_is_a_typed_failure) {
  const auto first = server::listen({}, [](const server_request&) { return script{}; });
  server_options same;
  same.port = (*first)->port();
  const auto second = server::listen(same, [](const server_request&) { return script{}; });
  BOOST_REQUIRE(second.has_error());
  BOOST_TEST((second.error().type == errc::network));
}

BOOST_AUTO_TEST_SUITE_END()
