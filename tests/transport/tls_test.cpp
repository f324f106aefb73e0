// Which certificates are accepted. They are made here, by the openssl program, for every run anew.
#include "transport/client.hpp"
#include "transport/server.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <stdlib.h>

using namespace weir;
using namespace weir::transport;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// An authority and its certificates in a folder of their own.
class authority {
public:
  authority() {
    std::string pattern = (fs::temp_directory_path() / "weir-tls-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 "
        "-subj /CN=test-ca");
  }
  ~authority() { fs::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  /// A certificate with these alternative names, or none but a common name.
  void issue(const std::string& name, const std::string& alternatives, const std::string& subject) {
    std::ofstream(file(name + ".ext"))
        << (alternatives.empty() ? "" : "subjectAltName=" + alternatives + "\n");
    run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name + ".key -out " + name +
        ".csr -subj /CN=" + subject);
    run("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -out " + name +
        ".pem -days 2 -extfile " + name + ".ext");
  }

  void run(const std::string& arguments) {
    const std::string command = "cd " + folder_.string() + " && openssl " + arguments + " >/dev/null 2>&1";
    BOOST_REQUIRE_MESSAGE(std::system(command.c_str()) == 0, "openssl " << arguments);
  }

private:
  fs::path folder_;
};

std::unique_ptr<server> serve(const authority& ca, const std::string& name, request_handler handler) {
  server_options options;
  options.certificate_file = ca.file(name + ".pem");
  options.private_key_file = ca.file(name + ".key");
  auto upstream = server::listen(options, std::move(handler));
  BOOST_REQUIRE(upstream.has_value());
  return std::move(*upstream);
}

std::future<exchange> post(client& net, const std::shared_ptr<const endpoint>& to, std::string body = "{}",
                           exchange_id* id = nullptr) {
  auto promise = std::make_shared<std::promise<exchange>>();
  const auto posted = net.post(to, {*request_head::make("POST", "/", {{"Host", to->host}}), std::move(body)},
                               5s, [promise](exchange end) { promise->set_value(std::move(end)); });
  if (id != nullptr)
    *id = posted;
  return promise->get_future();
}

std::shared_ptr<endpoint> trusting(const authority& ca, const server& upstream) {
  auto to = std::make_shared<endpoint>();
  to->host = "localhost";
  to->port = upstream.port();
  to->ca_file = ca.file("ca.pem");
  return to;
}

exchange ask(const authority& ca, const std::string& name, const std::string& host,
             const std::string& trusted) {
  const auto upstream = serve(ca, name, [](const server_request&) {
    return script{send_bytes{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
  });
  const auto to = trusting(ca, *upstream);
  to->host = host;
  to->ca_file = trusted;
  const auto net = make_client(1);
  return post(*net, to).get();
}

void refused(const authority& ca, const std::string& name, const std::string& host,
             const std::string& words) {
  const exchange end = ask(ca, name, host, ca.file("ca.pem"));
  BOOST_REQUIRE_MESSAGE(end.response.has_error(), name);
  BOOST_TEST((end.response.error().type == errc::network));
  BOOST_TEST((end.response.error().fate == outcome::not_sent));
  BOOST_TEST(end.response.error().message.find(words) != std::string::npos,
             name << ": " << end.response.error().message);
}

} // namespace

BOOST_AUTO_TEST_SUITE(tls_test)

BOOST_AUTO_TEST_CASE(only_a_certificate_for_this_host_by_a_trusted_authority_is_accepted) {
  authority ca;
  ca.issue("good", "DNS:localhost,IP:127.0.0.1", "x");
  BOOST_TEST(ask(ca, "good", "localhost", ca.file("ca.pem")).response.has_value());
  BOOST_TEST(ask(ca, "good", "127.0.0.1", ca.file("ca.pem")).response.has_value());
  BOOST_TEST(ask(ca, "good", "localhost", "")
                 .response.has_error()); // the system's store does not know this authority
  ca.issue("other", "DNS:example.org", "localhost");
  refused(ca, "other", "localhost", "mismatch");
  refused(ca, "other", "127.0.0.1", "mismatch");
  ca.issue("common-name", "", "localhost");
  refused(ca, "common-name", "localhost", "mismatch");
  ca.issue("partial", "DNS:local*", "x");
  refused(ca, "partial", "localhost", "mismatch");
  ca.run("x509 -req -in good.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out expired.pem -days 0 -extfile "
         "good.ext");
  fs::copy_file(ca.file("good.key"), ca.file("expired.key"));
  refused(ca, "expired", "localhost", "expired");
}

BOOST_AUTO_TEST_CASE(a_server_without_tls_is_no_tls_server) {
  const auto upstream = server::listen({}, [](const server_request&) { return script{}; });
  auto to = std::make_shared<endpoint>();
  to->host = "localhost";
  to->port = (*upstream)->port();
  const auto net = make_client(1);
  const exchange end = post(*net, to).get();
  BOOST_REQUIRE(end.response.has_error());
  BOOST_TEST((end.response.error().fate == outcome::not_sent));
}

BOOST_AUTO_TEST_CASE(authorities_that_cannot_be_read_are_a_fault_of_the_configuration) {
  auto to = std::make_shared<endpoint>();
  to->host = "localhost";
  to->ca_file = "/nowhere/ca.pem";
  const auto net = make_client(1);
  BOOST_TEST((post(*net, to).get().response.error().type == errc::config));
}

// The bytes are in OpenSSL by then: neither our buffer nor the socket shows them.
BOOST_AUTO_TEST_CASE(a_connection_with_a_record_left_over_is_not_used_again) {
  authority ca;
  ca.issue("good", "DNS:localhost", "x");
  std::atomic<int> seen = 0;
  // The first response fills one TLS record to the last byte and goes out in one write with the next record:
  // the client reads both from its socket and gets one from OpenSSL.
  constexpr std::size_t record = 16 * 1024;
  std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 16300\r\nX: ";
  good += std::string(record - good.size() - 4 - 16300, 'x') + "\r\n\r\n" + std::string(16300, 't');
  const auto upstream = serve(ca, "good", [&seen, good](const server_request&) {
    const char* more = seen++ == 0 ? "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" : "";
    return script{send_bytes{good + more}};
  });
  const auto net = make_client(1);
  const auto to = trusting(ca, *upstream);
  for (int n = 0; n != 3; ++n)
    BOOST_TEST(post(*net, to).get().response.value().body.size() == 16300U);
}

// The record layer reads the request piece by piece, also after its exchange has ended.
BOOST_AUTO_TEST_CASE(a_long_upload_may_be_cancelled_at_any_moment) {
  authority ca;
  ca.issue("good", "DNS:localhost", "x");
  const auto upstream = serve(ca, "good", [](const server_request&) { return script{hang{}}; });
  const auto net = make_client(1);
  const auto to = trusting(ca, *upstream);
  for (int n = 0; n != 60; ++n) {
    exchange_id id = 0;
    auto end = post(*net, to, std::string(4U << 20U, 'x'), &id);
    std::this_thread::sleep_for(std::chrono::microseconds{n * 300});
    net->cancel(id);
    BOOST_TEST((end.get().response.error().type == errc::cancelled));
  }
}

BOOST_AUTO_TEST_SUITE_END()
