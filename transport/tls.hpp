// TLS as a client: contexts with one strict policy, and a stream made ready for one host.
// Knows certificates and names; no HTTP.
#pragma once

#include "transport/client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <memory>
#include <string>

namespace weir::transport {

using tls_context = std::shared_ptr<boost::asio::ssl::context>;
using tls_stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

/// A context that trusts the authorities of `ca_file`, or of the system's store when it is empty: TLS 1.2 or
/// later, security level 2, forward secrecy and authenticated encryption only, peers verified. Errors:
/// `config`.
result<tls_context> make_tls_context(const std::string& ca_file);

/// Demands that the peer's certificate names this host (never by its common name, never by a partial
/// wildcard), and says the name in the handshake. False: OpenSSL would not take the name.
bool expect_host(tls_stream& stream, const std::string& host);

/// Whether everything that the peer has said was read: nothing waits in OpenSSL, decrypted or not. A look at
/// the socket alone would not see what came with the records before.
bool is_drained(tls_stream& stream) noexcept;

/// Why a handshake failed, in words: the certificate's fault if there is one, else the error's.
std::string handshake_fault(tls_stream& stream, const boost::system::error_code& error);

} // namespace weir::transport
