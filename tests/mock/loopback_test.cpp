// Streams over real sockets: they arrive while they are made, wait for slow readers, and notice who leaves.
#include "tests/mock/asking.hpp"
#include "tools/mock/mock_server.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace weir;
using namespace weir::mock;
using namespace weir::mock::testing;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

/// A client's end of a connection, as bare as it can be.
class peer {
public:
  explicit peer(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    const timeval patience{5, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;
  ~peer() { leave(); }

  void ask(api_kind dialect, bool stream = true) {
    const auto request = asking(dialect, stream ? "\"stream\":true" : "");
    std::string bytes = request.method + " " + request.target + " HTTP/1.1\r\nHost: x\r\n";
    for (const auto& [name, value] : request.fields)
      bytes.append(name).append(": ").append(value).append("\r\n");
    bytes += "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" + request.body;
    BOOST_REQUIRE(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                  static_cast<ssize_t>(bytes.size()));
  }

  /// Reads until a text has come, and no further than a read goes; all that came since the last call.
  std::string read_until(const std::string& text) {
    std::string bytes;
    std::array<char, 4096> piece{};
    while (bytes.find(text) == std::string::npos) {
      const auto got = ::recv(socket_, piece.data(), piece.size(), 0);
      if (got <= 0)
        break;
      bytes.append(piece.data(), static_cast<std::size_t>(got));
    }
    return bytes;
  }
  std::size_t read(std::size_t most) {
    std::vector<char> piece(most);
    const auto got = ::recv(socket_, piece.data(), piece.size(), 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

  /// Closes with FIN, or with RST when something was not read.
  void leave() {
    if (socket_ >= 0)
      ::close(std::exchange(socket_, -1));
  }

private:
  int socket_;
};

std::unique_ptr<mock_server> started(const plan& of, const std::string& log = {}) {
  mock_options options;
  options.plan = of;
  options.log_file = log;
  auto server = mock_server::start(options);
  BOOST_REQUIRE(server.has_value());
  return std::move(*server);
}

template <class Condition>
bool soon(Condition holds) {
  for (int n = 0; n != 500 && !holds(); ++n)
    std::this_thread::sleep_for(10ms);
  return holds();
}

plan slowly(milliseconds delay) {
  plan made = any_model();
  made.chunk_delay = delay;
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(loopback_test)

BOOST_AUTO_TEST_CASE(a_stream_arrives_while_it_is_made_and_leaves_the_connection_open) {
  const auto mock = started(slowly(50ms));
  peer client(mock->port());
  for (const api_kind dialect : {api_kind::chat, api_kind::messages}) {
    const auto begin = steady_clock::now();
    client.ask(dialect);
    std::string bytes = client.read_until("You");
    BOOST_TEST((steady_clock::now() - begin < 50ms));
    BOOST_TEST(bytes.find("there") == std::string::npos);
    bytes += client.read_until("\r\n0\r\n\r\n");
    BOOST_TEST((steady_clock::now() - begin >= 150ms));
    BOOST_TEST(part(bytes).ended);
    BOOST_TEST(gathered(part(bytes).body, dialect == api_kind::chat ? "content" : "text") ==
               "You said: Hello there");
  }
  client.ask(api_kind::chat, false);
  BOOST_TEST(client.read_until("\"usage\"").find("You said: Hello there") != std::string::npos);
  BOOST_TEST(mock->abandoned() == 0U);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_a_stream_is_noticed_at_once_and_logged) {
  const std::string log =
      (std::filesystem::temp_directory_path() / ("weir-mock-left-" + std::to_string(::getpid()))).string();
  std::filesystem::remove(log);
  const auto mock = started(slowly(3'600'000ms), log);
  peer client(mock->port());
  client.ask(api_kind::messages);
  client.read_until("You");
  client.leave();
  BOOST_TEST(soon([&] { return mock->abandoned() == 1; }));
  std::ifstream file(log);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove(log);
  BOOST_TEST(count(text, "\n") == 2U);
  BOOST_TEST(count(text,
                   R"("path":"/v1/messages","dialect":"messages","model":"m","stream":true,"fault":null,)"
                   R"("status":200,"chunks":4,)") == 1U);
  BOOST_TEST(text.find(R"({"n":1,"time_ms":)") != std::string::npos);
  BOOST_TEST(text.ends_with("\"event\":\"closed\",\"chunks\":1}\n"));
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_is_noticed_in_every_kind_of_silence) {
  for (const fault_kind kind : {fault_kind::hang, fault_kind::stall_stream, fault_kind::slow_first_byte}) {
    plan of = with_fault(kind);
    of.faults[0].delay = kind == fault_kind::slow_first_byte ? 3'600'000ms : 0ms;
    const auto mock = started(of);
    peer client(mock->port());
    client.ask(api_kind::chat);
    BOOST_TEST(soon([&] { return mock->requests() == 1; }));
    client.leave();
    BOOST_TEST(soon([&] { return mock->abandoned() == 1; }));
  }
  const auto mock = started(with_fault(fault_kind::endless));
  peer client(mock->port());
  client.ask(api_kind::chat);
  BOOST_TEST(client.read(1000) != 0U);
  client.leave();
  BOOST_TEST(soon([&] { return mock->abandoned() == 1; }));
}

BOOST_AUTO_TEST_CASE(what_nobody_reads_is_not_made) {
  std::atomic<std::size_t> made{0};
  const std::string piece(10'000, 'x');
  const auto server = transport::server::listen({}, [&](const transport::server_request&) {
    return transport::script{transport::generate{[&]() -> std::optional<transport::plain_step> {
      ++made;
      return transport::send_bytes{piece};
    }}};
  });
  BOOST_REQUIRE(server.has_value());
  peer client((*server)->port());
  client.ask(api_kind::chat);
  std::size_t before = 0;
  BOOST_TEST(soon([&] {
    const bool still = made != 0 && before == made;
    before = made;
    std::this_thread::sleep_for(90ms);
    return still;
  }));
  BOOST_TEST(before < 3'000U); // what two sockets' buffers hold
  for (std::size_t read = 0; read < 20'000'000;) {
    const std::size_t got = client.read(100'000);
    BOOST_REQUIRE(got != 0);
    read += got;
  }
  BOOST_TEST(soon([&] { return made > 2'000; }));
}

BOOST_AUTO_TEST_CASE(a_pause_does_not_keep_a_server_from_stopping) {
  plan late = any_model();
  late.latency = 3'600'000ms;
  auto mock = started(late);
  peer client(mock->port());
  client.ask(api_kind::chat, false);
  BOOST_TEST(soon([&] { return mock->requests() == 1; }));
  const auto begin = steady_clock::now();
  mock.reset();
  BOOST_TEST((steady_clock::now() - begin < 2s));
}

BOOST_AUTO_TEST_SUITE_END()
