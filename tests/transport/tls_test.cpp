// Which certificates are accepted. They are made here, by the openssl program, for every run anew.
#include "transport/client.hpp"
#include "transport/server.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

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

exchange ask(const authority& ca, const std::string& name, const std::string& host,
             const std::string& trusted) {
  server_options options;
  options.certificate_file = ca.file(name + ".pem");
  options.private_key_file = ca.file(name + ".key");
  const auto upstream = server::listen(options, [](const server_request&) {
    return script{send_bytes{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
  });
  BOOST_REQUIRE(upstream.has_value());
  auto to = std::make_shared<endpoint>();
  to->host = host;
  to->port = (*upstream)->port();
  to->ca_file = trusted;
  const auto net = make_client(1);
  std::promise<exchange> promise;
  net->post(to, {*request_head::make("POST", "/", {{"Host", host}}), "{}"}, 5s,
            [&](exchange end) { promise.set_value(std::move(end)); });
  return promise.get_future().get();
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
  std::promise<exchange> promise;
  net->post(to, {*request_head::make("POST", "/", {{"Host", "x"}}), "{}"}, 5s,
            [&](exchange end) { promise.set_value(std::move(end)); });
  const exchange end = promise.get_future().get();
  BOOST_REQUIRE(end.response.has_error());
  BOOST_TEST((end.response.error().fate == outcome::not_sent));
}

BOOST_AUTO_TEST_CASE(authorities_that_cannot_be_read_are_a_fault_of_the_configuration) {
  auto to = std::make_shared<endpoint>();
  to->host = "localhost";
  to->ca_file = "/nowhere/ca.pem";
  const auto net = make_client(1);
  std::promise<exchange> promise;
  net->post(to, {*request_head::make("POST", "/", {{"Host", "x"}}), "{}"}, 5s,
            [&](exchange end) { promise.set_value(std::move(end)); });
  BOOST_TEST((promise.get_future().get().response.error().type == errc::config));
}

BOOST_AUTO_TEST_SUITE_END()
