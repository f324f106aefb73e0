// Threads that live as long as there are names to look up, and whatever they hold with them.
#include "transport/resolver.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <netdb.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace weir::transport {

struct name_resolver::shared_state {
  explicit shared_state(look_up function) : ask(std::move(function)) {}

  const look_up ask;
  std::mutex lock;
  std::map<std::string, std::vector<handler>> asked; ///< waiting or under way, with who wants to know
  std::deque<std::string> waiting;                   ///< those of them that no thread has begun
  unsigned threads = 0;
  bool closed = false;

  void answer(const std::string& host, const result<addresses>& found);
};

/// Under the lock: so that nobody is called once `close` has returned.
void name_resolver::shared_state::answer(const std::string& host, const result<addresses>& found) {
  const std::lock_guard hold(lock);
  auto known = asked.extract(host);
  if (closed || known.empty())
    return;
  for (const handler& each : known.mapped())
    each(found);
}

name_resolver::name_resolver(look_up ask) : state_(std::make_shared<shared_state>(std::move(ask))) {}

void name_resolver::resolve(const std::string& host, handler done) {
  const std::lock_guard hold(state_->lock);
  if (state_->closed)
    return;
  const auto [entry, first] = state_->asked.try_emplace(host);
  entry->second.push_back(std::move(done));
  if (!first)
    return;
  state_->waiting.push_back(host);
  if (state_->threads == max_threads)
    return;
  ++state_->threads;
  try {
    std::thread([state = state_] {
      for (;;) {
        std::string next;
        {
          const std::lock_guard inner(state->lock);
          if (state->waiting.empty() || state->closed) {
            --state->threads;
            return;
          }
          next = std::move(state->waiting.front());
          state->waiting.pop_front();
        }
        state->answer(next, state->ask(next));
      }
    }).detach();
  } catch (const std::system_error& error) {
    --state_->threads;
    if (state_->threads != 0)
      return; // one that is there will come to it
    state_->waiting.clear();
    for (auto& [name, who] : std::exchange(state_->asked, {}))
      for (const handler& each : who)
        each(make_failure(errc::network, "cannot find " + name + ": no thread to ask with: " + error.what()));
  }
}

void name_resolver::close() {
  const std::lock_guard hold(state_->lock);
  state_->closed = true;
  state_->asked.clear();
  state_->waiting.clear();
}

result<name_resolver::addresses> ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (code == EAI_NONAME || code == EAI_ADDRFAMILY) {
    // A machine with nothing but loopback has, by that flag, no family at all.
    hints.ai_flags = 0;
    code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  }
  if (code != 0)
    return make_failure(errc::network, "cannot find " + host + ": " +
                                           (code == EAI_SYSTEM ? std::generic_category().message(errno)
                                                               : ::gai_strerror(code)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
  name_resolver::addresses found;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    boost::asio::ip::tcp::endpoint at;
    if (each->ai_addrlen > at.capacity())
      continue;
    std::memcpy(at.data(), each->ai_addr, each->ai_addrlen);
    at.resize(each->ai_addrlen);
    found.push_back(at.address());
  }
  if (found.empty())
    return make_failure(errc::network, "cannot find " + host + ": it has no address");
  return found;
}

} // namespace weir::transport
