// The TLS policy. `verify_peer` alone accepts wrong hosts, bare common names and weak keys; each line here
// closes one.
#include "transport/tls.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>

namespace weir::transport {

namespace asio = boost::asio;

result<tls_context> make_tls_context(const std::string& ca_file) {
  const auto fail = [&](const std::string& what) {
    return make_failure(errc::config, "TLS: " + what, ca_file);
  };
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_security_level(native, 2);
  if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return fail("OpenSSL lacks the protocol versions and ciphers that weir asks for");
  boost::system::error_code error;
  if (ca_file.empty())
    context->set_default_verify_paths(error);
  else
    context->load_verify_file(ca_file, error);
  if (error)
    return fail("cannot read the trusted authorities: " + error.message());
  context->set_verify_mode(asio::ssl::verify_peer, error);
  // HTTP/1.1 is all that is spoken here; a server that picked HTTP/2 would not be understood.
  constexpr std::array<unsigned char, 9> protocols{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(native, protocols.data(), protocols.size());
  return context;
}

bool expect_host(tls_stream& stream, const std::string& host) {
  SSL* native = stream.native_handle();
  boost::system::error_code no_literal;
  asio::ip::make_address(host, no_literal);
  if (!no_literal)
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(native), host.c_str()) == 1;
  SSL_set_hostflags(native, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return SSL_set1_host(native, host.c_str()) == 1 && SSL_set_tlsext_host_name(native, host.c_str()) == 1;
}

bool is_drained(tls_stream& stream) noexcept {
  SSL* native = stream.native_handle();
  return SSL_has_pending(native) == 0 && BIO_pending(SSL_get_rbio(native)) == 0 &&
         (SSL_get_shutdown(native) & SSL_RECEIVED_SHUTDOWN) == 0;
}

std::string handshake_fault(tls_stream& stream, const boost::system::error_code& error) {
  const long verdict = SSL_get_verify_result(stream.native_handle());
  if (verdict != X509_V_OK)
    return std::string("the certificate was refused: ") + X509_verify_cert_error_string(verdict);
  return error.message();
}

} // namespace weir::transport
