// Glue: counts requests, asks for answers, has them logged, and plays refused connections by time.
#include "tools/mock/mock_server.hpp"

#include "tools/mock/answer.hpp"
#include "tools/mock/request_log.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace weir::mock {

namespace {

using std::chrono::steady_clock;

} // namespace

struct mock_server::implementation {
  explicit implementation(const mock_options& given)
      : options(given), log(given.log_file, given.log_content) {}
  ~implementation() {
    {
      const std::lock_guard hold(lock);
      ending = true;
    }
    wake.notify_all();
    if (refuser.joinable())
      refuser.join();
  }

  transport::script serve(const transport::server_request& request) {
    if (!is_chat(request))
      return answer_other(options.plan, request).steps;
    const std::uint64_t number = ++requests;
    answer given = answer_chat(options.plan, request, number, created, age());
    billed += given.billed ? 1 : 0;
    log.write(request, given, number, age());
    if (given.stream)
      given.steps.insert(given.steps.begin(), watch(number, given.source));
    return std::move(given.steps);
  }

  std::chrono::milliseconds age() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
  }

  /// Notes when the client of a stream leaves it.
  transport::watch_peer watch(std::uint64_t number, std::shared_ptr<const stream_source> source) {
    return {[this, number, source = std::move(source)] {
      ++abandoned;
      log.write_closed(number, source ? source->chunks() : 0, age());
    }};
  }

  /// Closes and opens the port as the plan's `refuse` faults say.
  void play_refusals(std::vector<fault> windows);

  mock_options options;
  request_log log;
  steady_clock::time_point begin = steady_clock::now();
  std::int64_t created =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> billed{0};
  std::atomic<std::uint64_t> abandoned{0};
  std::mutex lock;
  std::condition_variable wake;
  bool ending = false;
  std::unique_ptr<transport::server> server;
  std::thread refuser;
};

void mock_server::implementation::play_refusals(std::vector<fault> windows) {
  std::ranges::sort(windows, {}, &fault::from);
  std::unique_lock hold(lock);
  const auto sleep_until = [&](milliseconds time) {
    return !wake.wait_until(hold, begin + time, [this] { return ending; });
  };
  for (const fault& each : windows) {
    if (!sleep_until(each.from))
      return;
    server->refuse_connections();
    if (!each.to)
      return;
    if (!sleep_until(*each.to))
      return;
    // Somebody else may have taken the port meanwhile; then it stays refused, which is what was asked for.
    (void)server->accept_connections();
  }
}

result<std::unique_ptr<mock_server>> mock_server::start(const mock_options& options) {
  auto impl = std::make_unique<implementation>(options);
  if (!options.log_file.empty() && !impl->log.is_open())
    return make_failure(errc::config, "cannot write the request log", options.log_file);
  transport::server_options server;
  server.port = options.port;
  server.threads = options.threads;
  server.certificate_file = options.certificate_file;
  server.private_key_file = options.private_key_file;
  auto listening = transport::server::listen(
      server, [impl = impl.get()](const transport::server_request& request) { return impl->serve(request); });
  if (!listening)
    return listening.error();
  impl->server = std::move(*listening);
  std::vector<fault> windows;
  std::ranges::copy_if(options.plan.faults, std::back_inserter(windows),
                       [](const fault& each) { return each.kind == fault_kind::refuse; });
  if (!windows.empty())
    impl->refuser = std::thread([impl = impl.get(), windows] { impl->play_refusals(windows); });
  return std::unique_ptr<mock_server>(new mock_server(std::move(impl)));
}

mock_server::mock_server(std::unique_ptr<implementation> impl) : impl_(std::move(impl)) {}
mock_server::~mock_server() = default;

std::uint16_t mock_server::port() const noexcept {
  return impl_->server->port();
}

std::string mock_server::base_url() const {
  return (impl_->options.certificate_file.empty() ? "http" : "https") + std::string("://127.0.0.1:") +
         std::to_string(port()) + "/v1";
}

std::uint64_t mock_server::requests() const noexcept {
  return impl_->requests;
}
std::uint64_t mock_server::billed() const noexcept {
  return impl_->billed;
}
std::uint64_t mock_server::abandoned() const noexcept {
  return impl_->abandoned;
}

} // namespace weir::mock
