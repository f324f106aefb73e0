// Looks host names up on threads of its own, since the system's look-up blocks and cannot be interrupted: a
// name server that does not answer must hold up neither other hosts nor the end of the program. Knows no
// socket.
#pragma once

#include <weir/error.hpp>

#include <boost/asio/ip/address.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir::transport {

/// All members may be called from any thread.
class name_resolver {
public:
  /// In the order in which the system would try them; never empty.
  using addresses = std::vector<boost::asio::ip::address>;
  /// Called once for each `resolve`, on a thread of the resolver's or (when none can be started) at once,
  /// unless the resolver was closed before. Must not block and must not use the resolver.
  using handler = std::function<void(result<addresses>)>;
  /// The system's look-up, or a test's. Blocks. Errors: `network`.
  using look_up = std::function<result<addresses>(const std::string& host)>;

  /// Look-ups under way at once; more wait.
  static constexpr unsigned max_threads = 8;

  explicit name_resolver(look_up ask);
  name_resolver(const name_resolver&) = delete;
  name_resolver& operator=(const name_resolver&) = delete;
  ~name_resolver() { close(); }

  /// Who asks for a host that is being looked up gets the answer of that look-up.
  void resolve(const std::string& host, handler done);

  /// Calls no handler any more, and waits for no look-up.
  void close();

private:
  struct shared_state;

  std::shared_ptr<shared_state> state_;
};

/// What the system says (getaddrinfo, TCP).
result<name_resolver::addresses> ask_system(const std::string& host);

} // namespace weir::transport
