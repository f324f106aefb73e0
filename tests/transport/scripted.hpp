// Servers that misbehave by script, and exchanges with them.
// Knows no case.
#pragma once

#include "transport/client.hpp"
#include "transport/server.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <set>

namespace weir::transport::testing {

using namespace std::chrono_literals;

inline const std::string good = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

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

inline std::shared_ptr<endpoint> plain(std::uint16_t port) {
  auto to = std::make_shared<endpoint>();
  to->tls = false;
  to->host = "127.0.0.1";
  to->port = port;
  return to;
}

inline http_request request(std::string body = "{}") {
  return {*request_head::make("POST", "/v1/chat/completions", {{"Host", "127.0.0.1"}}), std::move(body)};
}

inline std::future<exchange> post(client& net, std::shared_ptr<const endpoint> to,
                                  std::chrono::milliseconds total = 5s) {
  auto promise = std::make_shared<std::promise<exchange>>();
  auto end = promise->get_future();
  net.post(std::move(to), request(), total,
           [promise](exchange done) { promise->set_value(std::move(done)); });
  return end;
}

/// One exchange with a server that answers so.
inline exchange once(script steps, std::function<void(endpoint&)> change = {},
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

} // namespace weir::transport::testing
